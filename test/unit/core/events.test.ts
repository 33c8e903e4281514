import { proofOf } from '../../support/proof-of.js';
import '../../support/driven-timers.js';
import { inspect } from 'node:util';
import type { MfaEvent, MfaNotice, MfaSession } from '@mfa-kit/core';
import { MfaError } from '@mfa-kit/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { peek } from '../../faults/core-faulty-storage.js';
import {
  ada,
  bob,
  createAuthenticator,
  createEnrolled,
  createFixture,
  DAY,
  type Enrolled,
  enrollAnother,
  expectOk,
  KEY,
  loginPending,
  loginWithCode,
  MINUTE,
  OTHER_KEY,
  reasonOf,
  type TestUser,
  wrongCode,
} from '../../support/core-fixture.js';
import { base32Secret, findSecrets, type Secret, textSecret } from '../../support/secret-search.js';

afterEach(() => {
  vi.useRealTimers();
});

/** Events that say how an operation ended. The others accompany one of them. */
const BESIDE = new Set<MfaEvent['name']>([
  'recovery_code_used',
  'recovery_codes_low',
  'recovery_codes_revoked',
  'device_remembered',
  'device_used',
  'device_refused',
  'device_token_reused',
  'guessing_suspected',
  'clock_anomaly',
  'mark_enrolled_failed',
  'notify_failed',
  'profile_unreadable',
]);

