import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createAuthenticator } from '@mfa-kit/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../support/requires.js';
import { type Fixtures, makeFixtures } from './fixtures.js';
import {
  access,
  begin,
  createPair,
  DAY,
  expectOk,
  KEY,
  MINUTE,
  OTHER_KEY,
  type Pair,
  said,
  sessionOf,
  statusOf,
} from './pair.js';
import { openRow } from './sealed.js';
import { stores } from './stores.js';

const file = path.join(import.meta.dirname, 'fixtures/release-1.json');
if (process.env.MFA_KIT_WRITE_FIXTURES) writeFileSync(file, `${JSON.stringify(await makeFixtures(), null, 2)}\n`);
const fixtures = JSON.parse(readFileSync(file, 'utf8')) as Fixtures;
/** The longest one has a separate test. */
const names = Object.keys(fixtures).filter((name) => name !== 'at-the-limit');

describe('UPG-1: data of release 1', () => {
  it('opens by the documented layout, and has a record at its limit', () => {
    const sizes: Record<string, number> = {};
    for (const [name, fixture] of Object.entries(fixtures)) {
      const key = name === 'sealed-by-an-older-key' ? OTHER_KEY : KEY;
      const { profile, format } = openRow(fixture, key);
      expect(format, name).toBe(1);
      expect(profile.format, name).toBe(1);
      sizes[name] = Buffer.byteLength(JSON.stringify(profile));
    }
    expect(sizes['at-the-limit']).toBe(48 * 1024);
    expect(sizes['near-the-limit']).toBeGreaterThan(24 * 1024);
  });
});

for (const store of stores) {
  const place = await store.open();
  describeWith(place, `UPG-1: data of release 1, in ${store.name}`, (opened) => {
    let pair: Pair;
    beforeAll(async () => {
      pair = await createPair(opened, { keys: [KEY, OTHER_KEY] });
      for (const { userId, version, value } of Object.values(fixtures)) {
        // The longest record is longer than release 1 promised to its adapters.
        const storage = value.length > 65_536 ? pair.storages.now : pair.storages.old;
        expect(await storage.write(userId, { version, value }, null)).toBe(true);
      }
    });
    afterAll(() => opened.close());

    it('UPG-1, F34: at-the-limit: both releases read it, and each can write after the other', async () => {
      const fixture = fixtures['at-the-limit'] as Fixtures[string];
      const user = userOf(fixture);
      pair.clock.set(fixture.at);
      for (const side of [pair.now, pair.old]) expect(await statusOf(side, user)).toMatchObject(fixture.status);
      const app = createAuthenticator(fixture.apps[0] ?? '');
      for (const side of [pair.now, pair.now, pair.old, pair.now]) {
        pair.clock.advance(2 * MINUTE);
        const session = await begin(side, user);
        const proven = await side.verify({ user, session, code: app.code(pair.clock.now()) });
        expect(said(proven), side.release.name).toBe('ok');
      }
      // It loses only devices that were not used for a long time.
      const { profile } = openRow(await pair.row(user.id), KEY);
      expect(Buffer.byteLength(JSON.stringify(profile))).toBeLessThanOrEqual(48 * 1024);
      expect(profile.ofALaterRelease).toMatch(/^x{1000,}$/);
      const { authenticators, recoveryCodesLeft } = await statusOf(pair.now, user);
      expect([authenticators.length, recoveryCodesLeft]).toEqual([10, 10]);
    });

    it.each(names)('%s: keeps its meaning', async (name) => {
      const fixture = fixtures[name] as Fixtures[string];
      const user = { id: fixture.userId, name: 'ada@example.com' };
      pair.clock.set(fixture.at);
      expect(await statusOf(pair.now, user)).toMatchObject(fixture.status);
      for (const { state, said: before, name: of } of fixture.sessions) {
        expect((await access(pair, user, state)).now, of).toBe(before);
      }
      const settings = pair.now as unknown as { settings: { deviceCookieSuffixes(userId: string): string[] } };
      expect(`__Host-mfa_device_${settings.settings.deviceCookieSuffixes(user.id)[0]}`).toBe(fixture.cookieName);
      if (fixture.pendingEnrollment) await finishEnrollment(pair, fixture);
      for (const { token, access: decided, name: of } of fixture.deviceTokens) {
        expect((await pair.now.beginLogin({ user, deviceToken: token })).decision.access, of).toBe(decided);
      }
      if (fixture.usedCode) {
        const again = { user, session: await begin(pair.now, user), code: fixture.usedCode };
        expect(said(await pair.now.verify(again))).toBe('invalid_code');
      }
      for (const { token, used } of fixture.pendingTokens) {
        const state = sessionOf(expectOk(await pair.now.openPendingToken(token)));
        const code = fixture.apps[0] ? createAuthenticator(fixture.apps[0]).code(pair.clock.now() + 30_000) : '123456';
        expect(said(await pair.now.verify({ user, session: state, code }))).toBe(
          used ? 'pending_token_invalid' : fixture.apps[0] ? 'ok' : 'not_enrolled',
        );
      }
      await proveByRecovery(pair, fixture);
      await proveByCode(pair, fixture);
      // Release 1 opens what the present code has written.
      const { enrolled, authenticators, recoveryCodesLeft } = await statusOf(pair.now, user);
      expect(await statusOf(pair.old, user)).toMatchObject({ enrolled, authenticators, recoveryCodesLeft });
    });
  });
}

