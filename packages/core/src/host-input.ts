import { MfaError, type MfaErrorCode } from './errors.js';

/**
 * Checks everything that the host passes in: users, answers of callbacks, instants.
 *
 * Each field is read once, because a getter may answer differently the next time. Only the value that was checked is used. An invalid value
 * is an error, never the lax reading.
 */

/** A user whose fields were read and checked. */
export interface KnownUser {
  id: string;
  name: string;
  /** `undefined`: the host does not say. `null`: it has stored nothing yet. */
  enrolled: boolean | null | undefined;
}

/** Warns the operator. The HTTP layer and core each pass their own function. */
type Warn = (code: 'MFA_KIT_ENROLLED_NOT_BOOLEAN') => void;

/** Refuses a value. `what` completes the sentence that begins with the value's name. */
export type RefuseValue = (what: string) => never;

/** Reads the fields of a user that a caller of core passed in. */
export function readUser(user: unknown, warn: Warn): KnownUser {
  return { id: readUserId(user), name: readUserName(user), enrolled: readEnrolled(user, warn) };
}

/** Whether it is an id as core generates them (crypto/random.ts), such as that of a device. Any other id belongs to nothing. */
export function isMadeId(value: unknown): boolean {
  return typeof value === 'string' && /^[\w-]{22}$/.test(value);
}

/** Reads the id of a user. A guard reads the fields one by one, without allocating an object. */
export function readUserId(user: unknown): string {
  const id: unknown = typeof user === 'object' && user !== null && 'id' in user ? user.id : undefined;
  if (typeof id !== 'string') abandon(user, id);
  checkUserId(id);
  return id;
}

/** Reads the name of a user; any text is valid. */
export function readUserName(user: unknown): string {
  const name: unknown = (user as { name?: unknown }).name;
  if (typeof name === 'string') return name;
  abandon(name);
  throw new MfaError('invalid_argument', 'The user has no "name". Pass the text that the authenticator app should show.');
}

/** Reads the host's own record of the user's enrollment. `null`, the database value for "not set", decides nothing. */
export function readEnrolled(user: unknown, warn: Warn): boolean | null | undefined {
  const enrolled: unknown = (user as { enrolled?: unknown }).enrolled;
  if (enrolled === true || enrolled === false || enrolled === undefined || enrolled === null) return enrolled;
  warn('MFA_KIT_ENROLLED_NOT_BOOLEAN');
  throw new MfaError(
    'host_callback_failed',
    `The user's "enrolled" must be true, false or undefined; it is ${describe(enrolled)}. Write enrolled: Boolean(row.mfa_enrolled).`,
  );
}

/** Throws unless a callback of the host returned a user. `option`: the name of the callback. */
export function checkUserAnswer(option: string, user: object, warn: Warn): void {
  const { id, name } = user as { id?: unknown; name?: unknown };
  if (typeof user !== 'object' || typeof id !== 'string' || id === '' || typeof name !== 'string') {
    abandon(id, name);
    throw new MfaError(
      'host_callback_failed',
      `The option "${option}" must return { id, name }, both strings, or null if nobody is logged in${userFault(user, id)}`,
    );
  }
  const fault = userIdFault(id);
  if (fault) throw new MfaError('host_callback_failed', `${fault} It came from the option "${option}".`);
  readEnrolled(user, warn);
}

/** Completes the message about an invalid user. It shows no value. */
function userFault(user: unknown, id: unknown): string {
  if (typeof user !== 'object') return `; it returned a ${typeof user}.`;
  if (typeof id === 'number' || typeof id === 'bigint') return `; "id" is a ${typeof id}. Write id: String(row.id).`;
  return typeof id === 'string' && id !== ''
    ? '; "name" is not a string. Return the email address or the user name.'
    : '; "id" is not a string, or is empty.';
}

/** Throws unless the id is one that every storage keeps apart from all others. */
export function checkUserId(userId: unknown): asserts userId is string {
  const fault = userIdFault(userId);
  if (fault) throw new MfaError('invalid_argument', fault);
}

/** Throws unless the value is an object of named fields with known fields only, inherited ones included. */
export function checkFieldNames(
  given: unknown,
  known: readonly string[],
  refuse: RefuseValue,
  refuseName?: RefuseValue,
): asserts given is Record<string, unknown> {
  if (!isFieldObject(given)) refuse(`must be an object with ${known.join(', ')}; it is ${describe(given)}.`);
  // Inherited fields count too, because a misspelled one would be a rule that has no effect.
  for (const name in given) {
    if (isOneOf(known, name)) continue;
    refuseName?.(name);
    refuse(`has the unknown field "${name}"; known fields: ${known.join(', ')}.`);
  }
}

