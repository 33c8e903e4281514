import { LETTER_PAIRS } from './letter-pairs.js';

/**
 * Tells a key that somebody made up from one that a random generator made.
 *
 * Several models guess each symbol from those before it: words, steps along an alphabet or a keyboard, repetition. Their mixture is a
 * probability distribution over all keys of that length, so the key's probability under it, divided by that under a random generator,
 * exceeds 2^n for at most one random key in 2^n (Markov's inequality). Three such mixtures are asked, so a random key is refused less
 * than three times in 8 * 10^9 by them, and less than once in 10^9 together with the other rules below.
 */
const SUSPICIOUS_BITS = 33;
/** So much of a key is looked at: the models are slow on long ones, and whoever makes one up shows it at the beginning. */
const EXAMINED_SYMBOLS = 512;

/** Why the key looks made up: the end of the sentence "it ..."; undefined: it does not. `text`: how it was written, if as text. */
export function whyMadeUp(bytes: Uint8Array, text?: string): string | undefined {
  if (text !== undefined && isMadeUpText(text)) return 'looks like a passphrase';
  if (savedBits([...bytes], byteModels()) >= SUSPICIOUS_BITS) return 'follows a pattern';
  const words = asText(bytes);
  return words !== undefined && !isEncodedKey(words) ? 'is readable text' : undefined;
}

function isMadeUpText(text: string): boolean {
  // One random key of 64 hex digits in 10^13 has no letter.
  if (/^(?:[0-9a-f]{2}){32,}$/i.test(text)) return !/[a-f]/i.test(text);
  // One random key of 43 characters in 2 * 10^9 does not have letters of both cases.
  if (!/[a-z]/.test(text) || !/[A-Z]/.test(text)) return true;
  const symbols = symbolsOf(text);
  return [wordModels(), textModels()].some((models) => savedBits(symbols, models) >= SUSPICIOUS_BITS);
}

/** The text that the bytes are; 32 random bytes are well-formed text without control characters once in 10^11. */
function asText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return /[^\P{Cc}\t\r\n]/u.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** A random key whose text was taken for the bytes: as good as the key itself. */
function isEncodedKey(text: string): boolean {
  const key = text.trim();
  const isHex = /^[0-9a-f]{64,}$/i.test(key);
  const isBase64 = /^[A-Za-z0-9+/_-]{43,}={0,2}$/.test(key);
  // Check what it encodes as well, because a passphrase may have been encoded twice.
  return (isHex || isBase64) && whyMadeUp(Buffer.from(key, isHex ? 'hex' : 'base64'), key.replace(/=+$/, '')) === undefined;
}

/** Guesses the next symbol: its probability after those before it. The probabilities of all symbols add up to 1. */
type Model = (symbols: readonly number[], at: number) => number;

/** How likely it is that another model fits the next symbol better. */
const SWITCH = 0.06;

