/**
 * What a journey needs of a page, in every engine: the part of Playwright's `Page` that the journeys use. Playwright's own page is
 * one, and so is the page of `driven-page.ts`, so a journey is written once and runs in all of them.
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

/** Elements of a page. What acts on one element waits until it is there, and throws when there are several. */
export interface JourneyLocator {
  click(): Promise<void>;
  fill(text: string): Promise<void>;
  check(): Promise<void>;
  waitFor(): Promise<void>;
  innerText(): Promise<string>;
  getAttribute(name: string): Promise<string | null>;
  /** These answer at once. */
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
  /** One person: a page with cookies of its own. */
  openPerson(): Promise<{ page: JourneyPage; leave(): Promise<void> }>;
  close(): Promise<void>;
}
