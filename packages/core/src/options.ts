import { HOW_TO_MAKE_A_KEY, readKeySecret } from './crypto/key-secret.js';
import { createKeyring, type KeyMaterial, type Keyring } from './crypto/keyring.js';
import { MfaError } from './errors.js';
import type { EventContext, MfaEvent, MfaNotice } from './events.js';
import { abandon, instantFault, isInstant } from './host-input.js';
import { type MfaStorage, storageNameOf } from './storage/storage.js';
import { createWarn, type Warn } from './warnings/once.js';
import { createWarnings, type OperatorWarnings } from './warnings/warnings.js';

/** The user, as the host knows them. A type with more fields reaches `policy` and `issuer`. */
export interface MfaUser {
  /** Opaque, stable, never reused; 1 to 255 bytes of UTF-8 without U+0000. */
  id: string;
  /** Shown in the authenticator app next to the issuer; display only. */
  name: string;
  /**
   * The host's own record of "this user has MFA". `true`: a missing profile refuses the user instead of meaning "no MFA". `null`, from a
   * column that is not set yet, decides nothing, and `markEnrolled` sets it at the next login. Anything that is not a boolean, such as the
   * 1 of MySQL and SQLite, throws: write `Boolean(row.mfa_enrolled)`.
   */
  enrolled?: boolean | null | undefined;
}

/** A key of the application. */
export interface MfaKey {
  /** Stored next to what the key protects; 1 to 32 characters of `A-Z a-z 0-9 . _ -`. */
  id: string;
  /** At least 32 random bytes: as bytes, or as base64, base64url or hex. */
  secret: string | Uint8Array;
}

/** What a user must and may do. */
export interface MfaPolicy {
  /** Default `required`. */
  mfa?: 'required' | 'optional' | 'off' | undefined;
  /**
   * With `required`: until then (epoch milliseconds) a user without an authenticator is allowed. A time in the past is a deadline that is
   * over; leave it out if there is none.
   */
  enrollBy?: number | undefined;
  /** `false`: the user may not enroll for now, for example because the address is not verified. Default `true`. */
  mayEnroll?: boolean | undefined;
  /** `false`: no device of this user is remembered. Default: the setting of the option `rememberDevice`. */
  rememberDevice?: boolean | undefined;
}

/** All options. An invalid value throws and says how to fix it. */
export interface MfaOptions<User extends MfaUser = MfaUser> {
  /** Name of the application in the authenticator app; display only. */
  issuer: string | ((user: User) => string);
  /** The first key writes, all keys read. */
  keys: readonly MfaKey[];
  /** Where profiles are kept. */
  storage: MfaStorage;
  /** Name of this installation inside keys and tokens. Never rename it: everything stored would become unreadable. */
  realm?: string | undefined;
  /**
   * What a user must and may do. Default: MFA is required for everybody. `context`: what `eventContext` returned for this request. An
   * answer that is not a policy throws `host_callback_failed`.
   */
  policy?: ((user: User, context: EventContext | undefined) => MfaPolicy | Promise<MfaPolicy>) | undefined;
  /** Updates the host's own record of who is enrolled. It is awaited, and repeated at the next login while the record disagrees. */
  markEnrolled?: ((userId: string, enrolled: boolean) => unknown) | undefined;
  /** Days (1 to 30) for which a remembered device is not asked at login; `false` turns it off. */
  rememberDevice?: { days?: number | undefined } | false | undefined;
  /** Codes per set (5 to 20), and when to warn that few are left; `false` turns them off. */
  recoveryCodes?: { count?: number | undefined; lowAt?: number | undefined } | false | undefined;
  /** Time steps accepted before and after the current one, for clocks that differ: 0 or 1. */
  windowSteps?: 0 | 1 | undefined;
  /** How old (0 to 300 seconds) a proof may be before a guard reads the profile again. */
  revocationDelaySeconds?: number | undefined;
  /** How old (60 to 86,400 seconds) a login may be that sets up a first authenticator. If it is older, the user must log in again. */
  freshLoginSeconds?: number | undefined;
  /** Receives every event. It is not awaited, and an error that it throws changes nothing. */
  onEvent?: ((event: MfaEvent) => unknown) | undefined;
  /** Receives notices for the user. It is not awaited; if it throws or hangs, there is an event `notify_failed`. */
  notify?: ((notice: MfaNotice) => unknown) | undefined;
  /** The server's clock: returns epoch milliseconds, not a promise. It is called once at start, and another unit is refused. */
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
  /** 0: off. */
  rememberDays: number;
  /** 0: off. */
  recoveryCodeCount: number;
  recoveryCodesLowAt: number;
  windowSteps: 0 | 1;
  revocationDelaySeconds: number;
  freshLoginSeconds: number;
  onEvent: ((event: MfaEvent) => unknown) | null;
  notify: ((notice: MfaNotice) => unknown) | null;
  clock: () => number;
  /** Warns the operator why something failed. */
  warnings: OperatorWarnings;
  /** Warns the operator, once for each code and sentence. */
  warn: Warn;
}