/** `includes` without a call of a builtin, because a guard checks the policy's answer for each request. */
function isOneOf(known: readonly string[], name: string): boolean {
  for (let index = 0; index < known.length; index++) if (known[index] === name) return true;
  return false;
}

/** Throws unless the field is `true`, `false` or undefined. */
export function checkFlag(name: string, value: unknown, refuse: RefuseValue): asserts value is boolean | undefined {
  if (value === undefined || value === true || value === false) return;
  refuse(`has "${name}" that is neither true nor false; it is ${describe(value)}.${adviceOn(value, name)}`);
}

/** September 1973 in milliseconds; in seconds it is the year 5138. */
const EARLIEST_INSTANT = 1e11;
/** The year 5138 in milliseconds; in microseconds it is September 1973. */
const LATEST_INSTANT = 1e14;

/** Whether a number can be an instant in epoch milliseconds. One in seconds or microseconds cannot; fractions are valid. */
export function isInstant(value: unknown): value is number {
  // NaN and the infinities fail the comparisons.
  return typeof value === 'number' && value >= EARLIEST_INSTANT && value < LATEST_INSTANT;
}

/** Describes what is wrong with a value that is not an instant: the end of the sentence that begins with its name. */
export function instantFault(value: unknown): string {
  const must = `must be an instant in epoch milliseconds, such as Date.now(); it is ${describe(value)}`;
  if (value instanceof Date) return `${must}. Pass its getTime().`;
  if (typeof value === 'number' && Number.isFinite(value)) {
    const unit = value < EARLIEST_INSTANT ? 'seconds' : 'microseconds';
    return `${must}, as if it were in ${unit}.${unit === 'seconds' ? ' Multiply seconds by 1000.' : ''}`;
  }
  return `${must}.`;
}

/** Throws unless the value is an instant in epoch milliseconds. `name`: its name in the message. */
export function checkInstant(name: string, value: unknown, code: MfaErrorCode = 'invalid_argument'): asserts value is number {
  if (!isInstant(value)) throw new MfaError(code, `"${name}" ${instantFault(value)}`);
}

/**
 * Whether it is an object with named fields. Excludes lists, functions, Dates, Maps and boxed values, which would count as objects without
 * fields.
 */
export function isFieldObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.prototype.toString.call(value) === '[object Object]';
}

/**
 * Handles the rejection of promises that the host returned where a plain value is required. They are refused and never awaited, so a
 * rejection would be unhandled and end the process.
 */
export function abandon(...values: readonly unknown[]): void {
  for (const value of values) if (value instanceof Promise) value.catch(() => undefined);
}

/** Describes a refused value for a message: its type, and its content only if it is a number, a boolean, null or undefined. */
export function describe(value: unknown): string {
  abandon(value);
  if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (typeof value === 'string') return 'a string';
  return typeof value === 'object' ? describeObject(value) : `a ${typeof value}`;
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return 'a list';
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  return kind === 'Object' ? 'an object' : `a ${kind} object`;
}

function adviceOn(value: unknown, name: string): string {
  if (value === null) return ` Leave "${name}" out instead.`;
  return value === 0 || value === 1 ? ` Write Boolean(...) around a column that is 0 or 1.` : '';
}

function userIdFault(userId: unknown): string | null {
  if (typeof userId === 'string' && isPlainId(userId)) return null;
  const fault = unusualIdFault(userId);
  return fault && `A user id must be 1 to 255 bytes of well-formed Unicode without U+0000; this one ${fault}.`;
}

/** Whether it is 1 to 255 characters of printable ASCII, as nearly every id is. It is a loop, because a guard calls it for each request. */
function isPlainId(userId: string): boolean {
  for (let at = 0; at < userId.length; at++) {
    const character = userId.charCodeAt(at);
    if (character < 0x20 || character > 0x7e) return false;
  }
  return userId.length > 0 && userId.length <= 255;
}

function unusualIdFault(userId: unknown): string | null {
  if (typeof userId !== 'string') return `is of type ${typeof userId}`;
  if (userId === '') return 'is empty';
  if (userId.includes('\0')) return 'has U+0000';
  if (Buffer.from(userId, 'utf8').toString('utf8') !== userId) return 'has half a surrogate pair';
  return Buffer.byteLength(userId, 'utf8') > 255 ? 'is longer' : null;
}
