import type { MfaSession, MfaStorage } from '@mfa-kit/core';
import { ada, type Enrolled, expectOk, loginPending, loginWithCode, MINUTE, reasonOf, type TestUser } from './core-fixture.js';
import { backUp } from './population.js';
import { proofOf } from './proof-of.js';

/** What happened after a backup, and what was issued before it. */
export interface BackupScenario {
  fixture: Enrolled;
  user: TestUser;
  /** Used after the backup, a moment before the restore. */
  usedCode: string;
  usedRecoveryCode: string;
  untouchedRecoveryCode: string;
  /** Issued before the backup and ended after it. */
  endedSession: MfaSession;
  endedDevice: string;
  revokedDevice: string;
  pendingToken: string;
  /** Restores the rows of the backup. */
  restore(): Promise<void>;
}

/** Remembers two browsers and makes a backup. Then uses a recovery code, revokes a device, ends all sessions and uses a code. */
export async function afterTheBackup(
  fixture: Enrolled,
  { user = ada, storage = fixture.storage }: { user?: TestUser; storage?: MfaStorage } = {},
): Promise<BackupScenario> {
  const [stolen, own] = [
    await loginWithCode(fixture, { user, rememberDevice: true }),
    await loginWithCode(fixture, { user, rememberDevice: true }),
  ];
  const { pendingToken = '' } = await fixture.mfa.beginLogin({ user });
  const backup = await backUp(storage);
  fixture.clock.advance(MINUTE);
  const [usedRecoveryCode = '', untouchedRecoveryCode = ''] = fixture.recoveryCodes;
  expectOk(
    await fixture.mfa.verify({
      user,
      session: await loginPending(fixture.mfa, user),
      proof: { kind: 'recovery-code', code: usedRecoveryCode },
    }),
  );
  const acting = await loginWithCode(fixture, { user });
  const revoked = expectOk(await fixture.mfa.revokeDevice({ user, session: acting.session, deviceId: stolen.deviceId }));
  expectOk(await fixture.mfa.endAllSessions({ user, session: revoked.session }));
  fixture.clock.advance(MINUTE);
  const usedCode = fixture.authenticator.code(fixture.clock.now());
  expectOk(
    await fixture.mfa.verify({ user, session: await loginPending(fixture.mfa, user), proof: { kind: 'totp', code: usedCode } }),
  );
  return {
    fixture,
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

/** Returns the result of using everything again that was used or ended. */
export async function tryEverything(scenario: BackupScenario): Promise<Record<string, string>> {
  const { fixture, user } = scenario;
  const { mfa } = fixture;
  const login = async (deviceToken: string) => (await mfa.beginLogin({ user, deviceToken })).decision.access;
  const verify = async (proof: { code: string } | { recoveryCode: string }) =>
    reasonOf(await mfa.verify({ user, session: await loginPending(mfa, user), proof: proofOf(proof) }));
  const pending = expectOk(await mfa.openPendingToken(scenario.pendingToken));
  return {
    endedSession: (await mfa.checkAccess({ user, session: scenario.endedSession })).access,
    endedDevice: await login(scenario.endedDevice),
    revokedDevice: await login(scenario.revokedDevice),
    usedCode: await verify({ code: scenario.usedCode }),
    pendingToken: reasonOf(
      await mfa.verify({ user, session: pending.session, proof: { kind: 'recovery-code', code: fixture.recoveryCodes[2] } }),
    ),
    usedRecoveryCode: await verify({ recoveryCode: scenario.usedRecoveryCode }),
    untouchedRecoveryCode: await verify({ recoveryCode: scenario.untouchedRecoveryCode }),
  };
}
