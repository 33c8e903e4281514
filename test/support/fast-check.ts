import fc from 'fast-check';
import { ROUNDS } from './proof.js';

/**
 * fast-check with the same seed in every run of `npm test`, so that only a change can make a test fail. `npm run prove` uses new
 * seeds. The message of a failed run contains its seed, and MFA_KIT_SEED repeats it.
 */
const given = process.env.MFA_KIT_SEED;
if (given !== undefined) fc.configureGlobal({ seed: Number(given) });
else if (ROUNDS === 2) fc.configureGlobal({ seed: 20_261_130 });

export { fc };
