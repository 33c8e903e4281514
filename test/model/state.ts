/**
 * A minimal second implementation of the rules, to compare core with. Nothing has an id here. What an operation creates is named
 * after the operation, so that the same operations give the same names in any order.
 */
export type Name = string;

export interface Budget {
  quick: number;
  lastWrongAt: number;
  level: number;
  levelAt: number;
  /** The latest instant of a change. */
  latest: number;
}

/** The owner of a budget. */
export type Owner = 'account' | 'device' | 'enrollment';

export interface App {
  /** The enrollment that it came from. */
  name: Name;
  /** The steps that are used. */
  closed: ReadonlySet<number>;
  usedAt: number;
}

export interface Pending {
  name: Name;
  startedAt: number;
  steppedUp: boolean;
  token?: Name | undefined;
  budget: Budget;
}

/** A device token in a browser. */
export interface Token {
  name: Name;
  device: Name;
  signedAt: number;
}

export interface Device {
  name: Name;
  firstUsedAt: number;
  lastUsedAt: number;
  remembered?: { at: number; until: number } | undefined;
  budget: Budget;
  current: Name;
  next?: { name: Name; mintedAt: number } | undefined;
  retiring: readonly { name: Name; successorShownAt: number }[];
}

/** Everything that is stored about one user. */
export interface State {
  exists: boolean;
  epoch: Name;
  deviceEpoch: Name;
  apps: readonly App[];
  pending: readonly Pending[];
  starts: readonly number[];
  /** The numbers of the remaining codes. */
  codes: { set: Name; madeAt: number; left: ReadonlySet<number> } | null;
  budget: Budget;
  devices: readonly Device[];
  /** Devices that were revoked, or whose retired token was presented. Their proofs no longer count. Histories here end fewer than 32. */
  ended: ReadonlySet<Name>;
  usedTokens: ReadonlySet<Name>;
}

export type Via = 'otp' | 'recovery-code' | 'remembered-device';

/** What a session has proven. */
export type Session =
  | {
      state: 'pending';
      epoch: Name;
      deviceEpoch: Name;
      since: number;
      enrollments: readonly Name[];
      token?: { name: Name; expiresAt: number };
    }
  | { state: 'verified'; epoch: Name; verifiedAt: number; via: Via; device?: Name; enrollments?: readonly Name[] | undefined };

/** A 6-digit code, or a recovery code by its set and number. Number -1 is in no set. */
export type Proof = { digits: string } | { set: Name; number: number };

interface ByBrowser {
  tokens: readonly Token[];
  remember: boolean;
  /** With a label the browser becomes known after the proof. */
  label: boolean;
}

/** One operation and its input. */
export type Step =
  | { kind: 'log in'; tokens: readonly Token[]; byToken: boolean }
  | ({ kind: 'verify'; session: Session | undefined; proof: Proof } & ByBrowser)
  | { kind: 'start'; session: Session | undefined }
  | ({ kind: 'confirm'; session: Session | undefined; enrollment: Name; digits: string } & ByBrowser)
  | { kind: 'cancel'; session: Session | undefined; enrollment: Name }
  | { kind: 'rename' | 'remove'; session: Session | undefined; app: Name }
  | { kind: 'regenerate' | 'end all sessions'; session: Session | undefined }
  | { kind: 'revoke'; session: Session | undefined; device: Name }
  | { kind: 'change the password'; keep: Session | undefined }
  | { kind: 'reset' | 'clear the lockout' | 'forget' };

/** The answer of the operation. */
export interface Answer {
  said: string;
  session?: Session | undefined;
  /** A device token for the browser. */
  minted?: Token | undefined;
  /** Recovery codes left, after one was used. */
  left?: number;
  /** A set of recovery codes that is shown. */
  codes?: Name;
  retryAfterSeconds?: number;
}

export interface Facts {
  /** The name of the operation. */
  name: Name;
  now: number;
  mfa: 'required' | 'optional';
  /** The code of an authenticator in a step. */
  shows(app: Name, step: number): string;
}

export const UNTOUCHED: Budget = { quick: 0, lastWrongAt: 0, level: 0, levelAt: 0, latest: 0 };

/** A user without stored data. */
export const NOBODY: State = {
  exists: false,
  epoch: 'none',
  deviceEpoch: 'none',
  apps: [],
  pending: [],
  starts: [],
  codes: null,
  budget: UNTOUCHED,
  devices: [],
  ended: new Set(),
  usedTokens: new Set(),
};
