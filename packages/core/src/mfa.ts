import type { AccessDecision, AllowDecision, MfaSession, PendingSession, Requirement } from './assurance.js';
import { equalBytes, keyedDigest } from './crypto/digest.js';
import type { Keyring } from './crypto/keyring.js';
import type { EventContext } from './events.js';
import type { DefaultKind, EnrollableKind, Enrollment, ProofInput } from './factors/registry.js';
import {
  clearLockout,
  endSessionsOf,
  forgetUser,
  passwordChanged,
  resetMfa,
  type SetEnrollByInput,
  type SupportAction,
  setEnrollBy,
} from './flows/account.js';
import { regenerateRecoveryCodes, removeAuthenticator, renameAuthenticator } from './flows/authenticators.js';
import { checkAccess } from './flows/check-access.js';
import { confirmEnrollment } from './flows/confirm-enrollment.js';
import { endAllSessions, revokeDevice } from './flows/devices.js';
import { cancelEnrollment, currentEnrollment, startEnrollment } from './flows/enroll.js';
import { beginLogin } from './flows/login.js';
import { type AfterRestoreInput, afterRestore } from './flows/maintenance/after-restore.js';
import { check } from './flows/maintenance/check-setup.js';
import { report } from './flows/maintenance/report.js';
import type { KeysRotated, MfaFinding, MfaReport, RestoreHandled } from './flows/maintenance/results.js';
import { type RotateKeysInput, rotateKeys } from './flows/maintenance/rotate-keys.js';
import type { WalkOptions } from './flows/maintenance/walk.js';
import { recoveryCodesSaved } from './flows/saved-codes.js';
import { getStatus } from './flows/status.js';
import { createEmitter } from './flows/steps/emitter.js';
import type { FlowContext, FlowInput } from './flows/steps/flow-context.js';
import { awaitCallback, type CallbackAnswer } from './flows/steps/host-callback.js';
import { createHostMemory } from './flows/steps/host-memory.js';
import type { DeviceInput } from './flows/steps/presented-device.js';
import { createRunningCalls } from './flows/steps/running-calls.js';
import { verify } from './flows/verify.js';
import { type MfaOptions, type MfaUser, type ResolvedOptions, resolveOptions } from './options.js';
import {
  type EnrollBySet,
  type EnrollmentConfirmed,
  type LockoutCleared,
  type LoginBegun,
  type MfaResetDone,
  type MfaStatus,
  type PasswordChangeHandled,
  type Result,
  refuse,
  type SessionsEnded,
  type Unsettled,
  type UserForgotten,
  type Verified,
} from './results.js';
import { createProfileStore } from './store/profile-store.js';
import { openPendingToken } from './tokens/pending-token.js';
import type { CallbackFailure } from './warnings/warnings.js';

export type { Enrollment, ProofInput } from './factors/registry.js';
export type { SetEnrollByInput, SupportAction } from './flows/account.js';
export type { AfterRestoreInput } from './flows/maintenance/after-restore.js';
export type { RotateKeysInput } from './flows/maintenance/rotate-keys.js';
export type { WalkOptions } from './flows/maintenance/walk.js';
export type { DeviceInput } from './flows/steps/presented-device.js';
export type { AuthenticatorSummary, DeviceGrant, DeviceSummary, LoginBegun, MfaStatus } from './results.js';

/** All flows, bound to one set of options. Every method may be called from any transport, and limits are shared. */
export interface Mfa<User extends MfaUser = MfaUser> {
  /** Call it right after the first factor was proven. `loggedInAt`: when that was, 0 if unknown; default now. */
  beginLogin(
    input: Omit<FlowInput<User>, 'session'> & {
      deviceToken?: string | readonly string[] | undefined;
      loggedInAt?: number | undefined;
    },
  ): Promise<LoginBegun>;
  /**
   * Decides for the guard. Reads at most once, never writes. `firstFactorProven`: the host vouches for the first factor although the
   * request has no state, for example with a bearer token without MFA facts.
   */
  checkAccess(
    input: FlowInput<User> & { requirement?: Requirement | undefined; firstFactorProven?: boolean | undefined },
  ): Promise<AccessDecision>;

  /** Starts an enrollment. The session must be fresh, and stepped up if an authenticator exists. */
  startEnrollment<Kind extends EnrollableKind = DefaultKind>(
    input: FlowInput<User> & { kind?: Kind | undefined; name?: string | undefined },
  ): Promise<Result<{ enrollment: Enrollment<Kind>; session: MfaSession }>>;
  /** Returns again the newest enrollment that this session began and that is still open. */
  currentEnrollment(input: FlowInput<User>): Promise<Result<{ enrollment: Enrollment }>>;
  confirmEnrollment(
    input: FlowInput<User> & DeviceInput & { enrollmentId: string; proof: ProofInput },
  ): Promise<Result<EnrollmentConfirmed>>;
  cancelEnrollment(input: FlowInput<User> & { enrollmentId: string }): Promise<Result<{ session: MfaSession }>>;

