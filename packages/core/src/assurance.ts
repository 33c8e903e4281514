/** Authentication context classes: by a factor that was actively checked, and by a remembered device. */
export const ACR = { active: 'urn:mfa-kit:mfa', remembered: 'urn:mfa-kit:remembered-device' } as const;

/**
 * Every way to reach an assurance. A factor adds one row; the types, and every list of ways and kinds, derive from here.
 *
 * `kind`: the factor that was proven; null if nothing was proven now. `amr`: the method by RFC 8176, or a private value. `remembers`:
 * whether a proof at login allows the browser to be remembered.
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

/** Whether a proof allows its browser to be remembered. False for an unknown proof that another version stored. */
export function letsRemember(via: unknown): boolean {
  return isAssuranceVia(via) && VIAS[via].remembers;
}

/** Returns the `via` of an assurance from a proof of this kind. */
export function viaOf(kind: FactorKind): AssuranceVia {
  return VIA_OF_KIND[kind];
}

const VIA_OF_KIND = Object.fromEntries(
  Object.entries(VIAS).flatMap(([via, { kind }]) => (kind === null ? [] : [[kind, via]])),
) as Record<FactorKind, AssuranceVia>;

/** Builds an assurance with the methods and the class of its `via`. */
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
 * What a session has proven: who, by which means, when.
 *
 * Plain data that the host keeps in its session. Core checks it whenever the host passes it in. It does not count for another user or
 * another epoch.
 */
export interface Assurance {
  userId: string;
  /** The profile's epoch at the time of the proof. It changes with every event that ends older proofs. */
  epoch: string;
  /** Authentication method references of the second factor, RFC 8176 section 2 (`otp`, `mfa`) and private values. */
  amr: string[];
  /** Authentication context class, for `acr_values` of RFC 9470. */
  acr: string;
  /** When a factor was last actively checked, in epoch milliseconds. */
  verifiedAt: number;
  via: AssuranceVia;
  /** The remembered device that replaced the prompt; with `remembered-device`. */
  deviceId?: string | undefined;
}

/** The MFA state of one session: plain data that the host keeps in its session and passes to each call. */
export type MfaSession = PendingSession | VerifiedSession;

/** The first factor was proven, the second was not. */
export interface PendingSession {
  state: 'pending';
  userId: string;
  epoch: string;
  /** Changes whenever remembered devices are cleared. A login that began before the change remembers no device. */
  deviceEpoch: string;
  /** When the first factor was proven, in epoch milliseconds; 0 if unknown. */
  since: number;
  /** Enrollments that this session began. No other session sees or confirms them. */
  enrollmentIds: string[];
  /** Path to return to after the proof. */
  returnTo?: string | undefined;
  /** Set if the state came from a pending token, which counts once. */
  token?: { id: string; expiresAt: number } | undefined;
}

/** The second factor was proven, or a remembered device replaced it. */
export interface VerifiedSession {
  state: 'verified';
  assurance: Assurance;
  /** Enrollments that this session began. */
  enrollmentIds?: string[] | undefined;
  /** Path to return to after a step-up. */
  returnTo?: string | undefined;
}

/** What a route requires. */
export interface Requirement {
  /** The proof with a factor must be at most this old (step-up). A remembered device never satisfies it. */
  maxAgeSeconds?: number | undefined;
  /** `false`: a remembered device does not replace a factor on this route. Default `true`. */
  acceptRememberedDevice?: boolean | undefined;
}

/** The smallest `maxAgeSeconds`: a redirect and the user's next click lie between a proof and the request that needs it. */
export const LEAST_AGE_SECONDS = 5;

/** A kind of proof that can answer a challenge. */
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

/** Returns the user of a session's state; undefined if the value is not an MFA state. */
export function sessionUserId(session: MfaSession): string | undefined {
  if (session.state === 'pending') return session.userId;
  return session.state === 'verified' ? (session.assurance as Assurance | undefined)?.userId : undefined;
}

/** An assurance as claims of an access token that the host signs. `sub` belongs to the host and must be the user id. */
export type AssuranceClaims = {
  /** RFC 8176: the methods of the first factor and of the second. */
  amr: string[];
  acr: string;
  /** When a factor was last actively checked, in seconds since the epoch. */
  auth_time: number;
  mfa_epoch: string;
  mfa_via: AssuranceVia;
  mfa_device?: string;
};

/** Builds claims for the host's access token. `firstFactor`: how the first factor was proven, for example `['pwd']`. */
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
 * Reads the assurance from verified claims. Returns null if a fact is missing: no fact, no MFA.
 *
 * The host must verify the token's signature, issuer, audience and expiry before it passes the claims in.
 */
export function assuranceFromClaims(claims: Record<string, unknown>): Assurance | null {
  const { sub, amr, acr, auth_time: authTime, mfa_epoch: epoch, mfa_via: via, mfa_device: deviceId } = claims;
  if (typeof sub !== 'string' || typeof acr !== 'string' || typeof epoch !== 'string' || epoch === '') return null;
  if (typeof authTime !== 'number' || !Number.isSafeInteger(authTime)) return null;
  if (!Array.isArray(amr) || !amr.every((method) => typeof method === 'string')) return null;
  if (!isAssuranceVia(via) || !amr.includes(VIAS[via].amr)) return null;
  // A device that cannot be read could never be revoked.
  const named = deviceId !== undefined && deviceId !== null;
  if (named ? typeof deviceId !== 'string' || deviceId === '' : via === 'remembered-device') return null;
  const device = typeof deviceId === 'string' ? { deviceId } : {};
  return { userId: sub, epoch, amr, acr, verifiedAt: authTime * 1000, via, ...device };
}
