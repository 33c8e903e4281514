/** The person at the keyboard, as the host knows them. A type with more fields reaches `policy` and `issuer`. */
export interface MfaUser {
  /** Opaque, stable, never reused; 1 to 255 bytes of UTF-8 without U+0000. */
  id: string;
  /** Shown in the authenticator app beside the issuer; display only. */
  name: string;
  /** The host's own memory of "this user has MFA". `true`: a missing profile refuses instead of meaning "no MFA". */
  enrolled?: boolean;
}
