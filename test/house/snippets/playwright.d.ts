/** Enough of Playwright's test runner for the snippets, over the pages of the library. */
declare module '@playwright/test' {
  import type { Locator, Page } from 'playwright-core';

  export function test(name: string, run: (fixtures: { page: Page }) => Promise<void>): void;
  export function expect(locator: Locator): { toBeVisible(): Promise<void> };
}
