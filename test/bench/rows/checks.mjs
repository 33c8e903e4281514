import { createHmac } from 'node:crypto';
import { createMfa } from '@mfa-kit/core';
import { createHttpKit, guardRequest } from '@mfa-kit/core/http';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { verifiedSession } from '@mfa-kit/core/testing';
import { jwtVerify } from 'jose';
import * as OTPAuth from 'otpauth';
import { generateSync, verifySync } from 'otplib';
import speakeasy from 'speakeasy';
import { createKeyring } from '../../../packages/core/build/crypto/keyring.js';
import { totpFactor } from '../../../packages/core/build/factors/totp.js';
import { openDeviceToken, signDeviceToken } from '../../../packages/core/build/tokens/device-token.js';
import { isYoung, USER } from '../hosts/common.mjs';
import { KEY } from '../key.mjs';
import { compare, compareCalls, ratioOf } from '../measure.mjs';
import { hotp } from '../sides/authenticator-app.mjs';
import { atMost, within } from './goals.mjs';

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const STEP = 30;

/** The computation of a check without storage: the pure functions, called as the flows call them. */
export async function* measureChecks({ rounds }) {
  yield codeCheck(rounds);
  yield equalTimes(rounds);
  yield* tokens(rounds);
  yield await guardInLoop(rounds);
}

/** All sides check three time steps (previous, current, next) and get the current code. */
function codeCheck(rounds) {
  const now = Date.now();
  const step = Math.floor(now / 1000 / STEP);
  const code = generateSync({ strategy: 'hotp', secret: SECRET, counter: step });
  const factor = totpFactor(1);
  const data = { secret: SECRET, closed: [] };
  const secret = OTPAuth.Secret.fromBase32(SECRET);
  const totp = new OTPAuth.TOTP({ secret, algorithm: 'SHA1', digits: 6, period: STEP });
  const bytes = Buffer.from(secret.buffer);
  const rightNow = (accepted) => {
    if (!accepted) throw new Error('a right code was refused');
  };
  const sides = [
    { name: 'mfa-kit', run: () => rightNow(factor.check(data, code, { now }).outcome === 'accepted') },
    {
      name: 'otplib',
      run: () => rightNow(verifySync({ secret: SECRET, token: code, epoch: now / 1000, epochTolerance: STEP }).valid),
    },
    { name: 'otpauth', run: () => rightNow(totp.validate({ token: code, timestamp: now, window: 1 }) === 0) },
    {
      name: 'speakeasy',
      run: () =>
        rightNow(speakeasy.totp.verify({ secret: SECRET, encoding: 'base32', token: code, time: now / 1000, window: 1 })),
    },
    {
      name: 'raw HMAC, three steps',
      run() {
        let matched = false;
        for (const near of [step - 1, step, step + 1]) matched = hotp(bytes, near) === code || matched;
        rightNow(matched);
      },
    },
  ];
  const costs = compareCalls(sides, { rounds, count: 20 });
  return {
    id: 'totp',
    title: 'TOTP check alone, three steps; microseconds',
    costs,
    goals: [atMost('totp.over-otplib', ratioOf(costs, 'mfa-kit', 'otplib'), 1.5)],
  };
}

/** Measures whether the time of a check reveals which step matched, if any. */
function equalTimes(rounds) {
  const now = Date.now();
  const step = Math.floor(now / 1000 / STEP);
  const factor = totpFactor(1);
  const data = { secret: SECRET, closed: [{ from: step - 100, to: step - 90 }] };
  const codeOf = (ahead) => generateSync({ strategy: 'hotp', secret: SECRET, counter: step + ahead });
  const near = [-1, 0, 1].map(codeOf);
  const wrong = ['000000', '111111', '222222', '333333'].find((code) => !near.includes(code));
  const sides = [
    { name: 'wrong', run: () => factor.check(data, wrong, { now }) },
    ...[-1, 0, 1].map((ahead) => ({ name: `step ${ahead}`, run: () => factor.check(data, near[ahead + 1], { now }) })),
  ];
  const costs = compareCalls(sides, { rounds, count: 20 });
  return {
    id: 'equal-times',
    title: 'The check of a wrong code and of a right one of each step; microseconds',
    costs,
    goals: [
      within('equal-times.wrong', ratioOf(costs, 'wrong', 'step 0'), 0.95, 1.05),
      within('equal-times.step-before', ratioOf(costs, 'step -1', 'step 0'), 0.95, 1.05),
      within('equal-times.step-after', ratioOf(costs, 'step 1', 'step 0'), 0.95, 1.05),
    ],
  };
}

