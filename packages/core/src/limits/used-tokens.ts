import { CLOCK_TOLERANCE_MS, MINUTE } from '../time.js';

/** Pending tokens that were used. */
export interface UsedToken {
  id: string;
  /** Epoch milliseconds. */
  expiresAt: number;
}

/** So long a pending token counts. */
const LIFETIME = 10 * MINUTE;
const MAX_TOKENS = 32;

/** Whether the token was used. */
export function isUsed(used: readonly UsedToken[], id: string): boolean {
  return used.some((token) => token.id === id);
}

/** The list with this token noted, or null when it is full of tokens that have not expired. */
export function noteUsed(used: readonly UsedToken[], token: UsedToken, now: number): UsedToken[] | null {
  if (used.length < MAX_TOKENS) return [...used, { id: token.id, expiresAt: token.expiresAt }];
  // Drop entries only if the list is full. Otherwise a clock that ran ahead for a moment would make a used token valid again.
  // Drop entries far ahead of the clock too: their tokens are refused until then, and afterwards count only within their epoch.
  const live = used.filter(
    ({ expiresAt }) => expiresAt + CLOCK_TOLERANCE_MS >= now && expiresAt <= now + LIFETIME + CLOCK_TOLERANCE_MS,
  );
  return live.length < MAX_TOKENS ? [...live, { id: token.id, expiresAt: token.expiresAt }] : null;
}