describe('LOG-1, I11: each operation has one principal event', () => {
  const operations: [string, string, (fixture: Enrolled, session: MfaSession) => Promise<unknown>][] = [
    ['a login that is asked', 'login_begun', ({ mfa }) => mfa.beginLogin({ user: ada })],
    ['a login where MFA is off', 'login_begun', ({ mfa }) => mfa.beginLogin({ user: { ...ada, mfa: 'off' } })],
    [
      'a login by a remembered device',
      'login_begun',
      async (fixture) => {
        const { token } = await loginWithCode(fixture, { rememberDevice: true });
        fixture.events.length = 0;
        return fixture.mfa.beginLogin({ user: ada, deviceToken: token });
      },
    ],
    ['a login with a strange token', 'login_begun', ({ mfa }) => mfa.beginLogin({ user: ada, deviceToken: 'x' })],
    [
      'a right code with the tick',
      'verified',
      ({ mfa, authenticator, clock }, session) =>
        mfa.verify({ user: ada, session, proof: { kind: 'totp', code: authenticator.code(clock.now()) }, rememberDevice: true }),
    ],
    [
      'a wrong code',
      'verification_failed',
      (fixture, session) => fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code: wrong(fixture) } }),
    ],
    [
      'no code',
      'verification_failed',
      ({ mfa }, session) => mfa.verify({ user: ada, session, proof: { kind: 'totp', code: '' } }),
    ],
    [
      'a used code',
      'verification_failed',
      async (fixture, session) => {
        const code = fixture.authenticator.code(fixture.clock.now());
        await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } });
        fixture.events.length = 0;
        return fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } });
      },
    ],
    [
      'a recovery code',
      'verified',
      ({ mfa, recoveryCodes }, session) =>
        mfa.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCodes[0] } }),
    ],
    [
      'a throttled code',
      'throttled',
      async (fixture, session) => {
        for (let tries = 0; tries < 5; tries++)
          await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code: wrong(fixture) } });
        fixture.events.length = 0;
        return fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code: wrong(fixture) } });
      },
    ],
    [
      'a proof without a login',
      'refused',
      ({ mfa }) => mfa.verify({ user: ada, session: undefined, proof: { kind: 'totp', code: '123456' } }),
    ],
    ['management without a second factor', 'refused', ({ mfa }, session) => mfa.endAllSessions({ user: ada, session })],
    ['a start', 'enrollment_started', ({ mfa, session }) => mfa.startEnrollment({ user: ada, session })],
    [
      'another authenticator',
      'authenticator_enrolled',
      async (fixture) => {
        const { session, enrollment } = expectOk(await fixture.mfa.startEnrollment({ user: ada, session: fixture.session }));
        fixture.events.length = 0;
        const code = createAuthenticator(enrollment.uri).code(fixture.clock.now());
        return fixture.mfa.confirmEnrollment({
          user: ada,
          session,
          enrollmentId: enrollment.id,
          proof: { kind: 'totp', code },
          rememberDevice: true,
        });
      },
    ],
    ['the end of all sessions', 'sessions_ended', ({ mfa, session }) => mfa.endAllSessions({ user: ada, session })],
    [
      'recovery codes that were saved',
      'recovery_codes_saved',
      async (fixture) => {
        await fixture.mfa.regenerateRecoveryCodes({ user: ada, session: fixture.session });
        fixture.events.length = 0;
        return fixture.mfa.recoveryCodesSaved({ user: ada, session: fixture.session });
      },
    ],
    [
      'new recovery codes',
      'recovery_codes_regenerated',
      ({ mfa, session }) => mfa.regenerateRecoveryCodes({ user: ada, session }),
    ],
    ['a password change', 'sessions_ended', ({ mfa }) => mfa.passwordChanged({ userId: ada.id })],
    ['a reset', 'mfa_reset', ({ mfa }) => mfa.resetMfa({ userId: ada.id, actor: 'a', reason: 'r' })],
    ['a cleared lockout', 'lockout_cleared', ({ mfa }) => mfa.clearLockout({ userId: ada.id, actor: 'a', reason: 'r' })],
    ['a restored backup', 'restore_handled', ({ mfa }) => mfa.afterRestore()],
    ['a user forgotten', 'user_forgotten', ({ mfa }) => mfa.forgetUser({ userId: ada.id })],
    ['sessions that support ends', 'sessions_ended', ({ mfa }) => mfa.endSessionsOf({ userId: ada.id, actor: 'a', reason: 'r' })],
    [
      'a pending key that is shown again',
      'enrollment_shown',
      async (fixture) => {
        const { session } = expectOk(await fixture.mfa.startEnrollment({ user: ada, session: fixture.session }));
        fixture.events.length = 0;
        return fixture.mfa.currentEnrollment({ user: ada, session });
      },
    ],
    [
      'an enrollment that is canceled',
      'enrollment_canceled',
      async (fixture) => {
        const { session, enrollment } = expectOk(await fixture.mfa.startEnrollment({ user: ada, session: fixture.session }));
        fixture.events.length = 0;
        return fixture.mfa.cancelEnrollment({ user: ada, session, enrollmentId: enrollment.id });
      },
    ],
    [
      'another name',
      'authenticator_renamed',
      async ({ mfa, session }) => {
        const [authenticator] = expectOk(await mfa.getStatus({ user: ada })).status.authenticators;
        return mfa.renameAuthenticator({ user: ada, session, authenticatorId: authenticator?.id ?? '', name: 'Phone' });
      },
    ],
    [
      'an authenticator that is removed',
      'authenticator_removed',
      async (fixture) => {
        const { session, authenticatorId } = await enrollAnother(fixture, fixture.session);
        fixture.events.length = 0;
        return fixture.mfa.removeAuthenticator({ user: ada, session, authenticatorId });
      },
    ],
    [
      'a device that is revoked',
      'device_revoked',
      async (fixture) => {
        const { deviceId, session } = await loginWithCode(fixture);
        fixture.events.length = 0;
        return fixture.mfa.revokeDevice({ user: ada, session, deviceId });
      },
    ],
    [
      'recovery codes that are saved',
      'recovery_codes_saved',
      async ({ mfa, session, events }) => {
        await mfa.regenerateRecoveryCodes({ user: ada, session });
        events.length = 0;
        return mfa.recoveryCodesSaved({ user: ada, session });
      },
    ],
    [
      'a deadline that support sets',
      'enroll_by_set',
      async ({ mfa, clock, events }) => {
        await mfa.resetMfa({ userId: ada.id, actor: 'a', reason: 'r' });
        events.length = 0;
        return mfa.setEnrollBy({ userId: ada.id, enrollBy: clock.now() + DAY, actor: 'a', reason: 'r' });
      },
    ],
  ];

  it('F22: every method of the kit is in this table, except those that only read or wait', () => {
    const quiet = ['checkAccess', 'getStatus', 'openPendingToken', 'report', 'check', 'settled', 'settings'];
    // A walk returns how many records it sealed again.
    const reported = ['rotateKeys'];
    const used = operations.map(([, , act]) => String(act)).join();
    const methods = Object.keys(createFixture().mfa).filter((method) => ![...quiet, ...reported].includes(method));
    expect(methods.filter((method) => !used.includes(`.${method}(`))).toEqual([]);
  });

  const wrong = ({ authenticator, clock }: Enrolled): string => wrongCode(authenticator, clock.now());

  it.each(operations)('%s: %s', async (_, name, act) => {
    const fixture = await createEnrolled();
    const session = await loginPending(fixture.mfa);
    fixture.events.length = 0;
    await act(fixture, session);
    const principal = fixture.events.filter((event) => !BESIDE.has(event.name));
    expect(principal.map((event) => event.name)).toEqual([name]);
    expect(fixture.events.every((event) => event.userId === ada.id && event.at === fixture.clock.now())).toBe(true);
  });

  it('includes the host’s context in each event, and tells a used code from a wrong one only there', async () => {
    const fixture = await createEnrolled();
    const session = await loginPending(fixture.mfa);
    const context = { ip: '2001:db8::1', agent: 'x' };
    fixture.events.length = 0;
    await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code: wrong(fixture) }, context });
    expect(fixture.events[0]).toEqual({
      name: 'verification_failed',
      userId: ada.id,
      at: fixture.clock.now(),
      enrolled: true,
      context,
      factor: 'totp',
      endpoint: 'verify',
      why: 'wrong',
    });
  });

  it('omits fields whose value is unknown', async () => {
    const { mfa, events } = createFixture();
    await mfa.verify({ user: ada, session: undefined, proof: { kind: 'totp', code: '123456' } });
    expect(events).toStrictEqual([
      { name: 'refused', operation: 'verify', reason: 'login_again', userId: ada.id, at: expect.any(Number) },
    ]);
  });

  it('LOG-4: different failures have different names or reasons', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, authenticator, storage } = fixture;
    const reported = async (act: () => Promise<unknown>) => {
      fixture.events.length = 0;
      await act();
      return fixture.events.map((event) => ('why' in event ? `${event.name} ${event.why}` : event.name));
    };
    const verify = async (code: string) =>
      mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code } });
    const right = authenticator.code(clock.now());
    expect(await reported(() => verify(right))).toContain('verified');
    expect(await reported(() => verify(right))).toContain('verification_failed replayed');
    expect(await reported(() => verify(wrong(fixture)))).toContain('verification_failed wrong');
    expect(await reported(() => verify('12 34'))).toContain('verification_failed malformed');
    for (let tries = 0; tries < 4; tries++) await verify(wrong(fixture));
    expect(await reported(() => verify(wrong(fixture)))).toContain('throttled');
    expect(await reported(() => mfa.beginLogin({ user: ada, deviceToken: 'forged' }))).toContain('device_refused invalid');
    const reset = () => mfa.resetMfa({ userId: ada.id, actor: 'support', reason: 'lost phone' });
    expect(await reported(reset)).toContain('mfa_reset');
    const enrolledUser = { ...bob, enrolled: true };
    expect(await reported(() => mfa.beginLogin({ user: enrolledUser }))).toContain('profile_missing');
    await storage.write(bob.id, { version: 'other', value: 'AAAA' }, null);
    expect(await reported(() => mfa.beginLogin({ user: bob }))).toContain('profile_unreadable unknown_format');
    const broken = createFixture({ storage: { ...storage, read: () => Promise.reject(new Error('away')) } });
    await broken.mfa.beginLogin({ user: ada });
    expect(broken.names()).toContain('storage_failed');
  });

  it('FLT-5: an event reports that the clock was ahead', async () => {
    const fixture = await createEnrolled();
    fixture.clock.advance(DAY);
    await loginWithCode(fixture);
    fixture.clock.advance(-DAY);
    await fixture.mfa.verify({
      user: ada,
      session: await loginPending(fixture.mfa),
      proof: { kind: 'totp', code: wrong(fixture) },
    });
    expect(fixture.events.find((event) => event.name === 'clock_anomaly')).toMatchObject({ aheadSeconds: expect.any(Number) });
  });
});

