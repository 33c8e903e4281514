import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { NOTICES } from '../../packages/core/src/events.js';
import { describeProblem } from '../../packages/core/src/http/problem.js';
import { OPTIONS } from '../../packages/core/src/options.js';
import { WARNING_SENTENCES } from '../../packages/core/src/warnings/process-warnings.js';
import { fieldNamesOf, interfaceOf, membersOf } from './declarations.js';
import { allDocs, tableUnder } from './docs.js';
import { SET_UP_PROBLEMS, setUpProblemsPage } from './set-up-problems.js';
import { packageNames, root, sourcesOf } from './sources.js';

const pages = new Map(
  allDocs()
    .filter(({ file }) => file.startsWith('docs/reference/'))
    .map(({ file, text }) => [file.slice('docs/reference/'.length), text]),
);
const textOf = (page: string): string => pages.get(page) ?? '';
const publicApi = textOf('public-api.md');

/** The page that describes an entry: the first whose pattern fits. */
const PAGE_OF: readonly (readonly [RegExp, string])[] = [
  [/^@mfa-kit\/core\/storage\//, 'storage.md'],
  [/^@mfa-kit\/core\/http(\/coverage)?$/, 'http-api.md'],
  [/^@mfa-kit\/core(\/testing)?$/, 'core.md'],
  [/^@mfa-kit\/express/, 'express.md'],
  [/^@mfa-kit\/nest/, 'nest.md'],
];

interface ExportedName {
  entry: string;
  name: string;
  /** `interface`, `function` and so on; `again` if another entry declares it. */
  kind: string;
}

/** Every exported name with its entry, from the list that a test of its own compares with what is published. */
function exportedNames(): ExportedName[] {
  return publicApi.split(/^## /m).flatMap((section) => {
    const [entry = '', ...lines] = section.split('\n');
    if (!entry.startsWith('@mfa-kit/')) return [];
    return lines.flatMap((line) => {
      const [, kind, name] = /^export (?:declare )?(const|function|class|interface|type|enum) (\w+)/.exec(line) ?? [];
      const [, again] = /^export \{ (\w+) \} from/.exec(line) ?? [];
      if (kind !== undefined && name !== undefined) return [{ entry, name, kind }];
      return again === undefined ? [] : [{ entry, name: again, kind: 'again' }];
    });
  });
}

/** Interfaces that another page than that of their entry describes. */
const SHAPES_ELSEWHERE: Partial<Record<string, string>> = {
  EventBase: 'events.md',
  MfaKey: 'options.md',
  MfaPolicy: 'options.md',
  MfaStorage: 'storage.md',
  MfaUser: 'options.md',
  Refusal: 'errors.md',
  Requirement: 'options.md',
  StoredProfile: 'storage.md',
};

function pageOf(entry: string): string {
  const found = PAGE_OF.find(([pattern]) => pattern.test(entry));
  if (!found) throw new Error(`No page of docs/reference describes ${entry}`);
  return found[1];
}

const wordsInCode = new Map<string, Set<string>>();

