import { expect, it } from 'vitest';
import { peek } from '../../../faults/core-faulty-storage.js';
import { ada, createEnrolled, DAY, enrollAnother, expectOk, HOUR, loginPending, MINUTE } from '../../../support/core-fixture.js';

it('I10: a record after many changes of every kind stays within its bounds and below 48 KB', async () => {
  const fixture = await createEnrolled();
  const { mfa, clock } = fixture;
  const { recoveryCodes } = fixture;
  const authenticators = [fixture.authenticator];
  let { session } = fixture;
  const name = '\u{1f510}'.repeat(64);

  async function loginBy(index: number, options: object = {}) {
    const authenticator = authenticators[index % authenticators.length] as (typeof authenticators)[number];
    const { pendingToken = '' } = await mfa.beginLogin({ user: ada });
    const pending = expectOk(await mfa.openPendingToken(pendingToken)).session;
    return expectOk(
      await mfa.verify({
        user: ada,
        session: pending,
        proof: { kind: 'totp', code: authenticator.code(clock.now()) },
        ...options,
      }),
    );
  }

  while (authenticators.length < 5) {
    clock.advance(HOUR);
    session = (await loginBy(0)).session;
    const added = await enrollAnother(fixture, session);
    authenticators.push(added.authenticator);
    const change = { user: ada, session: added.session, authenticatorId: added.authenticatorId, name };
    expectOk(await mfa.renameAuthenticator(change));
  }
  for (let visit = 0; visit < 400; visit++) {
    // Never two uses of one authenticator in neighboring steps, so that each leaves its own range of closed steps.
    clock.advance(2 * MINUTE);
    await loginBy(visit, { rememberDevice: true, deviceLabel: name });
  }
  for (let login = 0; login < 5; login++) {
    const pending = (await loginBy(0)).session;
    clock.advance(2 * MINUTE);
    const refused = await mfa.startEnrollment({ user: ada, session: pending, name });
    expect(refused).toMatchObject({ reason: 'limit_reached' });
  }
  for (const recoveryCode of recoveryCodes.slice(0, 5)) {
    const login = await loginPending(mfa);
    expectOk(
      await mfa.verify({
        user: ada,
        session: login,
        proof: { kind: 'recovery-code', code: recoveryCode },
        rememberDevice: true,
        deviceLabel: name,
      }),
    );
  }

  const profile = await peek(fixture.storage, ada.id);
  expect(profile).toMatchObject({ authenticators: { length: 5 }, devices: { length: 20 } });
  expect(profile?.usedTokens.length).toBeLessThanOrEqual(32);
  expect(profile?.versions.length).toBe(16);
  expect(profile?.enrollmentStarts.length).toBeLessThanOrEqual(10);
  for (const { data } of profile?.authenticators ?? []) {
    expect((data as { closed: unknown[] }).closed.length).toBeGreaterThan(20);
    expect((data as { closed: unknown[] }).closed.length).toBeLessThanOrEqual(32);
  }
  const stored = await fixture.storage.read(ada.id);
  expect(stored?.value.length).toBeLessThan(48 * 1024);
  expect(clock.now()).toBeGreaterThan(DAY);
});