describe('d-8, ENR-8: callbacks for events and notices', () => {
  const sinks: [string, () => unknown][] = [
    [
      'throw',
      () => {
        throw new Error('the audit trail is down');
      },
    ],
    ['reject', () => Promise.reject(new Error('the audit trail is down'))],
    ['hang', () => new Promise(() => {})],
  ];

  it.each(sinks)('that %s neither grant, deny nor delay anything', async (_, sink) => {
    const fixture = await createEnrolled(ada, { onEvent: sink as () => void, notify: sink as () => void });
    const begun = performance.now();
    const { session } = await loginWithCode(fixture, { rememberDevice: true });
    expect(reasonOf(await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code: '000000' } }))).toBe(
      'invalid_code',
    );
    expectOk(await fixture.mfa.regenerateRecoveryCodes({ user: ada, session }));
    expect((await fixture.mfa.checkAccess({ user: ada, session })).access).toBe('allow');
    expect(performance.now() - begun).toBeLessThan(2000);
  });

  it.each(sinks.slice(0, 2))('that %s for a notice cause an event', async (_, sink) => {
    const fixture = await createEnrolled(ada, { notify: sink as () => void });
    expectOk(await fixture.mfa.regenerateRecoveryCodes({ user: ada, session: fixture.session }));
    const failed = () => fixture.events.filter((event) => event.name === 'notify_failed').map((event) => event.notice);
    await vi.waitFor(() => expect(failed()).toContain('recovery_codes_regenerated'));
  });

  it('that hang on a notice cause an event after ten seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const fixture = await createEnrolled(ada, { notify: () => new Promise<void>(() => {}) });
    expectOk(await fixture.mfa.regenerateRecoveryCodes({ user: ada, session: fixture.session }));
    await vi.advanceTimersByTimeAsync(9_999);
    expect(fixture.names()).not.toContain('notify_failed');
    await vi.advanceTimersByTimeAsync(1);
    expect(fixture.names()).toContain('notify_failed');
  });

  it('that change their argument change nothing else', async () => {
    const notices: MfaNotice[] = [];
    const fixture = await createEnrolled(ada, {
      onEvent: (event) => {
        Object.assign(event, { userId: 'eve', name: 'spoiled' });
      },
      notify: (notice) => void notices.push(notice),
    });
    expectOk(await fixture.mfa.regenerateRecoveryCodes({ user: ada, session: fixture.session }));
    expect(notices.at(-1)).toMatchObject({ userId: ada.id, name: 'recovery_codes_regenerated' });
  });
});

