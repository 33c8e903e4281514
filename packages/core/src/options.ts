import { HOW_TO_MAKE_A_KEY, readKeySecret } from './crypto/key-secret.js';
import { createKeyring, type KeyMaterial, type Keyring } from './crypto/keyring.js';
import { MfaError } from './errors.js';
import type { EventContext, MfaEvent, MfaNotice } from './events.js';
import { abandon, instantFault, isInstant } from './host-input.js';
import { type MfaStorage, storageNameOf } from './storage/storage.js';
import { createWarn, type Warn } from './warnings/once.js';
import { createWarnings, type OperatorWarnings } from './warnings/warnings.js';

/** The person at the keyboard, as the host knows them. A type with more fields reaches `policy` and `issuer`. */
export interface MfaUser {
  /** Opaque, stable, never reused; 1 to 255 bytes of UTF-8 without U+0000. */
  id: string;
  /** Shown in the authenticator app beside the issuer; display only. */
  name: string;
  /**
   * The host's own memory of "this user has MFA". `true`: a missing profile refuses instead of meaning "no MFA". `null`, of a
   * column that was not set so far, decides nothing, and `markEnrolled` fills it at the next login. Anything that is no boolean, such
   * as the 1 of MySQL and SQLite, throws: write `Boolean(row.mfa_enrolled)`.
   */
  enrolled?: boolean | null | undefined;
}

/** A key of the application. */
export interface MfaKey {
  /** Stored beside what the key protects; 1 to 32 characters of `A-Z a-z 0-9 . _ -`. */
  id: string;
  /** At least 32 random bytes: as bytes, or as base64, base64url or hex. */
  secret: string | Uint8Array;
}

/** What a user must and may do. */
export interface MfaPolicy {
  /** Default `required`. */
  mfa?: 'required' | 'optional' | 'off' | undefined;
  /**
   * With `required`: until then (epoch milliseconds) a user without authenticator is let through. An instant that has been is a
   * deadline that is over; leave it out where there is none.
   */
  enrollBy?: number | undefined;
  /** `false`: the user may not enroll for now, because the address is not verified, say. Default `true`. */
  mayEnroll?: boolean | undefined;
  /** `false`: no device of this user is remembered. Default: what the option `rememberDevice` says. */
  rememberDevice?: boolean | undefined;
}

/** Everything that can be set. A bad value throws at once and says how to mend it. */
export interface MfaOptions<User extends MfaUser = MfaUser> {
  /** Name of the application in the authenticator app; display only. */
  issuer: string | ((user: User) => string);
  /** The first writes, all are read. */
  keys: readonly MfaKey[];
  /** Where profiles are kept. */
  storage: MfaStorage;
  /** Name of this installation inside keys and tokens. Never rename it: everything stored would become unreadable. */
  realm?: string | undefined;
  /**
   * What a user must and may do. Default: MFA is required of everybody. `context`: what `eventContext` returned for this request.
   * An answer that is no policy throws `host_callback_failed`.
   */
  policy?: ((user: User, context: EventContext | undefined) => MfaPolicy | Promise<MfaPolicy>) | undefined;
  /** Writes the host's own memory of who is enrolled; awaited, and repeated at the next login while it disagrees. */
  markEnrolled?: ((userId: string, enrolled: boolean) => unknown) | undefined;
  /** Days (1 to 30) that a remembered device is not asked at login; `false` switches it off. */
  rememberDevice?: { days?: number | undefined } | false | undefined;
  /** Codes a set (5 to 20), and when to warn that few are left; `false` switches them off. */
  recoveryCodes?: { count?: number | undefined; lowAt?: number | undefined } | false | undefined;
  /** Time steps accepted before and after the current one, for clocks that differ: 0 or 1. */
  windowSteps?: 0 | 1 | undefined;
  /** How old (0 to 300 seconds) a proof may be before a guard reads the profile again. */
  revocationDelaySeconds?: number | undefined;
  /** How old (60 to 86,400 seconds) a login may be that sets up a first authenticator. An older one must be made again. */
  freshLoginSeconds?: number | undefined;
  /** Receives every event. It is not awaited; if it throws, nothing changes. */
  onEvent?: ((event: MfaEvent) => unknown) | undefined;
  /** Receives what the user should be told. It is not awaited; if it throws or hangs, `notify_failed` is an event. */
  notify?: ((notice: MfaNotice) => unknown) | undefined;
  /** The server's clock, in epoch milliseconds, at once; it is called once at start, and an answer in another unit is refused. */
  clock?: (() => number) | undefined;
}

