import { proofOf } from '../support/proof-of.js';
import '../support/driven-timers.js';
import { inspect } from 'node:util';
import type { MfaEvent, MfaNotice, MfaSession } from '@mfa-kit/core';
import { MfaError } from '@mfa-kit/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { peek } from '../faults/core-faulty-storage.js';
import {
  ada,
  bob,
  createAuthenticator,
  createBench,
  createEnrolled,
  DAY,
  type Enrolled,
  enrollAnother,
  good,
  KEY,
  loginPending,
  loginWithCode,
  MINUTE,
  OTHER_KEY,
  reasonOf,
  type TestUser,
  wrongCode,
} from '../support/core-fixture.js';
import { base32Secret, findSecrets, type Secret, textSecret } from '../support/secret-search.js';

afterEach(() => {
  vi.useRealTimers();
});

/** Events that say how an operation ended. The others stand beside one of them. */
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

describe('LOG-1, I11: one principal event an operation', () => {
  const operations: [string, string, (bench: Enrolled, session: MfaSession) => Promise<unknown>][] = [
    ['a login that is asked', 'login_begun', ({ mfa }) => mfa.beginLogin({ user: ada })],
    ['a login where MFA is off', 'login_begun', ({ mfa }) => mfa.beginLogin({ user: { ...ada, mfa: 'off' } })],
    [
      'a login by a remembered device',
      'login_begun',
      async (bench) => {
        const { token } = await loginWithCode(bench, { rememberDevice: true });
        bench.events.length = 0;
        return bench.mfa.beginLogin({ user: ada, deviceToken: token });
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
      (bench, session) => bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code: wrong(bench) } }),
    ],
    [
      'no code',
      'verification_failed',
      ({ mfa }, session) => mfa.verify({ user: ada, session, proof: { kind: 'totp', code: '' } }),
    ],
    [
      'a used code',
      'verification_failed',
      async (bench, session) => {
        const code = bench.authenticator.code(bench.clock.now());
        await bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } });
        bench.events.length = 0;
        return bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } });
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
      async (bench, session) => {
        for (let tries = 0; tries < 5; tries++)
          await bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code: wrong(bench) } });
        bench.events.length = 0;
        return bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code: wrong(bench) } });
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
      async (bench) => {
        const { session, enrollment } = good(await bench.mfa.startEnrollment({ user: ada, session: bench.session }));
        bench.events.length = 0;
        const code = createAuthenticator(enrollment.uri).code(bench.clock.now());
        return bench.mfa.confirmEnrollment({
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
      async (bench) => {
        await bench.mfa.regenerateRecoveryCodes({ user: ada, session: bench.session });
        bench.events.length = 0;
        return bench.mfa.recoveryCodesSaved({ user: ada, session: bench.session });
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
      async (bench) => {
        const { session } = good(await bench.mfa.startEnrollment({ user: ada, session: bench.session }));
        bench.events.length = 0;
        return bench.mfa.currentEnrollment({ user: ada, session });
      },
    ],
    [
      'an enrollment that is canceled',
      'enrollment_canceled',
      async (bench) => {
        const { session, enrollment } = good(await bench.mfa.startEnrollment({ user: ada, session: bench.session }));
        bench.events.length = 0;
        return bench.mfa.cancelEnrollment({ user: ada, session, enrollmentId: enrollment.id });
      },
    ],
    [
      'another name',
      'authenticator_renamed',
      async ({ mfa, session }) => {
        const [authenticator] = good(await mfa.getStatus({ user: ada })).status.authenticators;
        return mfa.renameAuthenticator({ user: ada, session, authenticatorId: authenticator?.id ?? '', name: 'Phone' });
      },
    ],
    [
      'an authenticator that is removed',
      'authenticator_removed',
      async (bench) => {
        const { session, authenticatorId } = await enrollAnother(bench, bench.session);
        bench.events.length = 0;
        return bench.mfa.removeAuthenticator({ user: ada, session, authenticatorId });
      },
    ],
    [
      'a device that is revoked',
      'device_revoked',
      async (bench) => {
        const { deviceId, session } = await loginWithCode(bench);
        bench.events.length = 0;
        return bench.mfa.revokeDevice({ user: ada, session, deviceId });
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

  it('F22: every method of the kit is in this table, but those that only look or only wait', () => {
    const quiet = ['checkAccess', 'getStatus', 'openPendingToken', 'report', 'check', 'settled', 'settings'];
    // A walk reports in its answer how many records it sealed again.
    const told = ['rotateKeys'];
    const used = operations.map(([, , act]) => String(act)).join();
    const methods = Object.keys(createBench().mfa).filter((method) => ![...quiet, ...told].includes(method));
    expect(methods.filter((method) => !used.includes(`.${method}(`))).toEqual([]);
  });

  const wrong = ({ authenticator, clock }: Enrolled): string => wrongCode(authenticator, clock.now());

  it.each(operations)('%s: %s', async (_, name, act) => {
    const bench = await createEnrolled();
    const session = await loginPending(bench.mfa);
    bench.events.length = 0;
    await act(bench, session);
    const principal = bench.events.filter((event) => !BESIDE.has(event.name));
    expect(principal.map((event) => event.name)).toEqual([name]);
    expect(bench.events.every((event) => event.userId === ada.id && event.at === bench.clock.now())).toBe(true);
  });

  it('what the host says of the request is in each event, and a used code reads otherwise than a wrong one there alone', async () => {
    const bench = await createEnrolled();
    const session = await loginPending(bench.mfa);
    const context = { ip: '2001:db8::1', agent: 'x' };
    bench.events.length = 0;
    await bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code: wrong(bench) }, context });
    expect(bench.events[0]).toEqual({
      name: 'verification_failed',
      userId: ada.id,
      at: bench.clock.now(),
      enrolled: true,
      context,
      factor: 'totp',
      endpoint: 'verify',
      why: 'wrong',
    });
  });

  it('has no field of which nothing is known', async () => {
    const { mfa, events } = createBench();
    await mfa.verify({ user: ada, session: undefined, proof: { kind: 'totp', code: '123456' } });
    expect(events).toStrictEqual([
      { name: 'refused', operation: 'verify', reason: 'login_again', userId: ada.id, at: expect.any(Number) },
    ]);
  });

  it('LOG-4: what must be told apart has a name or a reason of its own', async () => {
    const bench = await createEnrolled();
    const { mfa, clock, authenticator, storage } = bench;
    const told = async (act: () => Promise<unknown>) => {
      bench.events.length = 0;
      await act();
      return bench.events.map((event) => ('why' in event ? `${event.name} ${event.why}` : event.name));
    };
    const verify = async (code: string) =>
      mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code } });
    const right = authenticator.code(clock.now());
    expect(await told(() => verify(right))).toContain('verified');
    expect(await told(() => verify(right))).toContain('verification_failed replayed');
    expect(await told(() => verify(wrong(bench)))).toContain('verification_failed wrong');
    expect(await told(() => verify('12 34'))).toContain('verification_failed malformed');
    for (let tries = 0; tries < 4; tries++) await verify(wrong(bench));
    expect(await told(() => verify(wrong(bench)))).toContain('throttled');
    expect(await told(() => mfa.beginLogin({ user: ada, deviceToken: 'forged' }))).toContain('device_refused invalid');
    const reset = () => mfa.resetMfa({ userId: ada.id, actor: 'support', reason: 'lost phone' });
    expect(await told(reset)).toContain('mfa_reset');
    const enrolledUser = { ...bob, enrolled: true };
    expect(await told(() => mfa.beginLogin({ user: enrolledUser }))).toContain('profile_missing');
    await storage.write(bob.id, { version: 'other', value: 'AAAA' }, null);
    expect(await told(() => mfa.beginLogin({ user: bob }))).toContain('profile_unreadable unknown_format');
    const broken = createBench({ storage: { ...storage, read: () => Promise.reject(new Error('away')) } });
    await broken.mfa.beginLogin({ user: ada });
    expect(broken.names()).toContain('storage_failed');
  });

  it('FLT-5: a clock that was ahead is told', async () => {
    const bench = await createEnrolled();
    bench.clock.advance(DAY);
    await loginWithCode(bench);
    bench.clock.advance(-DAY);
    await bench.mfa.verify({ user: ada, session: await loginPending(bench.mfa), proof: { kind: 'totp', code: wrong(bench) } });
    expect(bench.events.find((event) => event.name === 'clock_anomaly')).toMatchObject({ aheadSeconds: expect.any(Number) });
  });
});