it('T40, LOG-2, CRY-6: nothing but the answers of the kit holds a secret', async () => {
  const secrets: Secret[] = [];
  const said: unknown[] = [];
  const keys = [KEY, OTHER_KEY];
  for (const key of keys) {
    secrets.push(
      { name: `key ${key.id}`, bytes: Buffer.from(key.secret, 'base64') },
      textSecret(`key text ${key.id}`, key.secret),
    );
  }
  const fixture = await createEnrolled(ada, {
    keys,
    markEnrolled: () => {
      throw new Error('away');
    },
  });
  const { mfa, clock } = fixture;
  const noteCode = (code: string): string => {
    secrets.push(textSecret(`code ${code}`, code));
    return code;
  };
  const noteEnrollment = (uri: string): void => {
    const key = new URL(uri).searchParams.get('secret') ?? '';
    secrets.push(textSecret('uri', uri), base32Secret('secret', key), textSecret('key', key));
  };
  const verify = async (
    input: { code?: string; recoveryCode?: string | undefined; [more: string]: unknown },
    session?: MfaSession,
  ) =>
    mfa.verify({
      user: ada,
      session: session ?? (await loginPending(mfa)),
      deviceLabel: 'Firefox',
      proof: proofOf(input),
      ...input,
    });

  // A whole life: wrong, used, throttled, right, remembered, recovered, managed, stolen, reset, broken.
  const right = noteCode(fixture.authenticator.code(clock.now()));
  const verified = expectOk(await verify({ code: right, rememberDevice: true }));
  await verify({ code: right });
  for (let tries = 0; tries < 7; tries++) await verify({ code: noteCode(wrongCode(fixture.authenticator, clock.now())) });
  await verify({ code: `${right}<script>` });
  for (const code of fixture.recoveryCodes)
    secrets.push(textSecret('recovery code', code), textSecret('recovery code', code.replaceAll('-', '')));
  const recovered = expectOk(await verify({ recoveryCode: fixture.recoveryCodes[0] }));
  await verify({ recoveryCode: fixture.recoveryCodes[0] });
  const token = verified.device?.token ?? '';
  clock.advance(DAY);
  const begun = await mfa.beginLogin({ user: ada, deviceToken: token });
  for (const text of [token, begun.pendingToken ?? '', begun.device?.token ?? '', recovered.device?.token ?? '']) {
    if (text) secrets.push(textSecret('token', text), textSecret('signature', text.split('.')[2] ?? ''));
  }
  const fresh = await loginWithCode(fixture);
  const started = expectOk(await mfa.startEnrollment({ user: ada, session: fresh.session }));
  noteEnrollment(started.enrollment.uri);
  const second = createAuthenticator(started.enrollment.uri);
  const confirm = { user: ada, session: started.session, enrollmentId: started.enrollment.id };
  await mfa.confirmEnrollment({ ...confirm, proof: { kind: 'totp', code: noteCode(wrongCode(second, clock.now())) } });
  expectOk(await mfa.confirmEnrollment({ ...confirm, proof: { kind: 'totp', code: noteCode(second.code(clock.now())) } }));
  const made = expectOk(await mfa.regenerateRecoveryCodes({ user: ada, session: fresh.session }));
  for (const code of made.recoveryCodes) secrets.push(textSecret('recovery code', code));
  const profile = await peek(fixture.storage, ada.id);
  for (const { data } of profile?.authenticators ?? [])
    secrets.push(base32Secret('stored secret', (data as { secret: string }).secret));
  for (const digest of profile?.recoveryCodes?.digests ?? [])
    secrets.push({ name: 'digest', bytes: Buffer.from(digest, 'base64url') });

  said.push(
    expectOk(await mfa.getStatus({ user: ada })),
    inspect(mfa, { depth: 8, showHidden: true }),
    inspect(mfa.settings, { depth: 8 }),
  );
  const stored = await fixture.storage.read(ada.id);
  await fixture.storage.write(ada.id, { version: 'x', value: `${stored?.value.slice(0, -4)}AAAA` }, stored?.version ?? null);
  said.push(await mfa.beginLogin({ user: ada }), await verify({ code: right }, fresh.session));
  said.push(
    await mfa.resetMfa({ userId: ada.id, actor: 'support', reason: 'lost' }).catch((error) => inspect(error, { depth: 8 })),
  );
  for (const bad of [
    () => createFixture({ keys: [{ id: 'a', secret: KEY.secret.slice(0, 30) }] }),
    () => createFixture({ keys: [KEY, { ...OTHER_KEY, id: KEY.id }] }),
    () => createFixture({ keys: [KEY, { id: 'twin', secret: KEY.secret }] }),
  ]) {
    try {
      bad();
    } catch (error) {
      said.push(inspect(error, { depth: 8 }), (error as MfaError).message);
      expect(error).toBeInstanceOf(MfaError);
    }
  }
  const everything = JSON.stringify([fixture.events, fixture.notices, said]) + inspect([fixture.events, said], { depth: 12 });
  expect(fixture.events.length).toBeGreaterThan(30);
  expect(secrets.length).toBeGreaterThan(40);
  expect(findSecrets(Buffer.from(everything), secrets)).toEqual([]);
  // The database sees ciphertext.
  const dump = JSON.stringify([stored, await fixture.storage.read(ada.id), await fixture.storage.listUserIds()]);
  expect(
    findSecrets(
      Buffer.from(dump),
      secrets.filter(({ name }) => !name.startsWith('code ')),
    ),
  ).toEqual([]);
  expect(dump).not.toMatch(/Firefox|authenticators|devices/);
});

