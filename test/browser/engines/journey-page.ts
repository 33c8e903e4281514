/**
 * The part of Playwright's `Page` that the journeys use. Playwright's page and the page of `driven-page.ts` both implement it, so
 * that a journey is written once and runs in every engine.
 */
export interface JourneyPage {
  goto(url: string): Promise<unknown>;
  goBack(): Promise<unknown>;
  url(): string;
  waitForURL(url: string | ((url: URL) => boolean)): Promise<void>;
  locator(css: string): JourneyLocator;
  getByLabel(text: string): JourneyLocator;
  getByText(text: string, options?: { exact?: boolean }): JourneyLocator;
  getByRole(role: JourneyRole, options?: { name?: string | RegExp }): JourneyLocator;
  screenshot(options?: { fullPage?: boolean }): Promise<Buffer>;
  context(): { clearCookies(): Promise<void> };
}

/** Elements of a page. Actions on one element wait until it exists, and throw if there are several. */
export interface JourneyLocator {
  click(): Promise<void>;
  fill(text: string): Promise<void>;
  check(): Promise<void>;
  waitFor(): Promise<void>;
  innerText(): Promise<string>;
  getAttribute(name: string): Promise<string | null>;
  /** These do not wait. */
  count(): Promise<number>;
  allInnerTexts(): Promise<string[]>;
  all(): Promise<JourneyLocator[]>;
  first(): JourneyLocator;
  filter(options: { hasText: string }): JourneyLocator;
  locator(css: string): JourneyLocator;
  getByLabel(text: string): JourneyLocator;
  getByRole(role: JourneyRole, options?: { name?: string | RegExp }): JourneyLocator;
  getByText(text: string, options?: { exact?: boolean }): JourneyLocator;
}

export type JourneyRole = 'alert' | 'button' | 'heading' | 'link' | 'list' | 'listitem';

/** A running browser. */
export interface EngineBrowser {
  /** One person: a page with its own cookies. */
  openPerson(): Promise<{ page: JourneyPage; leave(): Promise<void> }>;
  close(): Promise<void>;
}
