import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../house/sources.js';
import { seededBugs } from './seeded-bugs/bugs.js';
import { withBug } from './seeded-bugs/plugin.js';

describe('the seeded bugs of `npm run prove`', () => {
  it('are more than ten with different names', () => {
    expect(new Set(seededBugs.map(({ name }) => name)).size).toBe(seededBugs.length);
    expect(seededBugs.length).toBeGreaterThan(10);
  });

  it.each(seededBugs.map((bug) => [bug.name, bug] as const))('%s: matches exactly one place in the sources', (_, bug) => {
    const source = readFileSync(path.join(root, 'packages/core/src', bug.file), 'utf8');
    expect(withBug(source, bug)).not.toBe(source);
  });
});
