import type { MfaSession, MfaStorage } from '@mfa-kit/core';
import { ada, type Enrolled, good, loginPending, loginWithCode, MINUTE, reasonOf, type TestUser } from './core-fixture.js';
import { backUp } from './population.js';
import { proofOf } from './proof-of.js';

/** What happened after a backup, and what was given out before it. */
export interface Story {
  bench: Enrolled;
  user: TestUser;
  /** Used after the backup, a moment before the restore. */
  usedCode: string;
  usedRecoveryCode: string;
  untouchedRecoveryCode: string;
  /** Given out before the backup, ended after it. */
  endedSession: MfaSession;
  endedDevice: string;
  revokedDevice: string;
  pendingToken: string;
  /** Puts the rows of the backup back. */
  restore(): Promise<void>;
}

/** Two remembered browsers; a backup; then a recovery code is used, a device revoked, all sessions ended, a code used. */
export async function afterTheBackup(
  bench: Enrolled,
  { user = ada, storage = bench.storage }: { user?: TestUser; storage?: MfaStorage } = {},
): Promise<Story> {
  const [stolen, own] = [
    await loginWithCode(bench, { user, rememberDevice: true }),
    await loginWithCode(bench, { user, rememberDevice: true }),
  ];
  const { pendingToken = '' } = await bench.mfa.beginLogin({ user });
  const backup = await backUp(storage);
  bench.clock.advance(MINUTE);
  const [usedRecoveryCode = '', untouchedRecoveryCode = ''] = bench.recoveryCodes;
  good(
    await bench.mfa.verify({
      user,
      session: await loginPending(bench.mfa, user),
      proof: { kind: 'recovery-code', code: usedRecoveryCode },
    }),
  );
  const acting = await loginWithCode(bench, { user });
  const revoked = good(await bench.mfa.revokeDevice({ user, session: acting.session, deviceId: stolen.deviceId }));
  good(await bench.mfa.endAllSessions({ user, session: revoked.session }));
  bench.clock.advance(MINUTE);
  const usedCode = bench.authenticator.code(bench.clock.now());
  good(await bench.mfa.verify({ user, session: await loginPending(bench.mfa, user), proof: { kind: 'totp', code: usedCode } }));
  return {
    bench,
    user,
    usedCode,
    usedRecoveryCode,
    untouchedRecoveryCode,
    endedSession: own.session,
    endedDevice: own.token,
    revokedDevice: stolen.token,
    pendingToken,
    restore: backup.back,
  };
}

/** What each thing that was used or ended still opens. */
export async function tryEverything(story: Story): Promise<Record<string, string>> {
  const { bench, user } = story;
  const { mfa } = bench;
  const login = async (deviceToken: string) => (await mfa.beginLogin({ user, deviceToken })).decision.access;
  const verify = async (proof: { code: string } | { recoveryCode: string }) =>
    reasonOf(await mfa.verify({ user, session: await loginPending(mfa, user), proof: proofOf(proof) }));
  const pending = good(await mfa.openPendingToken(story.pendingToken));
  return {
    endedSession: (await mfa.checkAccess({ user, session: story.endedSession })).access,
    endedDevice: await login(story.endedDevice),
    revokedDevice: await login(story.revokedDevice),
    usedCode: await verify({ code: story.usedCode }),
    pendingToken: reasonOf(
      await mfa.verify({ user, session: pending.session, proof: { kind: 'recovery-code', code: bench.recoveryCodes[2] } }),
    ),
    usedRecoveryCode: await verify({ recoveryCode: story.usedRecoveryCode }),
    untouchedRecoveryCode: await verify({ recoveryCode: story.untouchedRecoveryCode }),
  };
}
