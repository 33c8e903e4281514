import type { FactorKind } from '../assurance.js';
import type { Awaitable } from '../awaitable.js';
import type { EventDetail } from '../events.js';
import type { ResolvedOptions } from '../options.js';
import type { Profile } from '../profile/profile.js';
import type { FactorPage } from './factor-page.js';

/** What a factor may use besides its own data. */
export interface FactorContext {
  /** Epoch milliseconds of the server's clock. */
  now: number;
  options: Pick<ResolvedOptions, 'windowSteps' | 'recoveryCodeCount' | 'recoveryCodesLowAt'>;
}

/** What policy and limits need to know about a factor. They never look at its kind. */
export interface FactorTraits {
  /** A proof can be guessed, so every wrong one is charged to a guess budget, and a user may have only a few such authenticators. */
  guessable: boolean;
  /** A fake website can relay the proof. */
  phishable: boolean;
  /** It counts as an authenticator. Recovery codes are created with the first one and removed with the last. */
  standsAlone: boolean;
  /** Its use means that the other factors may be lost, so no browser stays remembered. */
  endsRememberedDevices: boolean;
}

/**
 * The outcome of one proof.
 *
 * `replayed`: correct, but used before. `repeated`: the same proof within seconds, so probably a form that was sent twice. The user gets
 * the same answer for both as for `wrong`.
 */
export type FactorOutcome = 'accepted' | 'replayed' | 'repeated' | 'wrong';

/** The outcome, and the data to store before the outcome is revealed. Only an accepted proof changes the data. */
export interface Checked<Data> {
  outcome: FactorOutcome;
  data: Data;
  /** How many seconds the data is ahead of the clock, which means that the clock was or is wrong. */
  aheadSeconds?: number;
}

/** How an authenticator of a kind is set up. */
export interface FactorEnrollment<Pending, Data, Shown, Proof, Drawn> {
  /** Name of a first authenticator if the user did not choose one. */
  defaultName: string;
  /** The data of a started enrollment. */
  begin(random: (length: number) => Uint8Array): Pending;
  /** What the user must see or do. */
  show(pending: Pending, account: { issuer: string; name: string }): Shown;
  /** What a screen shows in addition, created only if a page or client needs it: a QR code, for example. */
  draw?(shown: Shown): Promise<Drawn>;
  /** Checks the first proof, and returns the data of the authenticator if it is accepted. */
  confirm(pending: Pending, proof: Proof, context: FactorContext): Awaitable<Checked<Data>>;
}

/** Where a factor keeps its data if it has no authenticators of its own. */
export interface FactorStore<Data> {
  read(profile: Profile): Data | null;
  write(profile: Profile, data: Data): Profile;
  /** Whether no proof can be accepted any more. */
  isEmpty(data: Data): boolean;
}

/**
 * How one kind of factor is set up and proven. Each factor is a folder that implements this, and a line in registry.ts.
 *
 * A factor never writes and never reads a clock. Each function is pure and returns what to store. The flow stores it in the same
 * conditional write as the decision, so single use and limits hold for every factor alike.
 */
export interface Factor<Pending = unknown, Data = unknown, Shown = unknown, Proof = unknown, Drawn = unknown> {
  readonly kind: FactorKind;
  /** The field of a request's body that carries its proof as text. No other factor has the same. */
  readonly bodyField: string;
  readonly traits: FactorTraits;
  /** Absent: users do not set it up by itself. */
  readonly enroll?: FactorEnrollment<Pending, Data, Shown, Proof, Drawn>;
  /** Absent: each authenticator of this kind holds the data. */
  readonly store?: FactorStore<Data>;
  /** Whether the application has switched it off. */
  isSwitchedOff?(options: FactorContext['options']): boolean;
  /** Its English texts, which pages find in their messages under its kind. Absent: the texts are in pages/english.ts. */
  readonly words?: Readonly<Record<string, string | ((...values: never[]) => string)>>;
  /** Loads its part of the pages. */
  page(): Promise<FactorPage>;
  /** Returns the fields of a proof that was sent as text in {@link Factor.bodyField}. */
  proofFrom(text: unknown): object;
  /** Returns the proof in its normal form, or null if the input cannot be one. Checks the format only, and never throws. */
  parse(input: Readonly<Record<string, unknown>>): Proof | null;
  /** Checks a proof against the data of one authenticator. */
  check(data: Data, proof: Proof, context: FactorContext): Awaitable<Checked<Data>>;
  /** Returns the data with every proof used up that would be accepted now, for a database that was restored from a backup. */
  useUp?(data: Data, context: FactorContext): Data;
  /** What an accepted proof adds to the answer and the audit trail beyond `verified`. */
  report?(data: Data, context: FactorContext): { fields: { recoveryCodesLeft?: number }; events: EventDetail[] };
}
