import { MfaError } from '../errors.js';

/** What an operator may read of a failure. It holds no value of the call, nothing that was quoted, and nothing that moves a terminal. */
export interface ErrorFacts {
  /** The name of the error, or the type of what was thrown instead of one. */
  name: string;
  code?: string;
  sqlState?: string;
  /** Where a connection was tried: `127.0.0.1:5432`. */
  address?: string;
  /** What is left of the message; may be empty. */
  text: string;
}

/** A driver's error, and the errors that it wraps. */
const CHAIN_AT_MOST = 6;
const READ_AT_MOST = 65_536;
const SCRUBBED_AT_MOST = 4_000;
const SHOWN_AT_MOST = 200;
const HIDDEN = '…';

/** Where drivers and ORMs keep the error that they wrap. */
const WRAPPED = ['cause', 'driverError', 'originalError', 'original', 'parent', 'meta', 'errors'] as const;

/** The facts of what was thrown. `values`: what the call was made with; none of it is shown, in any usual spelling. */
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
  const address = firstOf(chain, addressOf, hide);
  return {
    name: identifier(hide(nameOf(thrown))) ?? 'Error',
    ...(code === undefined ? {} : { code }),
    ...(sqlState === undefined ? {} : { sqlState }),
    ...(address === undefined ? {} : { address }),
    text: shown,
  };
}

/** What was thrown and what it wraps, the outermost first. Nothing of it is to be trusted: its getters may throw. */
export function chainOf(thrown: unknown): unknown[] {
  const chain: unknown[] = [];
  for (
    let at = thrown;
    at !== undefined && at !== null && chain.length < CHAIN_AT_MOST && !chain.includes(at);
    at = wrappedBy(at)
  ) {
    chain.push(at);
  }
  return chain;
}

/** A field of something that may be anything; undefined where it cannot be read. */
export function fieldOf(thing: unknown, field: string): unknown {
  if (thing === null || (typeof thing !== 'object' && typeof thing !== 'function')) return undefined;
  try {
    return (thing as Record<string, unknown>)[field];
  } catch {
    return undefined;
  }
}

/** The message as it came, for whoever only compares it. */
export function messageOf(thrown: unknown): string {
  const message = typeof thrown === 'string' ? thrown : fieldOf(thrown, 'message');
  return typeof message === 'string' ? message.slice(0, READ_AT_MOST) : '';
}