/** Whether a text has the name in code: `name`, `name(...)`, `@name(...)`, `name?`, `{ name, ... }`. */
function hasInCode(text: string, name: string): boolean {
  let words = wordsInCode.get(text);
  if (!words) {
    words = new Set([...text.matchAll(/`([^`\n]+)`/g)].flatMap(([, code = '']) => code.match(/\w+/g) ?? []));
    wordsInCode.set(text, words);
  }
  return words.has(name);
}

/** The names of the first column of a table, without what follows a name. */
function firstColumn(text: string, heading: string): string[] {
  return tableUnder(text, heading).map(([cell = '']) => /^`(@?[\w-]+)/.exec(cell)?.[1] ?? cell);
}

/** The lists that the reference must have whole: what is missing in it, by what it is. */
function missingIn(read: (page: string) => string): Record<string, string[]> {
  const events = eventDetails();
  const problems = membersOf('core', 'http/problem.ts', 'ProblemReason').concat(refusals());
  return {
    'exported names': exportedNames()
      .filter(({ entry, name }) => !hasInCode(read(pageOf(entry)), name))
      .map(({ entry, name }) => `${entry}: ${name}`),
    'fields of what is exported': SHAPES.flatMap(([name, type, page]) =>
      interfaceOf(name, type)
        .filter((member) => !hasInCode(read(page), member.name))
        .map((member) => `${type}.${member.name}`),
    ),
    events: events.map(([name]) => name).filter((name) => !firstColumn(read('events.md'), '## Events').includes(name)),
    'fields of events': events.flatMap(([name, fields]) => {
      const row = tableUnder(read('events.md'), '## Events').find(([cell]) => cell === `\`${name}\``);
      return fields.filter((field) => !hasInCode(row?.[1] ?? '', field)).map((field) => `${name}.${field}`);
    }),
    notices: NOTICES.filter((name) => !firstColumn(read('events.md'), '## Notices').includes(name)),
    problems: problems.filter((reason) => !hasInCode(read('http.md').slice(read('http.md').indexOf('## Refusals')), reason)),
    refusals: refusals().filter((reason) => !firstColumn(read('errors.md'), '## Refusals').includes(reason)),
    'error codes': membersOf('core', 'errors.ts', 'MfaErrorCode').filter(
      (code) => !firstColumn(read('errors.md'), '## MfaError').includes(code),
    ),
    findings: membersOf('core', 'flows/maintenance/results.ts', 'FindingCode').filter(
      (code) => !firstColumn(read('set-up-problems.md'), '## Findings of').includes(code),
    ),
    warnings: warningCodes().filter((code) => !firstColumn(read('set-up-problems.md'), '## Warnings of').includes(code)),
    'fields of pages': pageFields().filter((field) => !hasInCode(read('http-api.md').split('## Pages')[1] ?? '', field)),
    'theme properties': Object.keys(themeOf('light')).filter((name) => !firstColumnOfTheme(read('theme.md')).includes(name)),
    options: OPTION_TABLES.flatMap(([name, type, page]) =>
      interfaceOf(name, type)
        .filter((option) => !firstColumn(read(page), `\`${type}\`\n`).includes(option.name))
        .map((option) => `${type}.${option.name}`),
    ),
  };
}

/** Interfaces whose fields the page must name: all that applications meet, and some of the HTTP layer. */
const SHAPES = [
  ...exportedNames()
    .filter(({ entry }) => /^@mfa-kit\/(core|core\/testing|express|nest)$/.test(entry))
    // What the HTTP layer needs of the options, and what the module's parts share.
    .filter(({ name, kind }) => kind === 'interface' && !['MfaSettings', 'MfaHost'].includes(name))
    .filter(({ name }) => !/(Options|Extras)$/.test(name))
    .map(({ entry, name }) => [packageOf(entry), name, SHAPES_ELSEWHERE[name] ?? pageOf(entry)]),
  ['core', 'RequestFlows', 'http-api.md'],
  ['core', 'Problem', 'http-api.md'],
] as [name: string, type: string, page: string][];

/** Exported interfaces of options, found by their names, and four of what options hold. The page must have a table for each. */
const OPTION_TABLES = [
  ...exportedNames()
    .filter(({ name }) => /(Options|Extras|Hooks|StorageSettings)$/.test(name))
    .filter(({ kind }) => kind === 'interface')
    // Resolved ones are for adapters of frameworks; walks are described beside each other.
    .filter(({ name }) => !['ResolvedHttpOptions', 'WalkOptions'].includes(name))
    .map(({ entry, name }) => [
      packageOf(entry),
      name,
      ['MfaOptions', 'HttpOptions', 'PagesOptions'].includes(name) ? 'options.md' : pageOf(entry),
    ]),
  ...['MfaUser', 'MfaKey', 'MfaPolicy', 'Requirement'].map((name) => ['core', name, 'options.md']),
] as [name: string, type: string, page: string][];

function packageOf(entry: string): string {
  return /^@mfa-kit\/(\w+)/.exec(entry)?.[1] ?? '';
}

function refusals(): string[] {
  return membersOf('core', 'results.ts', 'RefusalReason');
}

/** Names of the events with their own fields, from the union's declaration. */
function eventDetails(): [name: string, fields: string[]][] {
  const [declared = ''] = /^export type EventDetail = .*$/m.exec(publicApi) ?? [];
  const found = new Map<string, Set<string>>();
  for (const [, one = '', rest = '', more = ''] of declared.matchAll(/\{ name: ([^;]+);([^{}]*)\}( & WithCause)?/g)) {
    const fields = [...rest.matchAll(/(\w+)\??:/g)].map(([, field = '']) => field).concat(more === '' ? [] : ['cause']);
    for (const [, name = ''] of one.matchAll(/'(\w+)'/g)) {
      found.set(name, new Set([...(found.get(name) ?? []), ...fields]));
    }
  }
  return [...found].map(([name, fields]) => [name, [...fields]]);
}

/** Every field of a page and of what surrounds it. */
function pageFields(): string[] {
  const types = ['EnrollPage', 'MfaPage', 'PageNotice', 'PageFrame'];
  return [...new Set(types.flatMap((type) => fieldNamesOf('core', 'pages/page.ts', type)))];
}

/** Every code of a process warning in the sources. */
function warningCodes(): string[] {
  return WARNINGS;
}

const WARNINGS = [
  ...new Set(packageNames.flatMap((name) => sourcesOf(name).flatMap(({ text }) => text.match(/MFA_KIT_[A-Z_]*[A-Z]/g) ?? []))),
].sort();

/** The custom properties of the pages with their values. */
function themeOf(scheme: 'light' | 'dark'): Record<string, string> {
  const css = readFileSync(path.join(root, 'packages/core/src/pages/assets/page.css'), 'utf8');
  const [light = '', dark = ''] = [...css.matchAll(/:root \{([^}]*)\}/g)].map(([, block = '']) => block);
  const block = scheme === 'light' ? light : dark;
  return Object.fromEntries([...block.matchAll(/(--mfa-[\w-]+): ([^;]+);/g)].map(([, name = '', value = '']) => [name, value]));
}

