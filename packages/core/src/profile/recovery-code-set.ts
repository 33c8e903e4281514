/** What is kept of a set of recovery codes: never a code. */
export interface RecoveryCodeSet {
  /** Key of the digests, base64url of 32 random bytes. */
  key: string;
  /** Digests of the codes not used so far, base64url. */
  digests: string[];
  /** Epoch milliseconds. */
  createdAt: number;
  /** The one that was used last, so that a form which is submitted twice is no wrong code. Release 1 keeps this. */
  lastUsed?: { digest: string; at: number };
  /** Tells this set from those before and after it, to whoever was shown its codes. A set of release 1 has none. */
  id?: string;
  /**
   * The user has not confirmed that these codes are saved, so the answer that showed them may have been lost. It counts only while the set
   * still has this many codes, because a user who has used one has seen them. Release 1 keeps it while it takes codes, and its own sets have none.
   */
  unsaved?: { createdAt: number; codes: number };
}
