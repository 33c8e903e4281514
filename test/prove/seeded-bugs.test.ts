import { describe, expect, it } from 'vitest';
import { seededBugs } from './seeded-bugs/bugs.js';
import { changesOf } from './seeded-bugs/replace-export.js';

describe('the seeded bugs of `npm run prove`', () => {
  it('are more than ten with different names', () => {
    expect(new Set(seededBugs.map(({ name }) => name)).size).toBe(seededBugs.length);
    expect(seededBugs.length).toBeGreaterThan(10);
  });

  it.each(seededBugs.map((bug) => [bug.name, bug] as const))(
    '%s: replaces exports of core and leaves the others',
    async (_, { replacements }) => {
      for (const [file, change] of changesOf(replacements)) {
        const original = (await import(file)) as object;
        const changed = change(original);
        expect(Object.keys(changed).sort()).toEqual(Object.keys(original).sort());
        const different = Object.keys(changed).filter((name) => Reflect.get(changed, name) !== Reflect.get(original, name));
        expect(different.length).toBeGreaterThan(0);
      }
    },
  );
});