describe('d-8, ENR-8: sinks', () => {
  const sinks: [string, () => unknown][] = [
    [
      'throw',
      () => {
        throw new Error('the sink is away');
      },
    ],
    ['reject', () => Promise.reject(new Error('the sink is away'))],
    ['hang', () => new Promise(() => {})],
  ];

  it.each(sinks)('that %s neither grant, deny nor delay', async (_, sink) => {
    const bench = await createEnrolled(ada, { onEvent: sink as () => void, notify: sink as () => void });
    const begun = performance.now();
    const { session } = await loginWithCode(bench, { rememberDevice: true });
    expect(reasonOf(await bench.mfa.verify({ user: ada, session, proof: { kind: 'totp', code: '000000' } }))).toBe(
      'invalid_code',
    );
    good(await bench.mfa.regenerateRecoveryCodes({ user: ada, session }));
    expect((await bench.mfa.checkAccess({ user: ada, session })).access).toBe('allow');
    expect(performance.now() - begun).toBeLessThan(2000);
  });

  it.each(sinks.slice(0, 2))('a notice whose sink %ss is an event', async (_, sink) => {
    const bench = await createEnrolled(ada, { notify: sink as () => void });
    good(await bench.mfa.regenerateRecoveryCodes({ user: ada, session: bench.session }));
    const failed = () => bench.events.filter((event) => event.name === 'notify_failed').map((event) => event.notice);
    await vi.waitFor(() => expect(failed()).toContain('recovery_codes_regenerated'));
  });

  it('a notice whose sink hangs is an event after ten seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const bench = await createEnrolled(ada, { notify: () => new Promise<void>(() => {}) });
    good(await bench.mfa.regenerateRecoveryCodes({ user: ada, session: bench.session }));
    await vi.advanceTimersByTimeAsync(9_999);
    expect(bench.names()).not.toContain('notify_failed');
    await vi.advanceTimersByTimeAsync(1);
    expect(bench.names()).toContain('notify_failed');
  });

  it('a sink that changes what it is given changes nothing', async () => {
    const notices: MfaNotice[] = [];
    const bench = await createEnrolled(ada, {
      onEvent: (event) => {
        Object.assign(event, { userId: 'eve', name: 'spoiled' });
      },
      notify: (notice) => void notices.push(notice),
    });
    good(await bench.mfa.regenerateRecoveryCodes({ user: ada, session: bench.session }));
    expect(notices.at(-1)).toMatchObject({ userId: ada.id, name: 'recovery_codes_regenerated' });
  });
});