/** The computation of the guard itself. In an application the rest of a request runs between two calls, so caches are cold. */
async function guardInLoop(rounds) {
  const storage = memoryStorage({ losesAllDataOnRestart: true });
  const mfa = createMfa({ issuer: 'Acme', keys: [KEY], storage, revocationDelaySeconds: 300 });
  const kit = createHttpKit(mfa, { loginUrl: '/login', path: '/mfa' });
  const { session } = await verifiedSession(mfa, USER);
  const stored = { mfa: JSON.parse(JSON.stringify(session)) };
  const port = { read: () => stored.mfa };
  const run = () => {
    const exchange = { session: port, user: () => USER, eventContext: () => undefined };
    if (!guardRequest(kit, exchange).allowed) throw new Error('a young proof was refused');
  };
  const byHand = () => {
    if (!isYoung(stored)) throw new Error('a young proof was refused');
  };
  const sides = [
    { name: 'mfa-kit', run },
    { name: 'by hand', run: byHand },
  ];
  const title = "The guard's question called in a loop, proof within revocationDelaySeconds; microseconds";
  return { id: 'guard-in-loop', title, costs: compareCalls(sides, { rounds, count: 100 }), goals: [] };
}

async function* tokens(rounds) {
  const now = Date.now();
  const realm = 'mfa-kit';
  const keyring = createKeyring([{ id: '2026-11', secret: crypto.getRandomValues(new Uint8Array(32)) }], realm);
  const given = { keyring, realm, now };
  const claims = { userId: 'user-ada', deviceId: 'q1W0nE7gk5RrJ9sZbX2mVt', tokenId: 'Zb8kQ2xV7nR4tY1mW6pL9s' };
  const { token } = await signDeviceToken(claims, given);
  const key = await keyring.hmacKey('device-token', '2026-11');
  const sides = [
    { name: 'mfa-kit', run: () => openDeviceToken(token, given) },
    { name: 'jose jwtVerify', run: () => jwtVerify(token, key, { algorithms: ['HS256'] }) },
  ];
  const size = { rounds: Math.ceil(rounds / 4), count: 100, warmup: 10 };
  const costs = await compare(sides, size);
  yield {
    id: 'device-token',
    title: 'Device token check, every claim, against the bare signature check; microseconds',
    costs,
    goals: [atMost('device-token.over-jose', ratioOf(costs, 'mfa-kit', 'jose jwtVerify'), 1.3)],
  };
  yield await tokenSigning({ claims, given, size });
}

/** Besides storage, a right code and a remembered login pay for the signature. jose computes it on another thread. */
async function tokenSigning({ claims, given, size }) {
  const key = given.keyring.bytes('device-token', given.keyring.currentId);
  const header = Buffer.from('{"alg":"HS256"}').toString('base64url');
  const sides = [
    { name: 'mfa-kit, by jose', run: () => signDeviceToken(claims, given) },
    {
      name: 'raw HMAC',
      async run() {
        const text = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
        return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
      },
    },
  ];
  const costs = await compare(
    sides.map((side) => ({ ...side, cpu: usedByThis })),
    size,
  );
  const title = 'Signing a device token, and what it takes of all threads of the process; microseconds';
  return { id: 'token-signing', title, costs, goals: [] };
}

async function usedByThis() {
  const { user, system } = process.cpuUsage();
  return user + system;
}