/** The clock of this server, in epoch milliseconds. */
export const systemClock = (): number => Date.now();

/** Reads one option. */
interface OptionReader {
  /** The input if the option is left out. */
  default?: unknown;
  /** Returns the checked value in the form that the kit uses. */
  read(name: string, given: unknown, fallback: unknown): unknown;
}

/** Every option, in the order of the docs. Defaults are here and nowhere else. */
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
  for (const { id, doubt } of keys) if (doubt !== undefined) warn('MFA_KIT_WEAK_KEY', id, doubt);
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
  if (typeof options !== 'object' || options === null) throw invalid('createMfa() needs an object of options.');
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
  throw invalid('"issuer" must be the name of your application, or a function that returns it for a user.');
}

/** Returns the days; 0 if turned off. */
function readRememberDevice(name: string, given: unknown, defaults: { days: number }): number {
  const fields = feature(name, given, defaults);
  return fields === false ? 0 : whole(`${name}.days`, orDefault(fields.days, defaults.days), 1, 30);
}

/** Returns the codes per set, and when to warn that few are left; both 0 if turned off. */
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

/** Calls the host's clock once at start, because a clock in seconds would let proofs and enrollments expire at random, or never. */
function checkedClock(clock: () => unknown): () => number {
  function read(code: 'invalid_option' | 'host_callback_failed'): number {
    let now: unknown;
    try {
      now = clock();
    } catch (cause) {
      throw new MfaError(code, 'The option "clock" threw. It must return the time, as Date.now() does.', { cause });
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
      throw new MfaError('host_callback_failed', 'The option "issuer" threw. Fix the function, or set a fixed name.', { cause });
    }
    if (typeof name === 'string' && name.trim()) return name;
    abandon(name);
    throw new MfaError('host_callback_failed', 'The option "issuer" must return a non-empty string, not a promise.');
  };
}

/** Returns the fields of a feature, not checked yet, or false if it is turned off. */
function feature<Fields extends object>(
  name: string,
  value: unknown,
  defaults: Fields,
): { [Field in keyof Fields]?: unknown } | false {
  if (value === false) return false;
  const known = Object.keys(defaults);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`"${name}" must be false, or an object with ${known.join(', ')}.`);
  }
  const unknown = Object.keys(value).find((field) => !known.includes(field));
  if (unknown !== undefined) throw invalid(`"${name}" has no field "${unknown}". Known fields: ${known.join(', ')}.`);
  return value;
}

/** Only an absent value gets the default: `null`, which may stand for "none", must not become 30 days. */
function orDefault<Value>(value: Value | undefined, fallback: Value): Value {
  return value === undefined ? fallback : value;
}

function readStorage(_name: string, given: unknown): MfaStorage {
  const storage = given as MfaStorage | undefined;
  const missing = (['read', 'write', 'remove', 'listUserIds'] as const).filter((name) => typeof storage?.[name] !== 'function');
  if (!storage || missing.length > 0) {
    throw invalid(
      `"storage" has no ${missing.join(', ')}. Pass an adapter, for example postgresStorage(pool) of "@mfa-kit/core/storage/postgres".`,
    );
  }
  return storage;
}

/** `doubt`: why an older key may be guessed. */
function readKeys(_name: string, keys: unknown): (KeyMaterial & { doubt: string | undefined })[] {
  if (!Array.isArray(keys) || keys.length === 0) {
    throw invalid(`"keys" must hold at least one key: [{ id: '2026-11', secret: process.env.MFA_KEY }]. ${HOW_TO_MAKE_A_KEY}`);
  }
  const resolved: (KeyMaterial & { doubt: string | undefined })[] = [];
  for (const [index, key] of (keys as readonly MfaKey[]).entries()) {
    if (typeof key?.id !== 'string' || !/^[A-Za-z0-9._-]{1,32}$/.test(key.id)) {
      throw invalid(`"keys[${index}].id" must be 1 to 32 characters of A-Z a-z 0-9 . _ -; a date such as 2026-11 works well.`);
    }
    if (resolved.some(({ id }) => id === key.id)) {
      throw invalid(`"keys" names the id "${key.id}" twice. Give every key its own id.`);
    }
    const name = `"keys[${index}].secret"`;
    const { secret, doubt } = readKeySecret(name, key.secret);
    // An older key must stay readable, so only the first key, which writes, is refused.
    if (doubt !== undefined && index === 0) {
      throw invalid(`${name} ${doubt}. Use random bytes. ${HOW_TO_MAKE_A_KEY}, and keep this one as the second of "keys".`);
    }
    const same = resolved.find((other) => Buffer.from(other.secret).equals(secret));
    if (same)
      throw invalid(`"keys[${index}].secret" is the secret of "${same.id}"; a new key needs a new secret. ${HOW_TO_MAKE_A_KEY}`);
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
    throw invalid(`"${name}" must be 1 to 64 printable ASCII characters without spaces.`);
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