it('T40, LOG-2, CRY-6: nothing that leaves the kit beside its answers holds a secret', async () => {
  const secrets: Secret[] = [];
  const said: unknown[] = [];
  const keys = [KEY, OTHER_KEY];
  for (const key of keys) {
    secrets.push(
      { name: `key ${key.id}`, bytes: Buffer.from(key.secret, 'base64') },
      textSecret(`key text ${key.id}`, key.secret),
    );
  }
  const bench = await createEnrolled(ada, {
    keys,
    markEnrolled: () => {
      throw new Error('away');
    },
  });
  const { mfa, clock } = bench;
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
  const right = noteCode(bench.authenticator.code(clock.now()));
  const verified = good(await verify({ code: right, rememberDevice: true }));
  await verify({ code: right });
  for (let tries = 0; tries < 7; tries++) await verify({ code: noteCode(wrongCode(bench.authenticator, clock.now())) });
  await verify({ code: `${right}<script>` });
  for (const code of bench.recoveryCodes)
    secrets.push(textSecret('recovery code', code), textSecret('recovery code', code.replaceAll('-', '')));
  const recovered = good(await verify({ recoveryCode: bench.recoveryCodes[0] }));
  await verify({ recoveryCode: bench.recoveryCodes[0] });
  const token = verified.device?.token ?? '';
  clock.advance(DAY);
  const begun = await mfa.beginLogin({ user: ada, deviceToken: token });
  for (const text of [token, begun.pendingToken ?? '', begun.device?.token ?? '', recovered.device?.token ?? '']) {
    if (text) secrets.push(textSecret('token', text), textSecret('signature', text.split('.')[2] ?? ''));
  }
  const fresh = await loginWithCode(bench);
  const started = good(await mfa.startEnrollment({ user: ada, session: fresh.session }));
  noteEnrollment(started.enrollment.uri);
  const second = createAuthenticator(started.enrollment.uri);
  const confirm = { user: ada, session: started.session, enrollmentId: started.enrollment.id };
  await mfa.confirmEnrollment({ ...confirm, proof: { kind: 'totp', code: noteCode(wrongCode(second, clock.now())) } });
  good(await mfa.confirmEnrollment({ ...confirm, proof: { kind: 'totp', code: noteCode(second.code(clock.now())) } }));
  const made = good(await mfa.regenerateRecoveryCodes({ user: ada, session: fresh.session }));
  for (const code of made.recoveryCodes) secrets.push(textSecret('recovery code', code));
  const profile = await peek(bench.storage, ada.id);
  for (const { data } of profile?.authenticators ?? [])
    secrets.push(base32Secret('stored secret', (data as { secret: string }).secret));
  for (const digest of profile?.recoveryCodes?.digests ?? [])
    secrets.push({ name: 'digest', bytes: Buffer.from(digest, 'base64url') });

  said.push(
    good(await mfa.getStatus({ user: ada })),
    inspect(mfa, { depth: 8, showHidden: true }),
    inspect(mfa.settings, { depth: 8 }),
  );
  const stored = await bench.storage.read(ada.id);
  await bench.storage.write(ada.id, { version: 'x', value: `${stored?.value.slice(0, -4)}AAAA` }, stored?.version ?? null);
  said.push(await mfa.beginLogin({ user: ada }), await verify({ code: right }, fresh.session));
  said.push(
    await mfa.resetMfa({ userId: ada.id, actor: 'support', reason: 'lost' }).catch((error) => inspect(error, { depth: 8 })),
  );
  for (const bad of [
    () => createBench({ keys: [{ id: 'a', secret: KEY.secret.slice(0, 30) }] }),
    () => createBench({ keys: [KEY, { ...OTHER_KEY, id: KEY.id }] }),
    () => createBench({ keys: [KEY, { id: 'twin', secret: KEY.secret }] }),
  ]) {
    try {
      bad();
    } catch (error) {
      said.push(inspect(error, { depth: 8 }), (error as MfaError).message);
      expect(error).toBeInstanceOf(MfaError);
    }
  }
  const everything = JSON.stringify([bench.events, bench.notices, said]) + inspect([bench.events, said], { depth: 12 });
  expect(bench.events.length).toBeGreaterThan(30);
  expect(secrets.length).toBeGreaterThan(40);
  expect(findSecrets(Buffer.from(everything), secrets)).toEqual([]);
  // The database sees ciphertext.
  const dump = JSON.stringify([stored, await bench.storage.read(ada.id), await bench.storage.listUserIds()]);
  expect(
    findSecrets(
      Buffer.from(dump),
      secrets.filter(({ name }) => !name.startsWith('code ')),
    ),
  ).toEqual([]);
  expect(dump).not.toMatch(/Firefox|authenticators|devices/);
});

