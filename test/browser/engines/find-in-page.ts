import type { JourneyRole } from './journey-page.js';

/** Text to find: a part in any letter case, the whole text, or a pattern. */
export type Wanted = { text: string; exact: boolean } | { pattern: string; flags: string };

/** One step of a search. Each step searches in the result of the one before. */
export type Step =
  | { by: 'css'; css: string }
  | { by: 'label' | 'text'; wanted: Wanted }
  | { by: 'role'; role: JourneyRole; wanted: Wanted | null }
  | { by: 'having'; wanted: Wanted }
  | { by: 'nth'; index: number };

/** What is asked about the elements that were found. */
export type Question =
  | { ask: 'texts' }
  | { ask: 'visible' }
  | { ask: 'select' }
  | { ask: 'attribute'; name: string }
  | { ask: 'place'; mark: string };

/** Where to click an element, and whether the click leads to another document. */
export interface Place {
  x: number;
  y: number;
  leads: boolean;
  checked: boolean;
}

/**
 * Finds elements and answers a question about them. It runs in the page as source text, so it may use nothing from outside.
 * `place` scrolls to the element. If the click leads to another document, it marks this document, so that the next one has no mark.
 */
export function findInPage(steps: Step[], question: Question): unknown {
  const roles: Record<string, string> = {
    alert: '[role=alert]',
    button: 'button, summary, input[type=submit], [role=button]',
    heading: 'h1, h2, h3, h4, h5, h6',
    link: 'a[href]',
    list: 'ul, ol',
    listitem: 'li',
  };
  const squeeze = (text: string | null | undefined) => (text ?? '').replace(/\s+/g, ' ').trim();
  const isVisible = (element: Element) =>
    element.getClientRects().length > 0 && getComputedStyle(element).visibility === 'visible';
  const textOf = (element: Element) => (element as HTMLElement).innerText ?? element.textContent;
  const matches = (text: string | null | undefined, wanted: Wanted) => {
    if ('pattern' in wanted) return new RegExp(wanted.pattern, wanted.flags).test(squeeze(text));
    const [has, needle] = [squeeze(text), squeeze(wanted.text)];
    return wanted.exact ? has === needle : has.toLowerCase().includes(needle.toLowerCase());
  };
  const nameOf = (element: Element) => {
    const by = element.getAttribute('aria-labelledby');
    const named = by ? by.split(' ').map((id) => document.getElementById(id)?.textContent) : [];
    return element.getAttribute('aria-label') ?? (named.length > 0 ? named.join(' ') : textOf(element));
  };
  const within = (scopes: ParentNode[], css: string) => [...new Set(scopes.flatMap((scope) => [...scope.querySelectorAll(css)]))];

  const searches: { [Kind in Step['by']]: (scopes: ParentNode[], step: Extract<Step, { by: Kind }>) => Element[] } = {
    css: (scopes, { css }) => within(scopes, css),
    label: (scopes, { wanted }) =>
      within(scopes, 'input, select, textarea').filter(
        (field) =>
          [...((field as HTMLInputElement).labels ?? [])].some((label) => matches(label.textContent, wanted)) ||
          matches(field.getAttribute('aria-label'), wanted),
      ),
    text: (scopes, { wanted }) => {
      const all = within(scopes, 'body *').filter((element) => isVisible(element) && matches(textOf(element), wanted));
      return all.filter((element) => !all.some((other) => other !== element && element.contains(other)));
    },
    role: (scopes, { role, wanted }) =>
      within(scopes, roles[role] ?? '').filter(
        (element) => isVisible(element) && (wanted === null || matches(nameOf(element), wanted)),
      ),
    having: (scopes, { wanted }) =>
      scopes.filter((scope): scope is Element => scope instanceof Element && matches(textOf(scope), wanted)),
    nth: (scopes, { index }) => scopes.slice(index, index + 1) as Element[],
  };
  const search = (scopes: ParentNode[], step: Step) =>
    (searches[step.by] as (scopes: ParentNode[], step: Step) => Element[])(scopes, step);
  const found = steps.reduce<ParentNode[]>(search, [document]) as Element[];

  if (question.ask === 'texts') return found.map(textOf);
  if (found.length > 1) throw new Error(`${found.length} elements match ${JSON.stringify(steps)}`);
  const [element] = found;
  if (!element) return undefined;
  if (question.ask === 'visible') return isVisible(element) ? true : undefined;
  if (question.ask === 'attribute') return element.getAttribute(question.name);
  const field = element as HTMLInputElement;
  if (question.ask === 'select') {
    field.select();
    return document.activeElement === field;
  }

  if (question.ask !== 'place' || !isVisible(element) || field.disabled) return undefined;
  element.scrollIntoView({ block: 'center', behavior: 'instant' });
  const { left, top, width, height } = element.getClientRects()[0] as DOMRect;
  const [x, y] = [Math.floor(left + width / 2), Math.floor(top + height / 2)];
  const hit = document.elementFromPoint(x, y);
  if (hit === null || !(element.contains(hit) || [...(field.labels ?? [])].some((label) => label.contains(hit))))
    return undefined;
  const link = element.closest('a[href]');
  const form = element instanceof HTMLButtonElement && element.type === 'submit' ? element.form : null;
  const leads = form ? form.checkValidity() : link !== null && !link.hasAttribute('download');
  if (leads) Object.assign(window, { journeyMark: question.mark });
  return { x, y, leads, checked: field.checked } satisfies Place;
}
