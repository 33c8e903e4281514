import { setTimeout as sleep } from 'node:timers/promises';
import { findInPage, type Place, type Question, type Step, type Wanted } from './find-in-page.js';
import type { JourneyLocator, JourneyPage } from './journey-page.js';

/** One input action, which has the same format in classic WebDriver and in BiDi. */
export interface InputSource {
  type: 'pointer' | 'key';
  id: string;
  parameters?: { pointerType: 'mouse' };
  actions: Record<string, unknown>[];
}

/** What an engine implements for a page. Everything else is built on it. */
export interface PageDriver {
  /** Resolves when the page has loaded. */
  open(url: string): Promise<void>;
  back(): Promise<void>;
  /** Calls a function in the page, given as source text. Arguments and result are JSON. */
  evaluate(source: string, args: unknown[]): Promise<unknown>;
  perform(input: InputSource): Promise<void>;
  screenshot(fullPage: boolean): Promise<Buffer>;
  clearCookies(): Promise<void>;
}

const PATIENCE = 10_000;
let marks = 0;

/** Makes the page that journeys use from an engine. */
export function drivenPage(driver: PageDriver): JourneyPage {
  let url = 'about:blank';

  const lookAround = `() => [location.href, document.readyState, window.journeyMark]`;
  async function look(): Promise<{ loaded: boolean; mark: unknown }> {
    const [href, readyState, mark] = (await driver.evaluate(lookAround, [])) as [string, string, unknown];
    url = href;
    // A document in another browsing context group is preceded by an empty document.
    return { loaded: readyState === 'complete' && href !== 'about:blank', mark };
  }

  /** Waits until a document other than the marked one has loaded. */
  async function arrive(mark: string, what: string): Promise<void> {
    await until(`${what} led nowhere`, async () => {
      const seen = await look();
      return seen.loaded && seen.mark !== mark ? true : undefined;
    });
  }

  const ask = (steps: Step[], question: Question): Promise<unknown> => driver.evaluate(findInPage.toString(), [steps, question]);

  const insist = (steps: Step[], question: Question): Promise<unknown> =>
    until(`${question.ask} of ${JSON.stringify(steps)}`, () => ask(steps, question));

  /** Returns where an element is after it has stopped moving. */
  async function restingPlace(steps: Step[], mark: string): Promise<Place> {
    let before: Place | undefined;
    return until(`a place of ${JSON.stringify(steps)}`, async () => {
      const place = (await ask(steps, { ask: 'place', mark })) as Place | null | undefined;
      const rests = place && before && place.x === before.x && place.y === before.y;
      before = place ?? undefined;
      return rests ? place : undefined;
    });
  }

  async function click(steps: Step[]): Promise<Place> {
    const mark = `mark ${++marks}`;
    const place = await restingPlace(steps, mark);
    const move = { type: 'pointerMove', x: place.x, y: place.y, duration: 0 };
    const actions = [move, { type: 'pointerDown', button: 0 }, { type: 'pointerUp', button: 0 }];
    await driver.perform({ type: 'pointer', id: 'mouse', parameters: { pointerType: 'mouse' }, actions });
    if (place.leads) await arrive(mark, `a click on ${JSON.stringify(steps)}`);
    return place;
  }

  async function fill(steps: Step[], text: string): Promise<void> {
    await click(steps);
    if (!(await ask(steps, { ask: 'select' }))) throw new Error(`${JSON.stringify(steps)} does not take the focus`);
    const keys = text === '' ? ['\uE003'] : [...text];
    const actions = keys.flatMap((value) => ['keyDown', 'keyUp'].map((type) => ({ type, value })));
    await driver.perform({ type: 'key', id: 'keyboard', actions });
  }

  const locate = (steps: Step[]): JourneyLocator => ({
    async click() {
      await click(steps);
    },
    fill: (text) => fill(steps, text),
    async check() {
      const { checked } = await click(steps);
      if (checked) await click(steps);
    },
    async waitFor() {
      await insist(steps, { ask: 'visible' });
    },
    async innerText() {
      await insist(steps, { ask: 'visible' });
      return ((await ask(steps, { ask: 'texts' })) as string[])[0] ?? '';
    },
    async getAttribute(name) {
      await insist(steps, { ask: 'visible' });
      return (await ask(steps, { ask: 'attribute', name })) as string | null;
    },
    count: async () => ((await ask(steps, { ask: 'texts' })) as string[]).length,
    allInnerTexts: async () => (await ask(steps, { ask: 'texts' })) as string[],
    first: () => locate([...steps, { by: 'nth', index: 0 }]),
    async all() {
      const texts = (await ask(steps, { ask: 'texts' })) as string[];
      return texts.map((_, index) => locate([...steps, { by: 'nth', index }]));
    },
    filter: ({ hasText }) => locate([...steps, { by: 'having', wanted: wantedOf(hasText) }]),
    locator: (css) => locate([...steps, { by: 'css', css }]),
    getByRole: (role, { name } = {}) => locate([...steps, { by: 'role', role, wanted: name ? wantedOf(name) : null }]),
    getByLabel: (text) => locate([...steps, { by: 'label', wanted: wantedOf(text) }]),
    getByText: (text, options) => locate([...steps, { by: 'text', wanted: wantedOf(text, options) }]),
  });

  const page = locate([]);
  return {
    async goto(target) {
      await driver.open(target);
      await look();
    },
    async goBack() {
      const mark = `mark ${++marks}`;
      await driver.evaluate(`(mark) => { window.journeyMark = mark }`, [mark]);
      await driver.back();
      await arrive(mark, 'the way back');
    },
    url: () => url,
    async waitForURL(wanted) {
      const isThere = (): boolean => (typeof wanted === 'string' ? url === wanted : wanted(new URL(url)));
      await until(`the address ${wanted}`, async () => ((await look()).loaded && isThere() ? true : undefined));
    },
    locator: page.locator,
    getByRole: page.getByRole,
    getByText: page.getByText,
    getByLabel: page.getByLabel,
    screenshot: ({ fullPage = false } = {}) => driver.screenshot(fullPage),
    context: () => ({ clearCookies: driver.clearCookies }),
  };
}

function wantedOf(text: string | RegExp, { exact = false } = {}): Wanted {
  return typeof text === 'string' ? { text, exact } : { pattern: text.source, flags: text.flags };
}

/** Returns the first answer that is not undefined. Also asks again if the page is being replaced and cannot answer. */
async function until<T>(what: string, question: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + PATIENCE;
  let cause: unknown;
  while (performance.now() < end) {
    try {
      const answer = await question();
      if (answer !== undefined && answer !== null) return answer;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await sleep(20);
  }
  throw new Error(`Waited ${PATIENCE / 1000} s without success: ${what}`, { cause });
}