/** The name of an error's class, as far as it can be learned. */
export function nameOf(thrown: unknown): string {
  if (thrown === null || (typeof thrown !== 'object' && typeof thrown !== 'function'))
    return thrown === null ? 'null' : typeof thrown;
  const names = [fieldOf(thrown, 'name'), fieldOf(fieldOf(thrown, 'constructor'), 'name')].map(identifier);
  // The errors of pg are named "error", those of many drivers "Error"; their class says more.
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
  // The codes of Prisma have five characters too.
  if (nameOf(thrown).startsWith('Prisma')) return undefined;
  return typeof code === 'string' && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** Removes from a text what may be a value: what is quoted or in brackets, numbers, addresses, paths, and all that `hide` knows. */
export function scrub(message: string, hide: (text: string) => string): string {
  let text = hide(plain(hide(message.slice(0, READ_AT_MOST)))).slice(0, SCRUBBED_AT_MOST);
  // A URL goes as a whole: a password may hold any character, "@" and blanks too.
  text = text.replace(/[a-z][a-z0-9+.-]{0,20}:\/\/(?:[^\n]*@)?\S*/gi, HIDDEN);
  text = withoutQuoted(text);
  for (const [open, close] of ['()', '[]', '{}', '<>'] as const) text = withoutBracketed(text, open as string, close as string);
  text = text.split('\n').find((line) => /\p{L}/u.test(line)) ?? '';
  text = text.replace(ANNOUNCES_VALUES, `$1 ${HIDDEN}`);
  const words = text.split(/\s+/).filter(Boolean).map(word);
  const shown = words.filter((one, index) => one !== HIDDEN || words[index - 1] !== HIDDEN).join(' ');
  return cut(shown.replace(/[\s,;:]+$/, ''));
}

/** Makes a function that replaces the values of a call, in the spellings that drivers print. */
export function hiding(values: readonly unknown[]): (text: string) => string {
  const texts = [...new Set(values.filter((value) => typeof value === 'string' && value !== ''))] as string[];
  const long = texts.filter((text) => text.length > 512);
  const spellings = [...new Set(texts.filter((text) => text.length <= 512).flatMap(spellingsOf))];
  // The longer ones first: one may hold another.
  spellings.sort((one, other) => other.length - one.length);
  const patterns = spellings.map(patternOf);
  return (text) => {
    let hidden = text;
    for (const value of long) hidden = hidden.split(value).join(HIDDEN);
    for (const pattern of patterns) hidden = hidden.replace(pattern, HIDDEN);
    return hidden;
  };
}

/** After these words come values: what stands behind them is not shown. */
const ANNOUNCES_VALUES =
  /\b(params?|parameters?|values?|args?|arguments?|bindings?|binds?|row|detail|query|sql|statement|key|entry|passw(?:or)?d|pwd|secret|token|authorization|cookie|credentials?|auth|api[-_ ]?key|input|payload|body|data|bearer)(?:\s*[:=([{<…]|(?<=bearer)\s).*$/iu;

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

/** Messages of the kit itself name options and tables in quotes, and no value. */
function isOwnError(thrown: unknown): boolean {
  try {
    return thrown instanceof MfaError;
  } catch {
    return false;
  }
}

function ownText(message: string, hide: (text: string) => string): string {
  return cut(
    hide(plain(hide(message)))
      .replace(/\s+/g, ' ')
      .trim(),
    2 * SHOWN_AT_MOST,
  );
}

function isTelling(text: string): boolean {
  return /\p{L}{2}/u.test(text);
}

/** Without escapes of a terminal, control characters, marks of direction and characters without width; lines end in `\n`. */
function plain(text: string): string {
  return text
    .replace(TERMINAL, '')
    .replace(/\r\n?|[\u0085\u2028\u2029\v\f]/g, '\n')
    .replace(/[\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu, '')
    .replace(/[^\P{Cc}\n]/gu, ' ');
}

/** The two characters that begin a sequence for a terminal, and the one that may end it. */
const [ESC, CSI, BEL] = [27, 155, 7].map((code) => String.fromCharCode(code));
const TERMINAL = new RegExp(`[${ESC}${CSI}](?:\\][^${BEL}${ESC}]*(?:${BEL}|${ESC}\\\\)?|[[()#;?]*[0-9;:]*[ -/]*[@-~]?)`, 'gu');

/** From the first quotation mark to the last: a value that holds such marks cannot end its quotation early. */
function withoutQuoted(text: string): string {
  // Between two letters it is an apostrophe.
  const marks = [...text.matchAll(/["`“”„«»‹›‘‚「」『』]|(?<!\p{L})['’]|['’](?!\p{L})/gu)];
  const [first, last] = [marks[0], marks.at(-1)];
  if (!first || !last) return text;
  return `${text.slice(0, first.index)}${HIDDEN}${first === last ? '' : text.slice(last.index + 1)}`;
}

function withoutBracketed(text: string, open: string, close: string): string {
  const from = text.indexOf(open);
  if (from === -1) return text;
  const to = text.lastIndexOf(close);
  return to < from ? `${text.slice(0, from)}${HIDDEN}` : `${text.slice(0, from)}${open}${HIDDEN}${close}${text.slice(to + 1)}`;
}

/** One word as it may be shown: letters, or nothing. */
function word(token: string): string {
  if (!/[\p{L}\p{N}@]/u.test(token)) return token.length <= 8 ? token : HIDDEN;
  const [, core = '', end = ''] = /^([\s\S]*?)([.,;:!?]*)$/u.exec(token) ?? [];
  const letters = core.replace(/[([{<]…[)\]}>]/g, '').replace(/…/g, '');
  return letters.length <= 40 && /^[\p{L}\p{M}]?[\p{L}\p{M}'’_-]*$/u.test(letters) ? token : `${HIDDEN}${end}`;
}

function spellingsOf(value: string): string[] {
  const bytes = Buffer.from(value, 'utf8');
  const all = [
    value,
    value.trim(),
    plain(value).replace(/\s+/g, ' ').trim(),
    JSON.stringify(value).slice(1, -1),
    uriOf(value),
    bytes.toString('hex'),
    bytes.toString('base64'),
    bytes.toString('base64url'),
  ];
  // A driver may cut a long value short.
  return (value.length >= 16 ? [...all, value.slice(0, 12)] : all).filter((text) => text !== '');
}

function uriOf(value: string): string {
  try {
    return encodeURIComponent(value);
  } catch {
    return value;
  }
}

/** A short value hides only where it stands alone, or it would take letters out of every word. */
function patternOf(spelling: string): RegExp {
  const literal = spelling.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  return new RegExp([...spelling].length >= 4 ? literal : String.raw`(?<![\p{L}\p{N}])${literal}(?![\p{L}\p{N}])`, 'giu');
}

function cut(text: string, most = SHOWN_AT_MOST): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}${HIDDEN}`;
}
