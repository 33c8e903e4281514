import { randomBytes } from 'node:crypto';
import { verifySync } from 'otplib';
import { describe, expect, it } from 'vitest';
import { equalBytes, keyedDigest } from '../../packages/core/src/crypto/digest.js';
import {
  createRecoveryCodes,
  parseRecoveryCode,
  takeRecoveryCode,
} from '../../packages/core/src/factors/recovery-code/recovery-code.js';
import { parseKey, stepAt } from '../../packages/core/src/factors/totp/totp.js';
import { createAuthenticator } from '../support/core-fixture.js';
import { countOperations } from '../support/proof.js';
import { totpOfWindow } from '../support/totp-of-window.js';
import { type PairTimes, type TimedCalls, welchOfPairs } from './welch.js';

// Not part of `npm test`, because these tests may fail on a busy machine.
const SAMPLES = Number(process.env.MFA_KIT_TIMING_SAMPLES ?? 100_000);
const TOLD_APART = 4.5;
const STEP = 30_000;
const factor = totpOfWindow(1);

/** Authenticators whose previous step is used, and codes of each kind for them. */
const totpCases = Array.from({ length: 256 }, (_, index) => {
  const now = 1_800_000_000_000 + index * 7_777_777;
  const begun = factor.begin(randomBytes(20));
  const { code } = createAuthenticator(begun.secret);
  const closed = [-900, -700, -500, -1].map((away) => ({ from: stepAt(now) + away, to: stepAt(now) + away }));
  const right = code(now);
  const near = new Set([-1, 0, 1].map((away) => code(now + away * STEP)));
  return {
    data: { ...begun, closed },
    bytes: parseKey(begun.secret),
    now,
    used: code(now - STEP),
    right,
    rightOfTheNextStep: code(now + STEP),
    wrongInTheFirstDigit: wrongAt(right, 0, near),
    wrongInTheLastDigit: wrongAt(right, 5, near),
  };
});

const recoveryCases = Array.from({ length: 256 }, () => {
  const { set, codes } = createRecoveryCodes(10, randomBytes, 0);
  const parsed = codes.map((code) => parseRecoveryCode(code) as string);
  const [unknown = ''] = createRecoveryCodes(1, randomBytes, 0).codes.map(parseRecoveryCode) as string[];
  const used = createRecoveryCodes(1, randomBytes, 0).codes.map(parseRecoveryCode)[0] as string;
  const taken = takeRecoveryCode({ ...set, digests: [...set.digests, digestOf(set.key, used)] }, used, 0);
  return { set: taken ?? set, first: parsed[0] as string, last: parsed[9] as string, used, unknown };
});

type TotpCode = 'right' | 'rightOfTheNextStep' | 'used' | 'wrongInTheFirstDigit' | 'wrongInTheLastDigit';
type TotpCase = (typeof totpCases)[number];
type RecoveryCase = (typeof recoveryCases)[number];

function totpCalls(check: (one: TotpCase, code: string) => unknown): TimedCalls<TotpCode> {
  const next = walkThrough(totpCases);
  const call = (kind: TotpCode) => () => {
    const one = next();
    const code = freshCopy(one[kind]);
    return () => check(one, code);
  };
  return {
    right: call('right'),
    rightOfTheNextStep: call('rightOfTheNextStep'),
    used: call('used'),
    wrongInTheFirstDigit: call('wrongInTheFirstDigit'),
    wrongInTheLastDigit: call('wrongInTheLastDigit'),
  };
}

type RecoveryCode = 'first' | 'last' | 'used' | 'unknown';

function recoveryCalls(take: (one: RecoveryCase, code: string) => unknown): TimedCalls<RecoveryCode> {
  const next = walkThrough(recoveryCases);
  const call = (kind: RecoveryCode) => () => {
    const one = next();
    const code = freshCopy(one[kind]);
    return () => take(one, code);
  };
  return { first: call('first'), last: call('last'), used: call('used'), unknown: call('unknown') };
}

describe('TOTP-6: the time of a check does not distinguish', () => {
  it('a right code from a used or a wrong one, nor which step or digit it was', () => {
    const pairs = measure(totpCalls(({ data, now }, code) => factor.check(data, code, { now })));
    expect(toldApart(pairs)).toEqual([]);
  });

  it('a recovery code of the set, first or last, from a used or an unknown one', () => {
    const pairs = measure(recoveryCalls(({ set }, code) => takeRecoveryCode(set, code, 0)));
    expect(toldApart(pairs)).toEqual([]);
  });
});

describe('the measurement can fail, because it detects', () => {
  it('a check that ends at the first step that matches', () => {
    const leaky = totpCalls(({ bytes, now }, token) =>
      verifySync({ secret: bytes, token, epoch: Math.floor(now / 1000), epochTolerance: 30 }),
    );
    expect(toldApart(measure(leaky))).toContain('rightOfTheNextStep / used');
  });

  it('a search that ends at the first digest that is equal', () => {
    const leaky = recoveryCalls(({ set }, code) => {
      const wanted = Buffer.from(digestOf(set.key, code));
      return set.digests.some((digest) => equalBytes(Buffer.from(digest), wanted));
    });
    expect(toldApart(measure(leaky))).toContain('first / last');
  });
});

/** Measures and prints the result. */
function measure<Name extends string>(calls: TimedCalls<Name>): PairTimes[] {
  const pairs = welchOfPairs(calls, SAMPLES);
  countOperations(Object.keys(calls).length * SAMPLES);
  console.table(
    Object.fromEntries(pairs.map(({ pair, t, nanoseconds }) => [pair, { t: t.toFixed(2), ns: nanoseconds.toFixed(0) }])),
  );
  return pairs;
}

function toldApart(pairs: readonly PairTimes[]): string[] {
  return pairs.filter(({ t }) => Math.abs(t) >= TOLD_APART).map(({ pair }) => pair);
}

function digestOf(key: string, code: string): string {
  return keyedDigest(Buffer.from(key, 'base64url'), ['recovery-code', code], 'base64url');
}

function walkThrough<Case>(cases: readonly Case[]): () => Case {
  let index = 0;
  return () => cases[index++ % cases.length] as Case;
}

/** A copy of the text, because the memory location of a string changes the time by some 20 ns. */
function freshCopy(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** The code with another digit at the position, which is wrong in every step nearby. */
function wrongAt(code: string, place: number, near: ReadonlySet<string>): string {
  for (let by = 1; ; by++) {
    const digit = (Number(code[place]) + by) % 10;
    const changed = `${code.slice(0, place)}${digit}${code.slice(place + 1)}`;
    if (!near.has(changed)) return changed;
  }
}
