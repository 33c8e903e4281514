/** A matter of the fictional law firm. */
export interface Matter {
  reference: string;
  title: string;
  client: string;
  nextStep: string;
  /** Held on the client's account, in cents. */
  heldCents: number;
}

/** What the guarded route shows. */
export const matters: readonly Matter[] = [
  {
    reference: 'LF-2041',
    title: 'Harrow Mills v. Penrose',
    client: 'Harrow Mills Ltd',
    nextStep: 'Hearing, 9 March',
    heldCents: 4_820_000,
  },
  {
    reference: 'LF-2038',
    title: 'Estate of E. Marlowe',
    client: 'Marlowe family',
    nextStep: 'Inventory, 17 March',
    heldCents: 18_450_000,
  },
  {
    reference: 'LF-2029',
    title: 'Tidewater lease renewal',
    client: 'Tidewater Coffee',
    nextStep: 'Signature pending',
    heldCents: 625_000,
  },
  { reference: 'LF-2017', title: 'Okafor adoption', client: 'Okafor family', nextStep: 'Home report due', heldCents: 180_000 },
];

/** A payment that was released from a client's account. */
export interface Payout {
  reference: string;
  amountCents: number;
}

/** Reads `reference` and `amount` (euros) from a form or JSON body; null if there is no such matter or not enough money. */
export function readPayout(body: unknown): Payout | null {
  const { reference, amount } = Object(body) as Record<string, unknown>;
  const matter = matters.find((candidate) => candidate.reference === reference);
  const amountCents = typeof amount === 'string' || typeof amount === 'number' ? Math.round(Number(amount) * 100) : 0;
  if (!matter || !(amountCents > 0) || amountCents > matter.heldCents) return null;
  return { reference: matter.reference, amountCents };
}

/** `€ 48,200.00`. */
export function euros(cents: number): string {
  return new Intl.NumberFormat('en-IE', { style: 'currency', currency: 'EUR' }).format(cents / 100);
}