const userOf = ({ userId }: { userId: string }) => ({ id: userId, name: 'ada@example.com' });

/** The session that began the enrollment shows it again and confirms it. */
async function finishEnrollment(pair: Pair, fixture: Fixtures[string]): Promise<void> {
  const user = userOf(fixture);
  const { id = '', uri = '' } = fixture.pendingEnrollment ?? {};
  const session = fixture.sessions[0]?.state;
  expect(expectOk(await pair.now.currentEnrollment({ user, session })).enrollment).toMatchObject({ id, uri });
  const code = createAuthenticator(uri).code(pair.clock.now());
  const confirmed = expectOk(await pair.now.confirmEnrollment({ user, session, enrollmentId: id, code }));
  expect(await access(pair, user, sessionOf(confirmed))).toEqual({ old: 'allow: otp', now: 'allow: otp' });
}

/** An unused code is accepted once, and a used one is refused. */
async function proveByRecovery(pair: Pair, { recoveryCodes, ...fixture }: Fixtures[string]): Promise<void> {
  const user = userOf(fixture);
  const prove = async (recoveryCode: string | undefined) =>
    said(await pair.now.verify({ user, session: await begin(pair.now, user), recoveryCode }));
  const refusal = fixture.apps.length > 0 ? 'invalid_code' : 'not_enrolled';
  const [left, used] = [recoveryCodes.left[0], recoveryCodes.used[0]];
  if (used) expect(await prove(used)).toBe(refusal);
  if (left) expect([await prove(left), await prove(left)]).toEqual(['ok', 'invalid_code']);
}

/** Each existing authenticator is accepted, and no other. A wait from release 1 applies and ends. */
async function proveByCode(pair: Pair, fixture: Fixtures[string]): Promise<void> {
  const user = userOf(fixture);
  const prove = async (uri: string) => {
    const code = createAuthenticator(uri).code(pair.clock.now());
    return said(await pair.now.verify({ user, session: await begin(pair.now, user), code }));
  };
  if (fixture.throttled) {
    expect(await prove(fixture.apps[0] ?? '')).toBe('throttled');
    pair.clock.advance(DAY);
  }
  for (const uri of fixture.apps) {
    pair.clock.advance(2 * MINUTE);
    expect(await prove(uri)).toBe('ok');
  }
  for (const uri of fixture.removedApps) expect(await prove(uri)).toBe('not_enrolled');
  if (fixture.apps.length === 0 && !fixture.pendingEnrollment) {
    expect(expectOk(await pair.now.startEnrollment({ user, session: await begin(pair.now, user) })).enrollment).toBeDefined();
  }
}
