export const MAX_READ = 65_536;
const MAX_SCRUBBED = 4_000;
const MAX_SHOWN = 200;
const HIDDEN = '…';

/** Removes from a text what may be a value: quoted or bracketed text, numbers, addresses, paths, and everything that `hide` knows. */
export function scrub(message: string, hide: (text: string) => string): string {
  let text = hide(plain(hide(message.slice(0, MAX_READ)))).slice(0, MAX_SCRUBBED);
  // Hide the whole URL: a password may hold any character, including "@" and spaces.
  text = text.replace(/[a-z][a-z0-9+.-]{0,20}:\/\/(?:[^\n]*@)?\S*/gi, HIDDEN);
  text = withoutQuoted(text);
  for (const [open, close] of ['()', '[]', '{}', '<>'] as const) text = withoutBracketed(text, open as string, close as string);
  text = text.split('\n').find((line) => /\p{L}/u.test(line)) ?? '';
  text = text.replace(ANNOUNCES_VALUES, `$1 ${HIDDEN}`);
  const words = text.split(/\s+/).filter(Boolean).map(word);
  const shown = words.filter((one, index) => one !== HIDDEN || words[index - 1] !== HIDDEN).join(' ');
  return cut(shown.replace(/[\s,;:]+$/, ''));
}

/** Creates a function that replaces the values of a call, in the spellings that drivers print. */
export function hiding(values: readonly unknown[]): (text: string) => string {
  const texts = [...new Set(values.filter((value) => typeof value === 'string' && value !== ''))] as string[];
  const long = texts.filter((text) => text.length > 512);
  const spellings = [...new Set(texts.filter((text) => text.length <= 512).flatMap(spellingsOf))];
  // Longer ones first, because one may contain another.
  spellings.sort((one, other) => other.length - one.length);
  const patterns = spellings.map(patternOf);
  return (text) => {
    let hidden = text;
    for (const value of long) hidden = hidden.split(value).join(HIDDEN);
    for (const pattern of patterns) hidden = hidden.replace(pattern, HIDDEN);
    return hidden;
  };
}

/** Words that announce values: the text after them is not shown. */
const ANNOUNCES_VALUES =
  /\b(params?|parameters?|values?|args?|arguments?|bindings?|binds?|row|detail|query|sql|statement|key|entry|passw(?:or)?d|pwd|secret|token|authorization|cookie|credentials?|auth|api[-_ ]?key|input|payload|body|data|bearer)(?:\s*[:=([{<…]|(?<=bearer)\s).*$/iu;

/** Cleans a message of the kit itself, which names options and tables in quotes and never a value. */
export function ownText(message: string, hide: (text: string) => string): string {
  return cut(
    hide(plain(hide(message)))
      .replace(/\s+/g, ' ')
      .trim(),
    2 * MAX_SHOWN,
  );
}

/** Removes terminal escapes, control characters, direction marks and zero-width characters; lines end in `\n`. */
function plain(text: string): string {
  return text
    .replace(TERMINAL, '')
    .replace(/\r\n?|[\u0085\u2028\u2029\v\f]/g, '\n')
    .replace(/[\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu, '')
    .replace(/[^\P{Cc}\n]/gu, ' ');
}

/** The two characters that begin a terminal sequence, and the one that may end it. */
const [ESC, CSI, BEL] = [27, 155, 7].map((code) => String.fromCharCode(code));
const TERMINAL = new RegExp(`[${ESC}${CSI}](?:\\][^${BEL}${ESC}]*(?:${BEL}|${ESC}\\\\)?|[[()#;?]*[0-9;:]*[ -/]*[@-~]?)`, 'gu');

/** Hides everything from the first quotation mark to the last, so that a value with such marks cannot end its quotation early. */
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

/** Returns one word if it may be shown: letters only. */
function word(token: string): string {
  if (!/[\p{L}\p{N}@]/u.test(token)) return token.length <= 8 ? token : HIDDEN;
  const [, core = '', end = ''] = /^([\s\S]*?)([.,;:!?]*)$/u.exec(token) ?? [];
  const letters = core.replace(/[([{<]…[)\]}>]/g, '').replace(/…/g, '');
  const isWord = letters.length <= 40 && /^[\p{L}\p{M}]?[\p{L}\p{M}'’_-]*$/u.test(letters) && !looksRandom(letters);
  return isWord ? token : `${HIDDEN}${end}`;
}

/** Whether a word looks like a secret or an id that happens to have no digit: longer than words, or with many changes of case. */
function looksRandom(letters: string): boolean {
  const parts = letters.split(/[^A-Za-z]+|(?<=[a-z])(?=[A-Z])/).filter(Boolean);
  if (parts.some((part) => part.length > (part === part.toUpperCase() ? 15 : 19))) return true;
  return letters.length >= 16 && parts.length * 3 > letters.length;
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
  // A driver may truncate a long value.
  return (value.length >= 16 ? [...all, value.slice(0, 12)] : all).filter((text) => text !== '');
}

function uriOf(value: string): string {
  try {
    return encodeURIComponent(value);
  } catch {
    return value;
  }
}

/** A short value is hidden only as a whole word, because otherwise letters would vanish from every word. */
function patternOf(spelling: string): RegExp {
  const literal = spelling.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  return new RegExp([...spelling].length >= 4 ? literal : String.raw`(?<![\p{L}\p{N}])${literal}(?![\p{L}\p{N}])`, 'giu');
}

function cut(text: string, most = MAX_SHOWN): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}${HIDDEN}`;
}