function firstColumnOfTheme(text: string): string[] {
  return tableUnder(text, '# Theme properties').map(([cell = '']) => cell.replaceAll('`', ''));
}

const KINDS = Object.keys(missingIn(textOf));

describe('the reference', () => {
  it.each(KINDS)('has all %s', (kind) => {
    expect(missingIn(textOf)[kind]).toEqual([]);
  });

  it.each([
    ['exported names', 'core.md', '`qrPngDataUrl(uri)`'],
    ['fields of what is exported', 'core.md', '`settled()`'],
    ['events', 'events.md', '| `device_used` |'],
    ['fields of events', 'events.md', '`tries`'],
    ['notices', 'events.md', '| `mfa_reset` | Support'],
    ['problems', 'http.md', '`cross_site`'],
    ['refusals', 'errors.md', '| `busy` |'],
    ['error codes', 'errors.md', '| `not_done` |'],
    ['findings', 'set-up-problems.md', '| `clock_apart` |'],
    ['warnings', 'set-up-problems.md', '| `MFA_KIT_LOST_USER` |'],
    ['fields of pages', 'http-api.md', '`mayRemoveLast`'],
    ['theme properties', 'theme.md', '| `--mfa-line` |'],
    ['options', 'options.md', '| `freshLoginSeconds` |'],
  ])('misses one of the %s once it is removed', (kind, page, name) => {
    expect(KINDS).toContain(kind);
    expect(textOf(page)).toContain(name);
    const without = missingIn((one) => (one === page ? textOf(one).replaceAll(name, '| gone |') : textOf(one)));
    expect(without[kind]).toHaveLength(1);
  });

  it('finds no code of a warning in the sources that is not in the table of warnings', () => {
    expect(warningCodes()).toEqual([...Object.keys(WARNING_SENTENCES), 'MFA_KIT_UNSAFE_STORAGE'].sort());
  });

  it('has lists to compare with', () => {
    expect(exportedNames().length).toBeGreaterThan(200);
    expect(eventDetails().length).toBeGreaterThan(30);
    expect(warningCodes().length).toBeGreaterThan(15);
    expect(OPTION_TABLES.length).toBeGreaterThan(18);
    expect(Object.keys(themeOf('light')).length).toBeGreaterThan(10);
  });

  it('gives each option a type and a default', () => {
    for (const [name, type, page] of OPTION_TABLES) {
      const rows = tableUnder(textOf(page), `\`${type}\`\n`);
      for (const { name: option, optional } of interfaceOf(name, type)) {
        const [, given = '', value = ''] = rows.find(([cell]) => cell === `\`${option}\``) ?? [];
        expect(given, `${type}.${option}`).not.toBe('');
        expect(value === 'required', `${type}.${option}`).toBe(!optional);
        expect(value, `${type}.${option}`).not.toBe('');
      }
      expect(
        rows.map(([cell]) => cell),
        type,
      ).toEqual(interfaceOf(name, type).map((option) => `\`${option.name}\``));
    }
    const rows = tableUnder(textOf('options.md'), '`MfaOptions`\n');
    for (const [name, option] of Object.entries(OPTIONS)) {
      const value = 'default' in option ? option.default : undefined;
      if (value === undefined || typeof value === 'function') continue;
      expect(rows.find(([cell]) => cell === `\`${name}\``)?.[2], name).toBe(`\`${literal(value)}\``);
    }
  });

  it('gives each theme property its values', () => {
    const [light, dark] = [themeOf('light'), themeOf('dark')];
    for (const [cell = '', , inLight = '', inDark = ''] of tableUnder(textOf('theme.md'), '# Theme properties')) {
      const name = cell.replaceAll('`', '');
      expect(light[name], name).toBeDefined();
      const [, begin = ''] = /^`([^`]+)`/.exec(inLight) ?? [];
      expect(light[name]?.startsWith(begin), name).toBe(true);
      expect(inDark, name).toBe(dark[name] === undefined ? 'same' : `\`${dark[name]}\``);
    }
  });

  it('gives each problem its status in one place', () => {
    for (const reason of refusals()) expect(describeProblem(reason as 'busy').status, reason).toBeGreaterThan(399);
  });

  it('has the messages of failures as the sources have them; MFA_KIT_WRITE_DOCS=1 writes them', () => {
    if (process.env.MFA_KIT_WRITE_DOCS === '1') writeFileSync(SET_UP_PROBLEMS, setUpProblemsPage());
    expect(readFileSync(SET_UP_PROBLEMS, 'utf8')).toBe(setUpProblemsPage());
  });
});

/** `{ days: 30 }` as one would write it. */
function literal(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{ ${Object.entries(value)
    .map(([name, field]) => `${name}: ${literal(field)}`)
    .join(', ')} }`;
}
