export {
  type AccessDecision,
  type Assurance,
  type AssuranceVia,
  assuranceClaims,
  assuranceFromClaims,
  type ChallengeFactor,
  type FactorKind,
  type MfaSession,
  type PendingSession,
  type Requirement,
  type VerifiedSession,
} from './assurance.js';
export { MfaError, type MfaErrorCode } from './errors.js';
export type { EventBase, EventContext, EventDetail, MfaEvent, MfaNotice } from './events.js';
export type { EnrollableKind, Enrollment, ProofInput } from './factors/registry.js';
export { qrPngDataUrl, qrSvg } from './factors/totp/qr.js';
export type {
  FindingCode,
  KeysRotated,
  MfaFinding,
  MfaReport,
  RestoreHandled,
  UserIdList,
  Walked,
} from './flows/maintenance/results.js';
export {
  type AfterRestoreInput,
  createMfa,
  type DeviceInput,
  type Mfa,
  type MfaSettings,
  type RotateKeysInput,
  type SetEnrollByInput,
  type SupportAction,
  type WalkOptions,
} from './mfa.js';
export type { MfaKey, MfaOptions, MfaPolicy, MfaUser } from './options.js';
export type {
  AuthenticatorSummary,
  DeviceGrant,
  DeviceSummary,
  EnrollBySet,
  EnrollmentConfirmed,
  LockoutCleared,
  LoginBegun,
  MfaResetDone,
  MfaStatus,
  PasswordChangeHandled,
  Refusal,
  RefusalReason,
  Result,
  SessionsEnded,
  Unsettled,
  UserForgotten,
  Verified,
} from './results.js';
export type { MfaStorage, StoredProfile } from './storage/storage.js';