  /** Checks a proof: `{ kind: 'totp', code }` or `{ kind: 'recovery-code', code }`. */
  verify(input: FlowInput<User> & DeviceInput & { proof: ProofInput }): Promise<Result<Verified>>;
  /** Opens a pending token of {@link LoginBegun}. Pass its session to `verify` or to a first enrollment. */
  openPendingToken(token: string): Promise<Result<{ userId: string; session: PendingSession }>>;

  getStatus(input: { user: User; context?: EventContext | undefined }): Promise<Result<{ status: MfaStatus }>>;
  renameAuthenticator(
    input: FlowInput<User> & { authenticatorId: string; name: string },
  ): Promise<Result<{ session: MfaSession }>>;
  removeAuthenticator(input: FlowInput<User> & { authenticatorId: string }): Promise<Result<{ session: MfaSession }>>;
  regenerateRecoveryCodes(
    input: FlowInput<User>,
  ): Promise<Result<{ recoveryCodes: string[]; recoveryCodesId: string; session: MfaSession }>>;
  /**
   * The user says that the recovery codes are saved. Until then a login with a code returns `recoveryCodesUnsaved`. `recoveryCodesId`: the
   * set that the user was shown; if a newer set has replaced it, the result is `recovery_codes_outdated`.
   */
  recoveryCodesSaved(input: FlowInput<User> & { recoveryCodesId?: string | undefined }): Promise<Result>;
  /**
   * Removes a device, and ends the sessions that came from it. `endedOwnSession`: the acting session was among them, and its new `session`
   * must be proven again.
   */
  revokeDevice(input: FlowInput<User> & { deviceId: string }): Promise<Result<{ session: MfaSession; endedOwnSession?: true }>>;
  /** Ends all other sessions and all remembered devices. The acting session gets its new state. */
  endAllSessions(input: FlowInput<User>): Promise<Result<{ session: MfaSession }>>;

  /**
   * For the host: ends all sessions, remembered devices and pending logins, because the password changes. Call it before the new password
   * is stored, so that nothing changes if this throws, and again after, for logins that were pending with the old one. `keep`: the acting
   * session, which gets its new state.
   *
   * This method and the five below have done their work when they return, including events and notices. An MfaError `not_done` says that
   * they have not.
   */
  passwordChanged(input: {
    userId: string;
    keep?: MfaSession | undefined;
    context?: EventContext | undefined;
  }): Promise<PasswordChangeHandled>;
  /** For the host: the account was deleted. Removes everything that is stored about the user. */
  forgetUser(input: { userId: string; context?: EventContext | undefined }): Promise<UserForgotten>;
  /** For support: removes authenticators, recovery codes and devices; the user enrolls again at the next login. */
  resetMfa(input: SupportAction): Promise<MfaResetDone>;
  /** For support: ends all sessions, remembered devices and logins under way. */
  endSessionsOf(input: SupportAction): Promise<SessionsEnded>;
  /** For support: gives the user five more tries. */
  clearLockout(input: SupportAction): Promise<LockoutCleared>;
  /** For support: sets the deadline for a first enrollment, at most 90 days ahead, overriding the policy. */
  setEnrollBy(input: SetEnrollByInput): Promise<EnrollBySet>;
  /**
   * Waits at most ten seconds for earlier calls of `onEvent`, `notify` and `markEnrolled`, and counts those that are left. Use it in
   * scripts and at shutdown, before you close the database. Never rejects.
   */
  settled(): Promise<Unsettled>;

  /**
   * Looks for problems that would lock users out or weaken protection: a missing table, a missing key, unsafe settings, a wrong clock.
   * Changes nothing and never throws for what it finds. Log the findings at start, and let a deployment fail on the level `error`.
   */
  check(): Promise<MfaFinding[]>;
  /** Counts all profiles, page by page, and changes nothing. */
  report(input?: WalkOptions<MfaReport>): Promise<MfaReport>;
  /** Seals again with the first key what other keys have sealed. Safe during live traffic, after every process has the key first. */
  rotateKeys(input?: RotateKeysInput): Promise<KeysRotated>;
  /**
   * Call after restoring a backup. Ends all sessions, devices and recovery codes, so that nothing used since the backup works again. Users
   * log in with their authenticator as before. docs/guides/storage.md lists the other steps.
   */
  afterRestore(input?: AfterRestoreInput): Promise<RestoreHandled>;

  /** What the HTTP layer needs to know about the options. */
  readonly settings: MfaSettings<User>;
}

