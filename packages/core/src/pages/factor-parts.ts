import type { FactorKind } from '../assurance.js';
import type { FactorPage } from '../factors/factor-page.js';
import { FACTORS } from '../factors/registry.js';

/** What each kind of factor adds to the pages. */
export type FactorParts = Readonly<Record<FactorKind, FactorPage>>;

/** Loads them. Only the first page pays for it. */
export async function loadFactorParts(): Promise<FactorParts> {
  const parts = await Promise.all(FACTORS.map(async (factor) => [factor.kind, await factor.page()] as const));
  return Object.fromEntries(parts) as FactorParts;
}