/** Options with every default in place. */
export interface ResolvedOptions<User extends MfaUser = MfaUser> {
  issuerFor(user: User): string;
  keyring: Keyring;
  storage: MfaStorage;
  realm: string;
  policy: (user: User, context: EventContext | undefined) => unknown;
  markEnrolled: ((userId: string, enrolled: boolean) => unknown) | null;
  /** 0: switched off. */
  rememberDays: number;
  /** 0: switched off. */
  recoveryCodeCount: number;
  recoveryCodesLowAt: number;
  windowSteps: 0 | 1;
  revocationDelaySeconds: number;
  freshLoginSeconds: number;
  onEvent: ((event: MfaEvent) => unknown) | null;
  notify: ((notice: MfaNotice) => unknown) | null;
  clock: () => number;
  /** Tells the operator why something failed. */
  warnings: OperatorWarnings;
  /** Tells the operator, once for each code and sentence. */
  warn: Warn;
}

/** The clock of this server, in epoch milliseconds. */
export const systemClock = (): number => Date.now();

/** How one option is read. */
interface OptionReader {
  /** What is read if the option is left out. */
  default?: unknown;
  /** Returns the checked value in the form that the kit works with. */
  read(name: string, given: unknown, fallback: unknown): unknown;
}

/** Every option, in the order of the docs. Its default stands here and nowhere else. */
export const OPTIONS = {
  issuer: { read: readIssuer },
  keys: { read: readKeys },
  storage: { read: readStorage },
  realm: { default: 'mfa-kit', read: text },
  policy: { default: (): MfaPolicy => ({ mfa: 'required' }), read: callback<ResolvedOptions['policy']> },
  markEnrolled: { read: optionalCallback<NonNullable<MfaOptions['markEnrolled']>> },
  rememberDevice: { default: { days: 30 }, read: readRememberDevice },
  recoveryCodes: { default: { count: 10, lowAt: 3 }, read: readRecoveryCodes },
  windowSteps: { default: 1, read: (name, given) => (whole(name, given, 0, 1) === 0 ? 0 : 1) },
  revocationDelaySeconds: { default: 0, read: (name, given) => whole(name, given, 0, 300) },
  freshLoginSeconds: { default: 900, read: (name, given) => whole(name, given, 60, 86_400) },
  onEvent: { read: optionalCallback<NonNullable<MfaOptions['onEvent']>> },
  notify: { read: optionalCallback<NonNullable<MfaOptions['notify']>> },
  clock: { default: systemClock, read: readClock },
} satisfies Record<keyof MfaOptions, OptionReader>;

type ReadOptions = { [Name in keyof typeof OPTIONS]: ReturnType<(typeof OPTIONS)[Name]['read']> };

/** Validates and completes the options. Throws an {@link MfaError} `invalid_option`. */
export function resolveOptions<User extends MfaUser>(options: MfaOptions<User>): ResolvedOptions<User> {
  const read = readOptions(options);
  const { keys, storage, realm, clock } = read;
  const warn = createWarn();
  for (const { id, doubt } of keys) if (doubt !== undefined) warnOfWeakKey(warn, id, doubt);
  const keyring = createKeyring(keys, realm);
  return {
    issuerFor: read.issuer,
    keyring,
    storage,
    realm,
    policy: read.policy,
    markEnrolled: read.markEnrolled,
    rememberDays: read.rememberDevice,
    recoveryCodeCount: read.recoveryCodes.count,
    recoveryCodesLowAt: read.recoveryCodes.lowAt,
    windowSteps: read.windowSteps,
    revocationDelaySeconds: read.revocationDelaySeconds,
    freshLoginSeconds: read.freshLoginSeconds,
    onEvent: read.onEvent,
    notify: read.notify,
    clock,
    warnings: createWarnings({ adapter: storageNameOf(storage), keyIds: keyring.ids, clock }),
    warn,
  };
}

