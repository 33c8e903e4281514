const markup = Symbol('markup');

/**
 * Finished markup. Only {@link html} and {@link fillText} create it. No raw string gets through, so text of users and hosts cannot become
 * markup because somebody forgot to escape it.
 */
export interface Html {
  readonly [markup]: string;
}

/** What a template accepts: text is escaped, nothing is printed for `undefined` and `false`. */
export type HtmlValue = string | number | false | undefined | Html | readonly Html[];

/** Template tag that escapes every value, for element content and for attribute values in double quotes. */
export function html(strings: TemplateStringsArray, ...values: HtmlValue[]): Html {
  return { [markup]: strings.reduce((out, part, index) => out + printValue(values[index - 1]) + part) };
}

/** Returns the string to send. */
export function toMarkup(value: Html): string {
  return value[markup];
}

/**
 * Puts markup into the variable part of a text: `fillText(messages.account, html`<bdi>${name}</bdi>`)`. The translator decides the word
 * order.
 */
export function fillText(text: (value: string) => string, value: Html): Html {
  const pieces = text(SLOT).split(SLOT).map(escapeText);
  return { [markup]: pieces.join(value[markup]) };
}

/**
 * Returns the link if it is safe to follow: a path of this origin, or a complete URL of a web page, mail address or telephone number.
 * Returns `#` for anything else, including `//host` and what browsers treat the same.
 */
export function safeUrl(url: string): string {
  return /^(?:\/(?![/\\\t\n\r])|[?#.]|https?:\/\/|mailto:|tel:)/i.test(url) ? url : '#';
}

// A noncharacter, which does not occur in text meant for interchange.
const SLOT = '\uFDD0';

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

function printValue(value: HtmlValue): string {
  if (value === undefined || value === false) return '';
  if (typeof value === 'string') return escapeText(value);
  if (typeof value === 'number') return String(value);
  if (markup in value) return value[markup];
  return value.map(toMarkup).join('');
}
