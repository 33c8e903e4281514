import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { walkThrough } from './journey.js';
import { declaredNames, type Names } from './names.js';
import { present, release1 } from './releases.js';

const folder = path.join(import.meta.dirname, 'golden');
const read = <Content>(name: string): Content => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Content;
const write = (name: string, content: unknown) => writeFileSync(path.join(folder, name), `${JSON.stringify(content, null, 2)}\n`);

/** The names of release 1 that this release changed, each with the reason. */
type Changed = Record<string, Record<string, string>>;

async function namesOf(release: typeof present): Promise<Names> {
  return { ...(await walkThrough(release)), ...declaredNames(release.name) };
}

/** Lines that are in one but not in the other, by place. */
function without(some: Names, others: Names): Names {
  const rest = Object.entries(some).map(
    ([place, lines]) => [place, lines.filter((line) => !others[place]?.includes(line))] as const,
  );
  return Object.fromEntries(rest.filter(([, lines]) => lines.length > 0));
}

describe('UPG-1: the stored and sent names', () => {
  let old: Names;
  let now: Names;
  beforeAll(async () => {
    [old, now] = [await namesOf(release1), await namesOf(present)];
    if (process.env.MFA_KIT_WRITE_GOLDEN) {
      write('release-1.json', old);
      write('additions.json', without(now, old));
      if (!existsSync(path.join(folder, 'changed.json'))) write('changed.json', {});
    }
  });

  it('of release 1 match the golden file', () => {
    expect(old).toEqual(read<Names>('release-1.json'));
  });

  it('of release 1 still exist with the same type and unit', () => {
    const changed = read<Changed>('changed.json');
    const known = Object.fromEntries(Object.entries(changed).map(([place, lines]) => [place, Object.keys(lines)]));
    expect(without(old, now)).toEqual(known);
    for (const reason of Object.values(changed).flatMap((lines) => Object.values(lines)))
      expect(reason.length).toBeGreaterThan(20);
  });

  it('that are new are listed as additions', () => {
    expect(without(now, old)).toEqual(read<Names>('additions.json'));
  });
});