function readOptions(options: unknown): ReadOptions {
  if (typeof options !== 'object' || options === null) throw invalid('createMfa needs an object of options.');
  const table: Record<string, OptionReader> = OPTIONS;
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(table, name)) {
      throw invalid(`Unknown option "${name}". Known options: ${Object.keys(table).join(', ')}.`);
    }
  }
  const given = options as Record<string, unknown>;
  const read = Object.entries(table).map(([name, { default: fallback, read: readOne }]) => [
    name,
    readOne(name, orDefault(given[name], fallback), fallback),
  ]);
  return Object.fromEntries(read) as ReadOptions;
}

function readClock(name: string, given: unknown): () => number {
  if (given === systemClock) return systemClock;
  return checkedClock(callback<() => unknown>(name, given));
}

function readIssuer(_name: string, issuer: unknown): (user: MfaUser) => string {
  if (typeof issuer === 'function') return checkedIssuer(issuer as (user: MfaUser) => unknown);
  if (typeof issuer === 'string' && issuer.trim()) return () => issuer;
  throw invalid('"issuer" must be the name of your application, or a function of the user that gives it.');
}

/** Days; 0 if switched off. */
function readRememberDevice(name: string, given: unknown, defaults: { days: number }): number {
  const fields = feature(name, given, defaults);
  return fields === false ? 0 : whole(`${name}.days`, orDefault(fields.days, defaults.days), 1, 30);
}

/** Codes a set, and when to warn that few are left; both 0 if switched off. */
function readRecoveryCodes(
  name: string,
  given: unknown,
  defaults: { count: number; lowAt: number },
): { count: number; lowAt: number } {
  const fields = feature(name, given, defaults);
  if (fields === false) return { count: 0, lowAt: 0 };
  const count = whole(`${name}.count`, orDefault(fields.count, defaults.count), 5, 20);
  return { count, lowAt: whole(`${name}.lowAt`, orDefault(fields.lowAt, Math.min(defaults.lowAt, count)), 0, count) };
}

/** Calls the host's clock once at start, because one in seconds would let proofs and enrollments expire at random, or never. */
function checkedClock(clock: () => unknown): () => number {
  function read(code: 'invalid_option' | 'host_callback_failed'): number {
    let now: unknown;
    try {
      now = clock();
    } catch (cause) {
      throw new MfaError(code, 'The option "clock" threw. It must return the time at once, as Date.now() does.', { cause });
    }
    if (isInstant(now)) return now;
    throw new MfaError(code, `The answer of the option "clock" ${instantFault(now)}`);
  }
  read('invalid_option');
  return () => read('host_callback_failed');
}

/** Calls the function for the issuer, and throws an error that names the option if it does not return a name. */
function checkedIssuer(issuer: (user: MfaUser) => unknown): (user: MfaUser) => string {
  return (user) => {
    let name: unknown;
    try {
      name = issuer(user);
    } catch (cause) {
      throw new MfaError('host_callback_failed', 'The option "issuer" threw; mend it, or give a fixed name.', { cause });
    }
    if (typeof name === 'string' && name.trim()) return name;
    abandon(name);
    throw new MfaError('host_callback_failed', 'The option "issuer" gave no text; it must give a name, and at once.');
  };
}