it('LOG-2: no event holds a name with line breaks or terminal sequences', async () => {
  const user: TestUser = { id: 'user-x', name: 'eve\r\nadmin logged in\u001b[2J' };
  const fixture = createFixture();
  const { session } = await fixture.mfa.beginLogin({ user });
  const started = expectOk(await fixture.mfa.startEnrollment({ user, session, name: 'x\r\ny\u001b[2J' }));
  const code = createAuthenticator(started.enrollment.uri).code(fixture.clock.now());
  const input = {
    user,
    session: started.session,
    enrollmentId: started.enrollment.id,
    proof: proofOf({ code }),
    rememberDevice: true,
  };
  expectOk(await fixture.mfa.confirmEnrollment({ ...input, deviceLabel: 'a\nb' }));
  expect(JSON.stringify(fixture.events)).not.toMatch(/\\[rn]|\\u001b/);
});

it('ENR-8: the notices are those that a user needs to know, and each is also an event', async () => {
  const fixture = await createEnrolled();
  const own = await enrollAnother(fixture, fixture.session);
  expectOk(
    await fixture.mfa.verify({
      user: ada,
      session: await loginPending(fixture.mfa),
      proof: { kind: 'recovery-code', code: fixture.recoveryCodes[0] },
    }),
  );
  expectOk(await fixture.mfa.regenerateRecoveryCodes({ user: ada, session: own.session }));
  const removed = expectOk(
    await fixture.mfa.removeAuthenticator({ user: ada, session: own.session, authenticatorId: own.authenticatorId }),
  );
  fixture.clock.advance(MINUTE);
  expectOk(await fixture.mfa.endAllSessions({ user: ada, session: removed.session }));
  expectOk(await fixture.mfa.resetMfa({ userId: ada.id, actor: 'a', reason: 'r' }));
  expect(fixture.notices.map((notice) => notice.name)).toEqual([
    'authenticator_enrolled',
    'recovery_code_used',
    'recovery_codes_regenerated',
    'authenticator_removed',
    'sessions_ended',
    'mfa_reset',
  ]);
  for (const notice of fixture.notices) expect(fixture.events).toContainEqual(notice);
});
