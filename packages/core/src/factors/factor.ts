/** What a factor knows besides its own data. */
export interface FactorClock {
  /** Epoch milliseconds of the server's clock. */
  now: number;
}

/**
 * What became of one proof against one authenticator.
 *
 * `replayed`: it would have been right, but was used before. The user is told the same as for `wrong`.
 */
export type FactorOutcome = 'accepted' | 'replayed' | 'wrong';

/** The outcome and what must be stored before anybody learns it. */
export interface Checked<Data> {
  outcome: FactorOutcome;
  /** The authenticator's data after the check. It is stored whatever the outcome. */
  data: Data;
  /** Seconds by which the data's own memory lies ahead of the clock: the clock was or is wrong. */
  aheadSeconds?: number;
}

/**
 * How one kind of proof is enrolled and checked: the port that every factor implements.
 *
 * A factor never writes and never looks at a clock of its own: each function is pure in (data, input, now) and returns what to
 * store. The flow stores it in the same conditional write as the decision, so single use and limits hold for every factor alike.
 */
export interface Factor<Data, Shown, Proof> {
  /** Name of the kind in the profile; never changed once profiles hold it. */
  readonly kind: string;
  /** Whether a proof can be guessed: then wrong ones cost budget, one unit for each authenticator tried. */
  readonly guessable: boolean;
  /** Data of a new enrollment, from the randomness given. */
  begin(random: Uint8Array): Data;
  /** What the user must see to enroll, from the data of a pending enrollment. */
  show(data: Data, account: { issuer: string; name: string }): Shown;
  /**
   * For a factor whose proof needs a first step (a passkey's challenge, a code by mail): the data with that step noted, and
   * what to send. Called again it must make the earlier one worthless.
   */
  prepare?(data: Data, random: Uint8Array, clock: FactorClock): { data: Data; send: unknown };
  /** The proof in its normal form, or null for what cannot be one. Never throws, never does cryptography. */
  parse(input: unknown): Proof | null;
  /** Checks one proof against one authenticator. */
  check(data: Data, proof: Proof, clock: FactorClock): Checked<Data>;
}
