import fc from 'fast-check';
import { ROUNDS } from './proof.js';

/**
 * fast-check with one seed for every run of `npm test`, so that a change is judged by what it changes. `npm run prove` draws new
 * seeds. The message of a failed run contains its seed; MFA_KIT_SEED repeats it.
 */
const given = process.env.MFA_KIT_SEED;
if (given !== undefined) fc.configureGlobal({ seed: Number(given) });
else if (ROUNDS === 2) fc.configureGlobal({ seed: 20_261_130 });

export { fc };
