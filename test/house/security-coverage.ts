import { readFileSync } from 'node:fs';
import path from 'node:path';
import { findings } from './findings.js';
import { filesUnder, root } from './sources.js';

const ID = String.raw`(?:[A-Z]{3,4}-\d+|[FTI]\d+)`;
const NAMED = new RegExp(String.raw`['"\`]((?:(?:${ID}|d-\d+b?)(?:, |: ))+)`, 'g');

/** The ids without a test, and the reason. */
export const untested: Record<string, string> = {
  T37: 'there is no factor yet that delivers codes',
};

/** Where a requirement is met in another way than the standards suggest. */
const otherwise: [string, string, string][] = [
  [
    'TOTP-5',
    'spaces and hyphens are removed from a code (common practice)',
    'only U+0020, because apps show codes with a space and never with a hyphen, and fewer rules mean fewer mistakes',
  ],
  [
    'THR-2',
    'an authenticator is disabled after 100 wrong codes in a row (NIST SP 800-63B-4, 3.2.2)',
    'never disabled, because the bucket limits it to 100 in any 30 days, and an attacker with the password cannot disable the owner’s factor',
  ],
  [
    'THR-8',
    'limits by address in addition to those by account',
    'none, because addresses are the host’s responsibility, and forged headers then change nothing',
  ],
  [
    'REC-2',
    'a salted password hash for recovery codes below 112 bits (NIST SP 800-63B-4, 3.1.2.2)',
    'codes of 120 bits, so that a keyed digest is enough and a flood of tries costs no processor time',
  ],
  [
    'DEV-1',
    'remembering browsers is off (NIST SP 800-63B-4, 5.1)',
    'offered, with an empty tick box; `rememberDevice: false` or the policy of a user switches it off. It never serves a step-up',
  ],
  [
    'LOG-5',
    'a notice for each login that failed at the second factor',
    'at the third wrong code within 30 days, at most once a day, and when half and all of the budget is gone; on a known browser at the tenth, because people ignore a notice for every typo',
  ],
];

/** The ids of docs/threat-model.md, in its order. */
export function requirementIds(): string[] {
  const text = readFileSync(path.join(root, 'docs/threat-model.md'), 'utf8');
  return [...text.matchAll(new RegExp(String.raw`^\| (${ID}) \|`, 'gm'))].map(([, id = '']) => id);
}

/** For each id the files with a test, a suite or a conformance case that names it. */
export function testsById(): Map<string, string[]> {
  const files = [
    ...filesUnder(path.join(root, 'test'))
      .filter((file) => file.endsWith('.ts') && !/(^|\/)(node_modules|\.snippets|house)\//.test(file))
      .map((file) => `test/${file}`),
    ...filesUnder(path.join(root, 'test/house')).map((file) => `test/house/${file}`),
    ...filesUnder(path.join(root, 'packages/core/src/storage/conformance')).map(
      (file) => `packages/core/src/storage/conformance/${file}`,
    ),
  ].sort();
  const found = new Map<string, string[]>();
  for (const file of files) {
    const text = readFileSync(path.join(root, file), 'utf8');
    const names = [...text.matchAll(NAMED)].flatMap(([, ids = '']) => ids.match(new RegExp(ID, 'g')) ?? []);
    for (const id of new Set(names)) found.set(id, [...(found.get(id) ?? []), file]);
  }
  return found;
}

/** The page that links each id to its tests. */
export function coveragePage(): string {
  const found = testsById();
  const rows = requirementIds().map((id) => {
    return `| ${id} | ${linksTo(found.get(id)) || `none: ${untested[id]}`} |`;
  });
  return [
    '# Which test shows what',
    '',
    'Made by `npx vitest run test/house/security-coverage.test.ts -u` from the names of the tests. What an identifier means is in',
    '[threat-model.md](../threat-model.md). A test fails when an identifier has no test, or when this page is not up to date.',
    '',
    '## Decided otherwise',
    '',
    '| id | standard or common practice | here |',
    '|---|---|---|',
    ...otherwise.map((cells) => `| ${cells.join(' | ')} |`),
    '',
    '## Tests',
    '',
    '| id | tests |',
    '|---|---|',
    ...rows,
    '',
    '## Faults of release 1',
    '',
    'Each fault was reproduced in release 1, and each test failed before the fault was fixed.',
    '',
    '| id | what failed | tests |',
    '|---|---|---|',
    ...findings.map(([id, failed]) => `| ${id} | ${failed} | ${linksTo(found.get(id))} |`),
    '',
  ].join('\n');
}

function linksTo(files: string[] = []): string {
  return files.map((file) => `[${shortName(file)}](../../${file})`).join(', ');
}

function shortName(file: string): string {
  return file
    .replace(/^test\//, '')
    .replace(/^packages\/core\/src\/storage\//, '')
    .replace(/(\.test)?\.ts$/, '');
}
