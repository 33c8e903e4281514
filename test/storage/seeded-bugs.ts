import { faultBugs } from './seeded-bugs/faults.js';
import { idBugs } from './seeded-bugs/ids.js';
import { openTransactionBugs } from './seeded-bugs/open-transaction.js';
import type { SeededBug } from './seeded-bugs/right-storage.js';
import { viewBugs } from './seeded-bugs/views.js';
import { writeBugs } from './seeded-bugs/writes.js';

/** Wrong adapters that the conformance kit must fail, each for its own reason. */
export const seededBugs: SeededBug[] = [...writeBugs, ...idBugs, ...viewBugs, ...faultBugs, ...openTransactionBugs];
