import { verifiedSession } from '@mfa-kit/core/testing';
import { expect, it } from 'vitest';
import {
  ada,
  bob,
  createEnrolled,
  createFixture,
  DAY,
  enrollAnother,
  KEY,
  loginPending,
  loginWithCode,
  OTHER_KEY,
  type TestUser,
  wrongCode,
} from '../../../../support/core-fixture.js';
import { plant, populated } from '../../../../support/population.js';

it('report() counts what operators ask for', async () => {
  const fixture = await createEnrolled();
  await enrollAnother(fixture, fixture.session);
  await loginWithCode(fixture, { rememberDevice: true });
  await loginWithCode(fixture);
  // Carol has three codes left and makes wrong guesses; dan has none left; bob has not enrolled.
  const carol: TestUser = { id: 'carol', name: 'carol' };
  const dan: TestUser = { id: 'dan', name: 'dan' };
  const theirs = await verifiedSession(fixture.mfa, carol);
  const his = await verifiedSession(fixture.mfa, dan);
  const [carols, dans] = [await loginPending(fixture.mfa, carol), await loginPending(fixture.mfa, dan)];
  for (const recoveryCode of theirs.recoveryCodes.slice(3))
    await fixture.mfa.verify({ user: carol, session: carols, proof: { kind: 'recovery-code', code: recoveryCode } });
  for (const recoveryCode of his.recoveryCodes)
    await fixture.mfa.verify({ user: dan, session: dans, proof: { kind: 'recovery-code', code: recoveryCode } });
  const code = wrongCode(theirs.authenticator, fixture.clock.now());
  for (let tries = 0; tries < 5; tries++)
    await fixture.mfa.verify({ user: carol, session: carols, proof: { kind: 'totp', code } });
  await loginPending(fixture.mfa, bob);

  const report = await fixture.mfa.report();
  expect(report).toEqual({
    at: fixture.clock.now(),
    complete: true,
    users: 4,
    enrolled: 3,
    notEnrolled: 1,
    authenticators: [{ kind: 'totp', count: 4 }],
    recoveryCodes: { none: 1, few: 1, enough: 1 },
    devices: { known: 2, remembered: 1 },
    throttled: 1,
    keys: [{ id: KEY.id, inRing: true, profiles: 4 }],
    unreadable: { count: 0, userIds: [] },
    failed: { count: 0, userIds: [] },
  });

  fixture.clock.advance(31 * DAY);
  expect(await fixture.mfa.report()).toMatchObject({ devices: { known: 2, remembered: 0 }, throttled: 0 });
});

it('CRY-3, T34: report() says what each key sealed, and which key is missing', async () => {
  const storage = await populated(3);
  await plant(storage, 'a', { key: OTHER_KEY });
  await plant(storage, 'b', { key: { ...OTHER_KEY, id: '__proto__' } });
  await plant(storage, 'c', { key: { ...KEY, id: 'lost' } });
  await plant(storage, 'd', { key: { ...KEY, id: 'lost' } });
  const report = await createFixture({ storage, keys: [OTHER_KEY, KEY] }).mfa.report();
  expect(report.keys).toEqual([
    { id: OTHER_KEY.id, inRing: true, profiles: 1 },
    { id: KEY.id, inRing: true, profiles: 3 },
    { id: '__proto__', inRing: false, profiles: 1 },
    { id: 'lost', inRing: false, profiles: 2 },
  ]);
  expect(report).toMatchObject({ users: 7, notEnrolled: 4, unreadable: { count: 3, userIds: ['b', 'c', 'd'] } });
});

it('report() distinguishes at most twenty missing keys, so that a forger of rows cannot fill the memory', async () => {
  const storage = await populated(1);
  for (let index = 0; index < 30; index++) await plant(storage, `x-${index}`, { key: { ...KEY, id: `made-up-${index}` } });
  const { keys } = await createFixture({ storage }).mfa.report();
  expect(keys).toHaveLength(22);
  expect(keys.at(-1)).toEqual({ id: '(others)', inRing: false, profiles: 10 });
});

it('report() counts an authenticator of a kind that this version does not know', async () => {
  const { mfa, storage } = createFixture();
  const authenticator = { id: 'x', kind: 'webauthn', name: '', createdAt: 0, enrollmentId: '', data: null };
  await plant(storage, ada.id, { authenticators: [authenticator] });
  expect(await mfa.report()).toMatchObject({ enrolled: 1, authenticators: [{ kind: 'webauthn', count: 1 }] });
});

it('LOG-2: report() holds no secret, and no id of a user with a readable profile', async () => {
  const fixture = await createEnrolled();
  const { token } = await loginWithCode(fixture, { rememberDevice: true });
  const text = JSON.stringify(await fixture.mfa.report());
  for (const secret of [ada.id, ada.name, 'Firefox', token, ...fixture.recoveryCodes]) expect(text).not.toContain(secret);
  expect(text.length).toBeLessThan(500);
});