/** The fields of a feature, not checked so far, or false when it is switched off. */
function feature<Fields extends object>(
  name: string,
  value: unknown,
  defaults: Fields,
): { [Field in keyof Fields]?: unknown } | false {
  if (value === false) return false;
  const known = Object.keys(defaults);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`"${name}" must be false or an object with ${known.join(', ')}.`);
  }
  const unknown = Object.keys(value).find((field) => !known.includes(field));
  if (unknown !== undefined) throw invalid(`"${name}" has no "${unknown}"; it has ${known.join(', ')}.`);
  return value;
}

/** Only a value that is left out gets the default: `null`, which may stand for "none", must not become 30 days. */
function orDefault<Value>(value: Value | undefined, fallback: Value): Value {
  return value === undefined ? fallback : value;
}

function readStorage(_name: string, given: unknown): MfaStorage {
  const storage = given as MfaStorage | undefined;
  const missing = (['read', 'write', 'remove', 'listUserIds'] as const).filter((name) => typeof storage?.[name] !== 'function');
  if (!storage || missing.length > 0) {
    throw invalid(
      `"storage" has no ${missing.join(', ')}. Give it an adapter, postgresStorage(pool) of "@mfa-kit/core/storage/postgres" for one.`,
    );
  }
  return storage;
}

function warnOfWeakKey(warn: Warn, id: string, doubt: string): void {
  warn(
    'MFA_KIT_WEAK_KEY',
    `The key "${id}" ${doubt}, so whoever guesses it reads every profile that it sealed. It no longer writes; call mfa.rotateKeys() to ` +
      'seal everything with the first key, and then remove it.',
  );
}

/** `doubt`: why an older key may be guessed. */
function readKeys(_name: string, keys: unknown): (KeyMaterial & { doubt: string | undefined })[] {
  if (!Array.isArray(keys) || keys.length === 0) {
    throw invalid(`"keys" must hold at least one key: [{ id: '2026-11', secret: process.env.MFA_KEY }]. ${HOW_TO_MAKE_A_KEY}`);
  }
  const resolved: (KeyMaterial & { doubt: string | undefined })[] = [];
  for (const [index, key] of (keys as readonly MfaKey[]).entries()) {
    if (typeof key?.id !== 'string' || !/^[A-Za-z0-9._-]{1,32}$/.test(key.id)) {
      throw invalid(`"keys[${index}].id" must be 1 to 32 characters of A-Z a-z 0-9 . _ -; the month is a good one.`);
    }
    if (resolved.some(({ id }) => id === key.id)) {
      throw invalid(`"keys" names the id "${key.id}" twice. Give every key its own id.`);
    }
    const name = `"keys[${index}].secret"`;
    const { secret, doubt } = readKeySecret(name, key.secret);
    // What an older key has sealed must stay readable, so only the one that writes is refused.
    if (doubt !== undefined && index === 0) {
      throw invalid(
        `${name} ${doubt}; it must be random bytes. ${HOW_TO_MAKE_A_KEY}, and keep this one as the second of "keys".`,
      );
    }
    const same = resolved.find((other) => Buffer.from(other.secret).equals(secret));
    if (same)
      throw invalid(
        `"keys[${index}].secret" is the secret of "${same.id}"; a new key needs one of its own. ${HOW_TO_MAKE_A_KEY}`,
      );
    resolved.push({ id: key.id, secret, doubt });
  }
  return resolved;
}

function callback<Callback>(name: string, given: unknown): Callback {
  if (typeof given !== 'function') throw invalid(`"${name}" must be a function.`);
  return given as Callback;
}

function optionalCallback<Callback>(name: string, given: unknown): Callback | null {
  return given === undefined ? null : callback<Callback>(name, given);
}

function text(name: string, value: unknown): string {
  if (typeof value !== 'string' || !/^[\x21-\x7e]{1,64}$/.test(value)) {
    throw invalid(`"${name}" must be 1 to 64 printable ASCII characters without blanks.`);
  }
  return value;
}

function whole(name: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw invalid(`"${name}" must be a whole number from ${least} to ${most}.`);
  }
  return value;
}

function invalid(message: string): MfaError {
  return new MfaError('invalid_option', message);
}