it('LOG-2: a name that breaks lines or moves a terminal is in no event', async () => {
  const user: TestUser = { id: 'user-x', name: 'eve\r\nadmin logged in\u001b[2J' };
  const bench = createBench();
  const { session } = await bench.mfa.beginLogin({ user });
  const started = good(await bench.mfa.startEnrollment({ user, session, name: 'x\r\ny\u001b[2J' }));
  const code = createAuthenticator(started.enrollment.uri).code(bench.clock.now());
  const input = {
    user,
    session: started.session,
    enrollmentId: started.enrollment.id,
    proof: proofOf({ code }),
    rememberDevice: true,
  };
  good(await bench.mfa.confirmEnrollment({ ...input, deviceLabel: 'a\nb' }));
  expect(JSON.stringify(bench.events)).not.toMatch(/\\[rn]|\\u001b/);
});

it('ENR-8: the notices are those that a user must hear of, and each is an event too', async () => {
  const bench = await createEnrolled();
  const own = await enrollAnother(bench, bench.session);
  good(
    await bench.mfa.verify({
      user: ada,
      session: await loginPending(bench.mfa),
      proof: { kind: 'recovery-code', code: bench.recoveryCodes[0] },
    }),
  );
  good(await bench.mfa.regenerateRecoveryCodes({ user: ada, session: own.session }));
  const removed = good(
    await bench.mfa.removeAuthenticator({ user: ada, session: own.session, authenticatorId: own.authenticatorId }),
  );
  bench.clock.advance(MINUTE);
  good(await bench.mfa.endAllSessions({ user: ada, session: removed.session }));
  good(await bench.mfa.resetMfa({ userId: ada.id, actor: 'a', reason: 'r' }));
  expect(bench.notices.map((notice) => notice.name)).toEqual([
    'authenticator_enrolled',
    'recovery_code_used',
    'recovery_codes_regenerated',
    'authenticator_removed',
    'sessions_ended',
    'mfa_reset',
  ]);
  for (const notice of bench.notices) expect(bench.events).toContainEqual(notice);
});
