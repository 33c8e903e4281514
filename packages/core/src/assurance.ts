/** How an assurance was reached. */
export type AssuranceVia = 'otp' | 'recovery-code' | 'remembered-device';

/**
 * What a session has proven: who, by what, when.
 *
 * Plain data that the host keeps where it keeps its session; core checks it wherever it comes in again. A statement with
 * another user or another epoch is worth nothing.
 */
export interface Assurance {
  userId: string;
  /** The profile's epoch at the time of the proof; changes with every event that ends older proofs. */
  epoch: string;
  /** Authentication method references of the second factor, RFC 8176 section 2 (`otp`, `mfa`) and private values. */
  amr: string[];
  /** Authentication context class, for `acr_values` of RFC 9470. */
  acr: string;
  /** When a factor was last actively checked, in epoch milliseconds. */
  verifiedAt: number;
  via: AssuranceVia;
  /** The remembered device that stood in for the prompt; with `remembered-device`. */
  deviceId?: string;
}

/** The MFA state of one session: plain data, kept in the host's session and given back at each call. */
export type MfaSession = PendingSession | VerifiedSession;

/** The first factor was proven, the second was not. */
export interface PendingSession {
  state: 'pending';
  userId: string;
  epoch: string;
  /** Changes whenever remembered devices are cleared: a login begun before remembers nothing. */
  deviceEpoch: string;
  /** When the first factor was proven, in epoch milliseconds; 0 when not known. */
  since: number;
  /** Enrollments that this session began. Nobody else sees or confirms them. */
  enrollmentIds: string[];
  /** Path to go back to after the proof. */
  returnTo?: string;
  /** Set when the state came from a pending token, which counts once. */
  token?: { id: string; expiresAt: number };
}

/** The second factor was proven, or a remembered device stood in for it. */
export interface VerifiedSession {
  state: 'verified';
  assurance: Assurance;
  /** Enrollments that this session began. */
  enrollmentIds?: string[];
  /** Path to go back to after a step-up. */
  returnTo?: string;
}

/** What a route asks for. */
export interface Requirement {
  /** The proof by an active factor must be at most this old (step-up). A remembered device never serves it. */
  maxAgeSeconds?: number;
  /** `false`: a remembered device does not stand in for a factor on this route. Default `true`. */
  acceptRememberedDevice?: boolean;
}

/** A kind of proof that a challenge can be answered with. */
export type ChallengeFactor = 'totp' | 'recovery-code';

/** The guard's answer. Anything but `allow` denies. */
export type AccessDecision =
  | { access: 'allow'; via: AssuranceVia | 'not-required' | 'grace'; assurance?: Assurance; enrollBy?: number }
  | { access: 'challenge'; because: 'missing' | 'expired' | 'revoked'; factors: ChallengeFactor[]; maxAgeSeconds?: number }
  | { access: 'enroll'; enrollBy?: number }
  | { access: 'login-again' }
  | { access: 'refuse'; reason: 'profile_missing' | 'not_allowed' }
  | { access: 'unavailable'; retryAfterSeconds: number };

/** The user whom a session's state speaks of. */
export function sessionUserId(session: MfaSession): string {
  return session.state === 'pending' ? session.userId : session.assurance.userId;
}
