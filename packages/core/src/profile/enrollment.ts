import type { GuessBudget } from '../limits/guess-budget.js';

/** A started enrollment: counts as nothing until it is confirmed. */
export interface PendingEnrollment {
  id: string;
  kind: string;
  name: string;
  /** Epoch milliseconds. */
  startedAt: number;
  expiresAt: number;
  /** Started with a second factor, because an authenticator existed. */
  steppedUp: boolean;
  /** The pending token that began it, when no session did. */
  tokenId?: string;
  /** Wrong codes at its confirmation. Release 1 keeps this, and counts them in the account's budget. */
  budget?: GuessBudget;
  data: unknown;
}