/** By how many bits the models, weighted by how well they did, describe the symbols shorter than chance does. */
function savedBits(all: readonly number[], { size, models }: { size: number; models: readonly Model[] }): number {
  const symbols = all.slice(0, EXAMINED_SYMBOLS);
  let weights = models.map(() => 1 / models.length);
  let bits = 0;
  for (let at = 0; at < symbols.length; at++) {
    const guesses = models.map((model) => model(symbols, at));
    const likelihood = guesses.reduce((sum, guess, index) => sum + guess * (weights[index] ?? 0), 0);
    bits += Math.log2(likelihood * size);
    weights = weights.map((weight, index) => {
      const learned = (weight * (guesses[index] ?? 0)) / likelihood;
      return (1 - SWITCH) * learned + SWITCH / models.length;
    });
  }
  return bits;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** Orders that people follow: alphabets, and keyboards by rows and by columns. */
const ORDERS = [
  'abcdefghijklmnopqrstuvwxyz0123456789',
  '1234567890qwertyuiopasdfghjklzxcvbnm',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  '1234567890qwertzuiopasdfghjklyxcvbnm',
  '1234567890azertyuiopqsdfghjklmwxcvbn',
];

function symbolsOf(text: string): number[] {
  const plain = text.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  return [...plain].map((character) => ALPHABET.indexOf(character));
}

function textModels(): { size: number; models: Model[] } {
  const size = ALPHABET.length;
  const steps = ORDERS.map((order) => anyCaseStep(order, 1));
  // "AaBbCc" and "A1b2C3" alternate between two sequences.
  const inTurn = anyCaseStep(ORDERS[0] as string, 2);
  const models = [() => 1 / size, pairModel, knownWordModel, stepModel(size), ...steps, inTurn, repeatModel(size, foldCase)];
  return { size, models };
}

function wordModels(): { size: number; models: Model[] } {
  return { size: ALPHABET.length, models: [pairModel, knownWordModel] };
}

function byteModels(): { size: number; models: Model[] } {
  return { size: 256, models: [() => 1 / 256, stepModel(256), growingStepModel(256), repeatModel(256, (byte) => byte)] };
}

/** The share of a guess that its one symbol gets; the rest is chance. */
const SURE = 0.85;

/** The step between the last two symbols goes on: 1, 2, 3, or 7, 14, 21, or the same again. */
function stepModel(size: number): Model {
  return (symbols, at) => {
    const [last, before] = [symbols[at - 1], symbols[at - 2]];
    if (last === undefined) return 1 / size;
    const step = before === undefined ? 1 : last - before;
    return guessOne(symbols[at], (((last + step) % size) + size) % size, size);
  };
}

/** The steps grow by the same amount, as those of square numbers do. */
function growingStepModel(size: number): Model {
  return (symbols, at) => {
    const [last, before, first] = [symbols[at - 1], symbols[at - 2], symbols[at - 3]];
    if (last === undefined || before === undefined || first === undefined) return 1 / size;
    const next = 3 * last - 3 * before + first;
    return guessOne(symbols[at], ((next % size) + size) % size, size);
  };
}

function guessOne(symbol: number | undefined, guess: number, size: number): number {
  return (symbol === guess ? SURE : 0) + (1 - SURE) / size;
}

/** A step along an order, in either case. `lag`: 2 where every other symbol follows it. */
function anyCaseStep(order: string, lag: number): Model {
  const places = [...ALPHABET].map((character) => order.indexOf(character.toLowerCase()));
  return (symbols, at) => {
    const placeOf = (symbol: number | undefined) => (symbol === undefined ? -1 : (places[symbol] ?? -1));
    const last = placeOf(symbols[at - lag]);
    if (last === -1) return 1 / ALPHABET.length;
    const before = placeOf(symbols[at - 2 * lag]);
    const step = before === -1 ? 1 : last - before;
    const guess = order[(((last + step) % order.length) + order.length) % order.length] as string;
    return guessAnyCase(symbols[at] as number, guess, symbols[at - lag] as number);
  };
}

/** One character in either case, rather in that of the symbol before. */
function guessAnyCase(symbol: number, guess: string, before: number): number {
  const chance = (1 - SURE) / ALPHABET.length;
  const character = ALPHABET[symbol] as string;
  if (character.toLowerCase() !== guess.toLowerCase()) return chance;
  if (!/[a-z]/i.test(guess)) return SURE + chance;
  const sameCase = isUpper(symbol) === isUpper(before);
  return SURE * (sameCase ? 0.8 : 0.2) + chance;
}

/** What came after the same two symbols the last time comes again. */
function repeatModel(size: number, fold: (symbol: number) => number): Model {
  return (symbols, at) => {
    const folded = (index: number) => fold(symbols[index] as number);
    for (let earlier = at - 1; earlier >= 2; earlier--) {
      if (folded(earlier - 1) !== folded(at - 1) || folded(earlier - 2) !== folded(at - 2)) continue;
      if (size === 256) return guessOne(symbols[at], symbols[earlier] as number, size);
      return guessAnyCase(symbols[at] as number, ALPHABET[symbols[earlier] as number] as string, symbols[earlier] as number);
    }
    return 1 / size;
  };
}

type Kind = 'lower' | 'upper' | 'digit' | 'mark';
/** Which kind of character follows which, in words that are written together. */
const KINDS: Record<Kind | 'start', Record<Kind, number>> = {
  start: { lower: 0.35, upper: 0.52, digit: 0.1, mark: 0.03 },
  lower: { lower: 0.75, upper: 0.15, digit: 0.08, mark: 0.02 },
  upper: { lower: 0.8, upper: 0.12, digit: 0.06, mark: 0.02 },
  digit: { lower: 0.32, upper: 0.16, digit: 0.45, mark: 0.07 },
  mark: { lower: 0.35, upper: 0.52, digit: 0.1, mark: 0.03 },
};
/** The letters that digits stand for in "s3cr3t": by digit, places in the alphabet. */
const STANDS_FOR: readonly (readonly number[])[] = [[14], [8, 11], [25], [4], [0], [18], [6], [19], [1], [16]];
const WORD_START = 26;

/** Words of a language, written together: letters follow each other as in words, and a capital begins one. */
const pairModel: Model = (symbols, at) => {
  const symbol = symbols[at] as number;
  const before = symbols[at - 1];
  const kind = kindOf(symbol);
  const share = KINDS[before === undefined ? 'start' : kindOf(before)][kind];
  if (kind === 'mark') return share / 2;
  const row = rowAfter(symbols, at);
  if (kind === 'digit') return share * (0.3 / 10 + 0.7 * digitShare(row, symbol - 52));
  const startsWord = kind === 'upper' && (before === undefined || !isUpper(before));
  return share * letterShare(startsWord ? WORD_START : row, symbol % 26);
};

const DIGIT_LETTERS: Record<string, string> = { 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't' };
/** Words that people write into keys, and the first letters of which tell the rest. */
const KNOWN_WORDS = (
  'secret key password passphrase passwort production staging development mfa kit very super my our your this that the and is are ' +
  'for not do share change please company application server database token auth login security secure year test prod dev master ' +
  'private random string long enough with from never have house love horse battery staple correct admin user account service ' +
  'system internal encryption signing customer website internet geheim schluessel produktion clave llave secreta motdepasse ' +
  'default example placeholder replace here 2023 2024 2025 2026 2027 2028'
)
  .split(' ')
  .map((word) => [...word].map(plainLetter).join(''));

/** The rest of a word that was begun, in either case or with digits for letters. */
const knownWordModel: Model = (symbols, at) => {
  const chance = 1 / ALPHABET.length;
  const end = symbols
    .slice(Math.max(0, at - 11), at)
    .map(plainSymbol)
    .join('');
  for (let from = 0; from < end.length; from++) {
    const begun = end.slice(from);
    const nexts = nextLetters(begun);
    if (nexts.length === 0) continue;
    const symbol = symbols[at] as number;
    const hits = nexts.filter((next) => next === plainSymbol(symbol)).length;
    return (1 - SURE) * chance + SURE * (hits / nexts.length) * spellingShare(symbol);
  }
  return pairModel(symbols, at);
};

/** What may follow each beginning of a known word: bounded by the words. */
const followers = new Map<string, readonly (string | undefined)[]>();

function nextLetters(begun: string): readonly (string | undefined)[] {
  const known = followers.get(begun);
  if (known) return known;
  const words = KNOWN_WORDS.filter((word) => word.length > begun.length && word.startsWith(begun));
  const found = words.map((word) => word[begun.length]);
  if (found.length > 0) followers.set(begun, found);
  return found;
}

/** How often the letter that a symbol is read as is written so; over all spellings of one letter at most 1. */
function spellingShare(symbol: number): number {
  if (symbol < 26) return 0.1;
  if (symbol < 52) return 0.78;
  return (ALPHABET[symbol] as string) in DIGIT_LETTERS ? 0.12 : 1;
}

function plainSymbol(symbol: number): string {
  return plainLetter(ALPHABET[symbol] as string);
}

/** The letter that a character is read as: of either case, or a digit in its place. */
function plainLetter(character: string): string {
  return DIGIT_LETTERS[character] ?? character.toLowerCase();
}

/** The row of the letter pairs that a letter is guessed by: a digit within a word stands for a letter. */
function rowAfter(symbols: readonly number[], at: number): number {
  const before = symbols[at - 1];
  if (before === undefined) return WORD_START;
  if (before < 52) return before % 26;
  const inWord = at >= 2 && (symbols[at - 2] as number) < 52;
  return inWord && before < 62 ? (STANDS_FOR[before - 52]?.[0] ?? WORD_START) : WORD_START;
}

function letterShare(row: number, letter: number): number {
  return LETTER_PAIRS[row]?.[letter] ?? 0;
}

function digitShare(row: number, digit: number): number {
  const shares = STANDS_FOR.map((letters) => letters.reduce((sum, letter) => sum + letterShare(row, letter), 0));
  return (shares[digit] ?? 0) / shares.reduce((sum, share) => sum + share, 0);
}

function kindOf(symbol: number): Kind {
  if (symbol < 26) return 'upper';
  if (symbol < 52) return 'lower';
  return symbol < 62 ? 'digit' : 'mark';
}

function isUpper(symbol: number): boolean {
  return symbol < 26;
}

function foldCase(symbol: number): number {
  return symbol < 52 ? symbol % 26 : symbol;
}
