/** Authentication context classes: by a factor that was actively checked, and by a remembered device. */
export const ACR = { active: 'urn:mfa-kit:mfa', remembered: 'urn:mfa-kit:remembered-device' } as const;

/**
 * Every way to reach an assurance. A factor adds one row; the types, and every list of ways and kinds, derive from here.
 *
 * `kind`: the factor that was proven; null if nothing was proven now. `amr`: the method by RFC 8176, or a private value. `remembers`:
 * whether who proves it at a login may let the browser be remembered.
 */
const VIAS = {
  otp: { kind: 'totp', amr: 'otp', acr: ACR.active, remembers: true },
  'recovery-code': { kind: 'recovery-code', amr: 'recovery_code', acr: ACR.active, remembers: false },
  'remembered-device': { kind: null, amr: 'remembered_device', acr: ACR.remembered, remembers: false },
} as const;

/** How an assurance was reached. */
export type AssuranceVia = keyof typeof VIAS;

/** A kind of factor. Profiles store it, so it never changes. */
export type FactorKind = NonNullable<(typeof VIAS)[AssuranceVia]['kind']>;

/** Whether the value names a way to reach an assurance. */
export function isAssuranceVia(value: unknown): value is AssuranceVia {
  return typeof value === 'string' && Object.hasOwn(VIAS, value);
}

/** Whether a proof lets its browser be remembered. A browser that another version remembered by an unknown proof is not. */
export function letsRemember(via: unknown): boolean {
  return isAssuranceVia(via) && VIAS[via].remembers;
}

/** The `via` of an assurance that a factor of this kind was proven for. */
export function viaOf(kind: FactorKind): AssuranceVia {
  return VIA_OF_KIND[kind];
}

const VIA_OF_KIND = Object.fromEntries(
  Object.entries(VIAS).flatMap(([via, { kind }]) => (kind === null ? [] : [[kind, via]])),
) as Record<FactorKind, AssuranceVia>;

/** An assurance with the methods and the class of its `via`. */
export function makeAssurance(
  via: AssuranceVia,
  { userId, epoch, verifiedAt, deviceId }: Pick<Assurance, 'userId' | 'epoch' | 'verifiedAt' | 'deviceId'>,
): Assurance {
  const { kind, amr, acr } = VIAS[via];
  const assurance: Assurance = { userId, epoch, amr: kind === null ? [amr] : [amr, 'mfa'], acr, verifiedAt, via };
  if (deviceId !== undefined) assurance.deviceId = deviceId;
  return assurance;
}

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
  deviceId?: string | undefined;
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
  returnTo?: string | undefined;
  /** Set when the state came from a pending token, which counts once. */
  token?: { id: string; expiresAt: number } | undefined;
}

/** The second factor was proven, or a remembered device stood in for it. */
export interface VerifiedSession {
  state: 'verified';
  assurance: Assurance;
  /** Enrollments that this session began. */
  enrollmentIds?: string[] | undefined;
  /** Path to go back to after a step-up. */
  returnTo?: string | undefined;
}

/** What a route asks for. */
export interface Requirement {
  /** The proof by an active factor must be at most this old (step-up). A remembered device never serves it. */
  maxAgeSeconds?: number | undefined;
  /** `false`: a remembered device does not stand in for a factor on this route. Default `true`. */
  acceptRememberedDevice?: boolean | undefined;
}

/** The smallest `maxAgeSeconds`: between a proof and the request that it is for lie a redirect and the person's next click. */
export const LEAST_AGE_SECONDS = 5;

/** A kind of proof that a challenge can be answered with. */
export type ChallengeFactor = FactorKind;

/** The guard's answer. Anything but `allow` denies. */
export type AccessDecision =
  | { access: 'allow'; via: AssuranceVia | 'not-required' | 'grace'; assurance?: Assurance; enrollBy?: number }
  | { access: 'challenge'; because: 'missing' | 'expired' | 'revoked'; factors: ChallengeFactor[]; maxAgeSeconds?: number }
  | { access: 'enroll'; enrollBy?: number }
  | { access: 'login-again' }
  | { access: 'refuse'; reason: 'profile_missing' | 'not_allowed' }
  | { access: 'unavailable'; retryAfterSeconds: number };

/** A decision that lets the request through. */
export type AllowDecision = Extract<AccessDecision, { access: 'allow' }>;

/** The user whom a session's state speaks of; undefined for what is no such state, whatever a session store gave back. */
export function sessionUserId(session: MfaSession): string | undefined {
  if (session.state === 'pending') return session.userId;
  return session.state === 'verified' ? (session.assurance as Assurance | undefined)?.userId : undefined;
}

/** An assurance as claims of an access token that the host signs; `sub` is the host's, and must be the user id. */
export type AssuranceClaims = {
  /** RFC 8176: the first factor's methods and the second's. */
  amr: string[];
  acr: string;
  /** When a factor was last actively checked, in seconds since the epoch. */
  auth_time: number;
  mfa_epoch: string;
  mfa_via: AssuranceVia;
  mfa_device?: string;
};

/** Claims for the host's access token. `firstFactor`: how the first factor was proven, `['pwd']` for one. */
export function assuranceClaims(assurance: Assurance, firstFactor: readonly string[]): AssuranceClaims {
  return {
    amr: [...new Set([...firstFactor, ...assurance.amr])],
    acr: assurance.acr,
    auth_time: Math.floor(assurance.verifiedAt / 1000),
    mfa_epoch: assurance.epoch,
    mfa_via: assurance.via,
    ...(assurance.deviceId === undefined ? {} : { mfa_device: assurance.deviceId }),
  };
}

/**
 * The assurance that verified claims speak of, or null when a fact is missing: no fact, no MFA.
 *
 * The host has verified the token's signature, issuer, audience and end before it hands the claims in.
 */
export function assuranceFromClaims(claims: Record<string, unknown>): Assurance | null {
  const { sub, amr, acr, auth_time: authTime, mfa_epoch: epoch, mfa_via: via, mfa_device: deviceId } = claims;
  if (typeof sub !== 'string' || typeof acr !== 'string' || typeof epoch !== 'string' || epoch === '') return null;
  if (typeof authTime !== 'number' || !Number.isSafeInteger(authTime)) return null;
  if (!Array.isArray(amr) || !amr.every((method) => typeof method === 'string')) return null;
  if (!isAssuranceVia(via) || !amr.includes(VIAS[via].amr)) return null;
  // A device that cannot be read could not end either.
  const named = deviceId !== undefined && deviceId !== null;
  if (named ? typeof deviceId !== 'string' || deviceId === '' : via === 'remembered-device') return null;
  const device = typeof deviceId === 'string' ? { deviceId } : {};
  return { userId: sub, epoch, amr, acr, verifiedAt: authTime * 1000, via, ...device };
}
