/** The counts of one test. `npm run prove` prints a table of them. */
export interface Proof {
  /** Operations of core. */
  operations: number;
  faults: number;
  /** Checks of invariants. */
  checks: number;
}

declare module 'vitest' {
  interface TaskMeta {
    proof?: Proof;
  }
}

const counted = { operations: 0, faults: 0 };

/** How often a scenario is repeated: 2 in `npm test`, 20 in `npm run prove`. */
export const ROUNDS = Number(process.env.MFA_KIT_ROUNDS ?? 2);

/** Counts operations of core. */
export function countOperations(count = 1): void {
  counted.operations += count;
}

/** Counts injected faults. */
export function countFaults(count = 1): void {
  counted.faults += count;
}

/** Returns the counts since the last call. */
export function takeCounts(): { operations: number; faults: number } {
  const taken = { ...counted };
  Object.assign(counted, { operations: 0, faults: 0 });
  return taken;
}
