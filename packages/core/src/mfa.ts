import type { AccessDecision, Assurance, MfaSession, PendingSession, Requirement, VerifiedSession } from './assurance.js';
import type { EventContext } from './events.js';
import type { MfaUser } from './options.js';
import type { Result } from './results.js';

/** A device token for the user's browser, to be kept in a cookie that only this user's login reads. */
export interface DeviceGrant {
  token: string;
  /** When the token stops being accepted, in epoch milliseconds. */
  expiresAt: number;
  deviceId: string;
  /** Until when the browser is not asked at login; absent when the user did not tick the box. */
  rememberedUntil?: number;
}

/** What a started enrollment shows: once, to the session that began it. */
export interface Enrollment {
  id: string;
  /** Key URI (`otpauth://totp/...`), for the QR code. */
  uri: string;
  /** The same key for typing, base32 in groups of four. */
  manualKey: string;
  /** Epoch milliseconds. */
  expiresAt: number;
}

/** An enrolled authenticator, without its secret. */
export interface AuthenticatorSummary {
  id: string;
  kind: string;
  name: string;
  /** Epoch milliseconds. */
  createdAt: number;
  lastUsedAt?: number;
}

/** A browser that has passed a factor. */
export interface DeviceSummary {
  id: string;
  /** Browser and system, as named at the time. */
  label: string;
  /** Epoch milliseconds. */
  firstUsedAt: number;
  lastUsedAt: number;
  rememberedUntil?: number;
}

/** What is known about a user's MFA; never a secret. */
export interface MfaStatus {
  enrolled: boolean;
  mfa: 'required' | 'optional' | 'off';
  mayEnroll: boolean;
  /** Until when a user without authenticator is let through; absent when there is no grace. */
  enrollBy?: number;
  authenticators: AuthenticatorSummary[];
  devices: DeviceSummary[];
  recoveryCodesLeft: number;
  /** Seconds until the next 6-digit code from an unknown browser is looked at; 0: now. */
  waitSeconds: number;
}

/** Deviceside inputs that every proof may carry. */
export interface DeviceInput {
  /** The user ticked "Remember this device". */
  rememberDevice?: boolean;
  /** Name of the browser. With it (or with `rememberDevice`) a browser that passes becomes a known device. */
  deviceLabel?: string;
  /** Device tokens that the browser sent for this user; at most four are looked at. */
  deviceToken?: string | readonly string[];
}

interface Acting<User> {
  user: User;
  session: MfaSession | undefined;
  context?: EventContext;
}

/** An operation of support staff: who does it and why, for the audit trail. */
export interface Administering {
  userId: string;
  actor: string;
  reason: string;
  context?: EventContext;
}

/** A login as {@link Mfa.beginLogin} leaves it. */
export interface LoginBegun {
  decision: AccessDecision;
  /** Replaces whatever MFA state the session had; undefined: clear it. */
  session?: MfaSession;
  /** The rotated token of a remembered device. */
  device?: DeviceGrant;
  /** The pending session as a signed JWT, for clients without a session. Absent when nothing is pending. */
  pendingToken?: string;
}

/** All flows, bound to one set of options. Every method may be called from any transport; limits are shared. */
export interface Mfa<User extends MfaUser = MfaUser> {
  /** Called right after the first factor was proven. `loggedInAt`: when that was, 0 when not known; default now. */
  beginLogin(
    input: Omit<Acting<User>, 'session'> & { deviceToken?: string | readonly string[]; loggedInAt?: number },
  ): Promise<LoginBegun>;
  /** The guard's question. Reads at most once, never writes. */
  checkAccess(input: Acting<User> & { requirement?: Requirement }): Promise<AccessDecision>;

  /** Starts an enrollment; the session must be fresh, and stepped up when an authenticator exists. */
  startEnrollment(input: Acting<User> & { name?: string }): Promise<Result<{ enrollment: Enrollment; session: MfaSession }>>;
  /** Shows again the newest enrollment that this session began and that is still open. */
  currentEnrollment(input: Acting<User>): Promise<Result<{ enrollment: Enrollment }>>;
  confirmEnrollment(
    input: Acting<User> & DeviceInput & { enrollmentId: string; code: unknown },
  ): Promise<
    Result<{
      authenticator: AuthenticatorSummary;
      /** Shown once; present when this enrollment created them. */
      recoveryCodes?: string[];
      session: VerifiedSession;
      assurance: Assurance;
      device?: DeviceGrant;
    }>
  >;
  cancelEnrollment(input: Acting<User> & { enrollmentId: string }): Promise<Result<{ session: MfaSession }>>;

  /** Checks a code of an authenticator, or a recovery code. */
  verify(
    input: Acting<User> & DeviceInput & { code?: unknown; recoveryCode?: unknown },
  ): Promise<
    Result<{ session: VerifiedSession; assurance: Assurance; device?: DeviceGrant; recoveryCodesLeft?: number }>
  >;
  /** Opens a pending token of {@link LoginBegun}; its session then goes to `verify` or to a first enrollment. */
  openPendingToken(token: string): Promise<Result<{ userId: string; session: PendingSession }>>;

  getStatus(input: { user: User }): Promise<Result<{ status: MfaStatus }>>;
  renameAuthenticator(input: Acting<User> & { authenticatorId: string; name: string }): Promise<Result<{ session: MfaSession }>>;
  removeAuthenticator(input: Acting<User> & { authenticatorId: string }): Promise<Result<{ session: MfaSession }>>;
  regenerateRecoveryCodes(input: Acting<User>): Promise<Result<{ recoveryCodes: string[]; session: MfaSession }>>;
  revokeDevice(input: Acting<User> & { deviceId: string }): Promise<Result<{ session: MfaSession }>>;
  /** Makes all other sessions and all remembered devices worth nothing; the acting session gets its new state. */
  endAllSessions(input: Acting<User>): Promise<Result<{ session: MfaSession }>>;

  /** For the host: the password changed. `keep`: the acting session, which gets its new state. */
  passwordChanged(input: { userId: string; keep?: MfaSession; context?: EventContext }): Promise<Result<{ session?: MfaSession }>>;
  /** For the host: the account is gone. Removes everything that is known. */
  forgetUser(input: { userId: string; context?: EventContext }): Promise<Result>;
  /** For support: removes authenticators, recovery codes and devices; the user enrolls again at the next login. */
  resetMfa(input: Administering): Promise<Result>;
  /** For support: gives five tries back. */
  clearLockout(input: Administering): Promise<Result>;

  /** What the HTTP layer needs to know of the options. */
  readonly settings: MfaSettings;
}

/** Resolved options that shape pages and cookies. */
export interface MfaSettings {
  realm: string;
  /** Days of "Remember this device"; 0: switched off. */
  rememberDays: number;
  /** Codes a set; 0: switched off. */
  recoveryCodeCount: number;
  now(): number;
  /** Cookie names under which this user's device token may be found; the first is written. Suffixes of 12 hex digits. */
  deviceCookieSuffixes(userId: string): string[];
  /** The issuer as the user sees it. */
  issuerFor(user: MfaUser): string;
}
