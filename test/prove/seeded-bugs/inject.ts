import { vi } from 'vitest';
import { seededBugs } from './bugs.js';
import { changesOf } from './replace-export.js';

// Runs before each test file, so that the file loads core with the bug that MFA_KIT_SEEDED_BUG names.
const given = process.env.MFA_KIT_SEEDED_BUG;
const bug = seededBugs.find(({ name }) => name === given);
if (!bug && given !== 'none') throw new Error(`MFA_KIT_SEEDED_BUG names no bug: ${given}`);
for (const [file, change] of changesOf(bug?.replacements ?? [])) {
  vi.doMock(file, async (importOriginal) => change(await importOriginal<object>()));
}
