import { MfaError } from '../errors.js';
import { describe, isFieldObject } from '../host-input.js';
import type { MfaUser } from '../options.js';
import { englishMessages } from '../pages/english.js';
import type { MessageOverrides, Messages } from '../pages/texts.js';
import type { MfaExchange } from './exchange.js';
import type { HttpKit } from './http-kit.js';

/** The texts for one request. */
export function messagesFor<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
): Messages {
  const { pages } = kit.options;
  const given: unknown = pages.messages?.(exchange.request);
  if (given === undefined || given === null) return mergeMessages();
  if (!isFieldObject(given)) refuseAnswer('pages.messages', 'an object of texts (not a promise) or nothing', given);
  const messages = mergeMessages(given);
  return { ...messages, lang: languageTag(messages.lang) };
}

/** Returns the host's texts, and ours for those that it does not provide. */
export function mergeMessages(overrides: MessageOverrides = {}): Messages {
  const merged: Record<string, unknown> = { ...englishMessages };
  for (const [key, value] of Object.entries(overrides)) {
    const original = merged[key];
    if (value === undefined || value === null || original === undefined) continue;
    merged[key] = isGroup(original) && isGroup(value) ? { ...original, ...dropUndefined(value) } : value;
  }
  return merged as unknown as Messages;
}

/** Throws the error for a callback of the host that returned something else. */
export function refuseAnswer(option: string, wanted: string, given: unknown): never {
  throw new MfaError('host_callback_failed', `The option "${option}" must return ${wanted}; it returned ${describe(given)}.`);
}

/**
 * Returns the language of a host's texts as a tag that browsers and `Intl` understand. Converts the names of locales on servers (`en_US`).
 * Refuses anything else here, because a browser would only fail later.
 */
function languageTag(lang: unknown): string {
  if (typeof lang !== 'string') refuseAnswer('pages.messages', LANGUAGE_WANTED, lang);
  try {
    const [tag] = Intl.getCanonicalLocales(lang.replaceAll('_', '-'));
    if (tag !== undefined) return tag;
  } catch {
    // Not a tag: refused below.
  }
  throw new MfaError(
    'host_callback_failed',
    `The option "pages.messages" must return ${LANGUAGE_WANTED}; it returned ${JSON.stringify(lang.slice(0, 40))}.`,
  );
}

const LANGUAGE_WANTED = 'a BCP 47 language tag as lang, such as "en-US" or "pt-BR"';

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function dropUndefined(group: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(group).filter(([, value]) => value !== undefined && value !== null));
}
