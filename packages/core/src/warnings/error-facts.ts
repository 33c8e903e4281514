import { MfaError } from '../errors.js';
import { hiding, MAX_READ, ownText, scrub } from './scrub.js';

/** What an operator may read of a failure. It holds no value of the call, nothing that was quoted, and no terminal control sequences. */
export interface ErrorFacts {
  /** The name of the error, or the type of what was thrown instead of one. */
  name: string;
  code?: string;
  sqlState?: string;
  /** The address of a connection that failed: `127.0.0.1:5432`. */
  address?: string;
  /** What is left of the message; may be empty. */
  text: string;
}

/** The most errors that are read: a driver's error, and the errors that it wraps. */
const MAX_CHAIN = 6;

/** Fields in which drivers and ORMs keep the error that they wrap. */
const WRAPPED = ['cause', 'driverError', 'originalError', 'original', 'parent', 'meta', 'errors'] as const;

/** Extracts the facts of a thrown value. `values`: the arguments of the call, which are never shown in any usual spelling. */
export function errorFacts(thrown: unknown, values: readonly unknown[] = []): ErrorFacts {
  const chain = chainOf(thrown);
  const hide = hiding(values);
  const messages = chain.map((one) => ({ own: isOwnError(one), text: messageOf(one) })).filter(({ text }) => text !== '');
  const ownMessage = messages.find(({ own }) => own);
  // The innermost error has the words of the database; an ORM around it often prints the whole query.
  const shown = ownMessage
    ? ownText(ownMessage.text, hide)
    : (messages.map(({ text }) => scrub(text, hide)).findLast(isTelling) ?? '');
  const code = firstOf(chain, codeOf, hide);
  const sqlState = firstOf(chain, sqlStateOf, hide);
  // A short id such as "1" is a part of most addresses and reveals nothing there.
  const address = firstOf(chain, addressOf, hiding(values.filter((value) => typeof value === 'string' && value.length >= 4)));
  return {
    name: identifier(hide(nameOf(thrown))) ?? 'Error',
    ...(code === undefined ? {} : { code }),
    ...(sqlState === undefined ? {} : { sqlState }),
    ...(address === undefined ? {} : { address }),
    text: shown,
  };
}

/** Returns the thrown value and what it wraps, the outermost first. Trusts none of it: its getters may throw. */
export function chainOf(thrown: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let at = thrown; at !== undefined && at !== null && chain.length < MAX_CHAIN && !chain.includes(at); at = wrappedBy(at)) {
    chain.push(at);
  }
  return chain;
}

/** Reads a field of any value; undefined if it cannot be read. */
export function fieldOf(thing: unknown, field: string): unknown {
  if (thing === null || (typeof thing !== 'object' && typeof thing !== 'function')) return undefined;
  try {
    return (thing as Record<string, unknown>)[field];
  } catch {
    return undefined;
  }
}

/** Returns the original message, for comparison only. */
export function messageOf(thrown: unknown): string {
  const message = typeof thrown === 'string' ? thrown : fieldOf(thrown, 'message');
  return typeof message === 'string' ? message.slice(0, MAX_READ) : '';
}

/** Returns the name of an error's class, if it is known. */
export function nameOf(thrown: unknown): string {
  if (thrown === null || (typeof thrown !== 'object' && typeof thrown !== 'function'))
    return thrown === null ? 'null' : typeof thrown;
  const names = [fieldOf(thrown, 'name'), fieldOf(fieldOf(thrown, 'constructor'), 'name')].map(identifier);
  // pg names its errors "error", many other drivers "Error". The class name says more.
  return names.find((name) => name !== undefined && !/^(error|object)$/i.test(name)) ?? 'Error';
}

/** The code that drivers give: `ECONNREFUSED`, `42P01`, `ER_NO_SUCH_TABLE`. */
export function codeOf(thrown: unknown): string | undefined {
  const code = fieldOf(thrown, 'code') ?? fieldOf(thrown, 'errno');
  return plainCode(typeof code === 'number' ? String(code) : code);
}

/** The five characters of SQLSTATE. */
export function sqlStateOf(thrown: unknown): string | undefined {
  const given = fieldOf(thrown, 'sqlState') ?? fieldOf(thrown, 'sqlstate');
  if (typeof given === 'string' && /^[0-9A-Z]{5}$/.test(given)) return given;
  const code = fieldOf(thrown, 'code');
  // The codes of Prisma also have five characters.
  if (nameOf(thrown).startsWith('Prisma')) return undefined;
  return typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

function wrappedBy(thrown: unknown): unknown {
  for (const field of WRAPPED) {
    const wrapped = fieldOf(thrown, field);
    const first = field === 'errors' ? fieldOf(wrapped, '0') : wrapped;
    if (typeof first === 'object' && first !== null && messageOf(first) + nameOf(first) !== 'Error') return first;
  }
  return undefined;
}

function firstOf(
  chain: readonly unknown[],
  find: (one: unknown) => string | undefined,
  hide: (text: string) => string,
): string | undefined {
  const found = chain.map(find).find((one) => one !== undefined);
  return found === undefined || hide(found) !== found ? undefined : found;
}

function addressOf(thrown: unknown): string | undefined {
  const [address, port, hostname] = ['address', 'port', 'hostname'].map((field) => fieldOf(thrown, field));
  if (typeof fieldOf(thrown, 'syscall') !== 'string') return undefined;
  if (typeof address === 'string' && /^[0-9a-f:.]{2,45}$/i.test(address)) {
    return typeof port === 'number' ? `${address.includes(':') ? `[${address}]` : address}:${port}` : address;
  }
  return typeof hostname === 'string' && /^[a-z0-9.-]{1,253}$/i.test(hostname) ? hostname : undefined;
}

function plainCode(code: unknown): string | undefined {
  return typeof code === 'string' && /^[A-Za-z0-9_.-]{1,48}$/.test(code) ? code : undefined;
}

function identifier(name: unknown): string | undefined {
  return typeof name === 'string' && /^[A-Za-z_$][\w$]{0,63}$/.test(name) ? name : undefined;
}

/** Messages of the kit itself name options and tables in quotes, and never a value. */
function isOwnError(thrown: unknown): boolean {
  try {
    return thrown instanceof MfaError;
  } catch {
    return false;
  }
}

function isTelling(text: string): boolean {
  return /\p{L}{2}/u.test(text);
}