/** Resolved options that shape pages and cookies, and the guard's decision as the HTTP layer asks for it. */
export interface MfaSettings<User extends MfaUser = MfaUser> {
  /** Like {@link Mfa.checkAccess}, but allows without a promise if nothing has to be awaited. */
  askAccess(input: Parameters<Mfa<User>['checkAccess']>[0]): AllowDecision | Promise<AccessDecision>;
  realm: string;
  /** Days of "Remember this device"; 0: off. */
  rememberDays: number;
  /** Codes per set; 0: off. */
  recoveryCodeCount: number;
  now(): number;
  /** Cookie names that may hold this user's device token; the first is written. Suffixes of 12 hex digits. */
  deviceCookieSuffixes(userId: string): string[];
  /** Returns the MAC over the contents of a return path cookie. */
  wayBackMac(parts: readonly string[]): string;
  /** Whether a MAC is valid for these parts, with any key. */
  isWayBackMac(parts: readonly string[], mac: string): boolean;
  /** The issuer as the user sees it. */
  issuerFor(user: User): string;
  /**
   * Waits for a callback of the host as long as an operation may take, and warns the operator if it is late. If it rejects, throws the same
   * error.
   */
  awaitCallback<Value>(option: string, given: PromiseLike<Value>): Promise<CallbackAnswer<Value>>;
  /** Warns the operator of a callback of the host that failed, once for each cause. */
  callbackFailed(failure: CallbackFailure): void;
}

/** Binds all flows to one set of options. Throws an `MfaError` if an option is missing or unsafe. Does no work until the first call. */
export function createMfa<User extends MfaUser = MfaUser>(options: MfaOptions<User>): Mfa<User> {
  const resolved = resolveOptions(options);
  const { keyring, realm, storage, clock, warnings } = resolved;
  const runningCalls = createRunningCalls();
  const profiles = createProfileStore({
    storage,
    keyring,
    realm,
    clock,
    warnings,
    recoveryCodes: resolved.recoveryCodeCount > 0,
  });
  const emit = createEmitter(resolved, runningCalls);
  const hostMemory = createHostMemory({ options: resolved, profiles, emit, runningCalls });
  const flow: FlowContext<User> = { options: resolved, profiles, emit, hostMemory };
  return {
    beginLogin: (input) => beginLogin(flow, input),
    checkAccess: async (input) => checkAccess(flow, input),
    startEnrollment: (input) => startEnrollment(flow, input),
    currentEnrollment: (input) => currentEnrollment(flow, input),
    confirmEnrollment: (input) => confirmEnrollment(flow, input),
    cancelEnrollment: (input) => cancelEnrollment(flow, input),
    verify: (input) => verify(flow, input),
    async openPendingToken(token) {
      const session = await openPendingToken(token, { keyring, realm, now: clock() });
      return session ? { ok: true, userId: session.userId, session } : refuse('pending_token_invalid');
    },
    getStatus: (input) => getStatus(flow, input),
    renameAuthenticator: (input) => renameAuthenticator(flow, input),
    removeAuthenticator: (input) => removeAuthenticator(flow, input),
    regenerateRecoveryCodes: (input) => regenerateRecoveryCodes(flow, input),
    recoveryCodesSaved: (input) => recoveryCodesSaved(flow, input),
    revokeDevice: (input) => revokeDevice(flow, input),
    endAllSessions: (input) => endAllSessions(flow, input),
    passwordChanged: (input) => passwordChanged(flow, input),
    forgetUser: (input) => forgetUser(flow, input),
    resetMfa: (input) => resetMfa(flow, input),
    endSessionsOf: (input) => endSessionsOf(flow, input),
    clearLockout: (input) => clearLockout(flow, input),
    setEnrollBy: (input) => setEnrollBy(flow, input),
    settled: () => runningCalls.settled(),
    check: () => check(flow),
    report: (input) => report(flow, input),
    rotateKeys: (input) => rotateKeys(flow, input),
    afterRestore: (input) => afterRestore(flow, input),
    settings: { ...createSettings(resolved), askAccess: (input) => checkAccess(flow, input) },
  };
}

function createSettings<User extends MfaUser>(options: ResolvedOptions<User>): Omit<MfaSettings<User>, 'askAccess'> {
  const { keyring, realm, rememberDays, recoveryCodeCount, clock } = options;
  return {
    realm,
    rememberDays,
    recoveryCodeCount,
    now: clock,
    issuerFor: (user) => options.issuerFor(user),
    awaitCallback: (option, given) => awaitCallback(options, option, given),
    callbackFailed: (failure) => options.warnings.callbackFailed(failure),
    deviceCookieSuffixes: (userId) =>
      keyring.ids.flatMap((id) => {
        const key = keyring.bytes('device-cookie', id);
        return key ? [keyedDigest(key, [userId], 'hex').slice(0, 12)] : [];
      }),
    wayBackMac: (parts) => wayBackMac(keyring, keyring.currentId, parts),
    isWayBackMac: (parts, mac) =>
      keyring.ids.some((id) => equalBytes(Buffer.from(wayBackMac(keyring, id, parts)), Buffer.from(mac))),
  };
}

function wayBackMac(keyring: Keyring, id: string, parts: readonly string[]): string {
  const key = keyring.bytes('way-back', id);
  if (!key) throw new TypeError('the key ring has no key with that id');
  return keyedDigest(key, parts, 'base64url');
}
