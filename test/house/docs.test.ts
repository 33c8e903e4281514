import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { endpointPaths } from '../../packages/core/src/http/paths/endpoint-paths.js';
import { describeProblem, type ProblemReason } from '../../packages/core/src/http/problem.js';
import { OPTIONS } from '../../packages/core/src/options.js';
import { allDocs, type Snippet, snippetsOf, tableUnder } from './docs.js';
import { filesUnder, manifestOf, type Node, nodesOf, packageNames, repositoryUrl, root, sourcesOf } from './sources.js';

const docs = allDocs();
const readme = docs.find(({ file }) => file === 'README.md')?.text ?? '';
const readmeOf = (name: string): string => docs.find(({ file }) => file === `packages/${name}/README.md`)?.text ?? '';
/** Where npm sends the readers of a package's README. */
const repository = `${repositoryUrl()}/blob/main/`;

describe('code in the docs', () => {
  const snippets = docs.flatMap(snippetsOf);

  it('compiles against the packages', () => {
    expect(compileSnippets(snippets)).toBe('');
  }, 60_000);

  it('is compiled for every document', () => {
    const wrong = "const text: number = 'no number';\n";
    const broken = compileSnippets([
      { file: 'docs/guides/one.md', line: 1, language: 'ts', code: wrong },
      { file: 'README.md', line: 1, language: 'js', code: "const { createMfa } = require('@mfa-kit/core');\ncreateMfa();\n" },
    ]);
    expect(broken).toContain('error TS2322');
    expect(broken).toContain('error TS2554');
  }, 60_000);

  it('in diffs removes at most one line per hunk', () => {
    for (const block of readme.matchAll(/^```diff\n(.*?)^```$/gms)) {
      const lines = (block[1] ?? '').split('\n');
      expect(lines.filter((line) => line.startsWith('-')).length).toBeLessThanOrEqual(2);
      expect(lines.filter((line) => line !== '' && !/^[ +-]/.test(line))).toEqual([]);
    }
  });

  it('for Jest is the setting that the matrix runs', () => {
    const shown = snippetsOf({ file: '', text: readmeOf('core') }).find(({ code }) => code.includes('jest.config.cjs'))?.code;
    const used = readFileSync(path.join(root, 'test/matrix/jest/jest.config.cjs'), 'utf8');
    expect(shown?.split('\n').slice(1).join('\n')).toBe(used);
  });
});

describe('the tables of options in the READMEs of the packages', () => {
  it('name every option of createMfa, in order, with its default', () => {
    const rows = tableUnder(readmeOf('core'), '`createMfa(options)` refuses');
    expect(rows.map(([name]) => name)).toEqual(fieldsOf('core', 'options.ts', 'MfaOptions').map(({ name }) => `\`${name}\``));
    const required = fieldsOf('core', 'options.ts', 'MfaOptions').filter(({ optional }) => !optional);
    expect(rows.filter(([, value]) => value === 'required').map(([name]) => name)).toEqual(
      required.map(({ name }) => `\`${name}\``),
    );
    for (const [name, option] of Object.entries(OPTIONS)) {
      const value = 'default' in option ? option.default : undefined;
      if (value === undefined || typeof value === 'function') continue;
      const row = rows.find(([cell]) => cell === `\`${name}\``);
      expect(row?.[1], name).toBe(`\`${literal(value)}\``);
    }
  });

  it('name every option of expressMfa', () => {
    const rows = tableUnder(readmeOf('express'), '## Options').map(([name]) => name);
    const own = fieldsOf('express', 'express-options.ts', 'ExpressMfaOptions');
    const shared = fieldsOf('core', 'http/http-options.ts', 'HttpOptions');
    const names = [...new Set([...own, ...shared].map(({ name }) => `\`${name}\``))];
    expect([...rows].sort()).toEqual([...names].sort());
  });

  it('name every option of MfaModule', () => {
    const rows = tableUnder(readmeOf('nest'), '## Options').map(([name]) => name);
    const own = ['MfaModuleOptions', 'MfaModuleExtras'].flatMap((name) => fieldsOf('nest', 'mfa.options.ts', name));
    const shared = fieldsOf('core', 'http/http-options.ts', 'HttpOptions');
    const names = [...new Set([...own, ...shared].map(({ name }) => `\`${name}\``))];
    expect([...rows].sort()).toEqual([...names].sort());
  });

  it('name every storage adapter', () => {
    const rows = tableUnder(readmeOf('core'), '## Storage').map(([name]) => name);
    const entries = Object.keys(manifestOf('core').exports).filter((entry) => entry.startsWith('./storage/'));
    expect([...rows].sort()).toEqual(entries.map((entry) => `\`${entry.slice('./storage/'.length)}\``).sort());
  });
});

describe('docs/reference/http.md', () => {
  const text = docs.find(({ file }) => file === 'docs/reference/http.md')?.text ?? '';

  it('names every endpoint', () => {
    const paths = tableUnder(text, '# HTTP').map(([request = '']) => /^`(?:GET|POST) \/mfa(.*)`$/.exec(request)?.[1]);
    const served = endpointPaths().filter((path) => !path.startsWith('/assets/'));
    expect([...new Set(paths)].sort()).toEqual([...served].sort());
  });

  it('names every reason with its status', () => {
    const rows = tableUnder(text, '## Refusals').flatMap(([status, reasons = '']) =>
      [...reasons.matchAll(/`([a-z_]+)`/g)].map(([, reason = '']) => [reason, Number(status)]),
    );
    const source = sourcesOf('core').find(({ file }) => file === 'http/problem.ts');
    const table = [...(source ? nodesOf(source.program) : [])].find(
      (node) => node.type === 'VariableDeclarator' && (node.id as Node).name === 'PROBLEMS',
    );
    const fields = (table?.init as Node | undefined)?.properties as Node[] | undefined;
    const reasons = (fields ?? []).map((property) => String((property.key as Node).name));
    expect(Object.fromEntries(rows)).toEqual(
      Object.fromEntries(reasons.map((one) => [one, describeProblem(one as ProblemReason).status])),
    );
  });
});

describe('the docs', () => {
  it.each(docs.map(({ file, text }) => [file, text]))('all links of %s work', (file, text) => {
    const broken = linksOf(text)
      .filter((target) => target.startsWith(repository) || !/^(https?:|mailto:)/.test(target))
      .filter((target) =>
        target.startsWith(repository)
          ? !leadsSomewhere('README.md', readme, target.slice(repository.length))
          : !leadsSomewhere(file, text, target),
      );
    expect(broken).toEqual([]);
  });

  it.each(packageNames)('F77: the README of %s has no link that does not work on npm', (name) => {
    const links = linksOf(readmeOf(name)).filter((target) => !target.startsWith('#'));
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((target) => !target.startsWith(repository))).toEqual([]);
  });

  it('have an index that leads to every page', () => {
    const index = docs.find(({ file }) => file === 'docs/README.md')?.text ?? '';
    const linked = new Set(linksOf(index).map((target) => `docs/${target.split('#')[0]}`));
    const pages = docs.map(({ file }) => file).filter((file) => /^docs\/(guides|reference)\//.test(file));
    expect(pages.length).toBeGreaterThan(20);
    expect(pages.filter((file) => !linked.has(file))).toEqual([]);
  });

  it('define every id that tests use', () => {
    const defined = new Set(
      [...(docs.find(({ file }) => file === 'docs/threat-model.md')?.text ?? '').matchAll(/^\| ([A-Z]+-?\d+) \|/gm)].map(
        ([, id]) => id,
      ),
    );
    const groups = { ENR: 8, TOTP: 7, THR: 8, REC: 7, DEV: 8, STP: 5, SES: 8, STO: 7, CRY: 7, HTTP: 8, LOG: 5, SUP: 6, FLT: 6 };
    const expected = Object.entries(groups).flatMap(([group, count]) => numbered(`${group}-`, count));
    const missing = [...expected, ...numbered('T', 47), ...numbered('I', 12)].filter((id) => !defined.has(id));
    expect(missing).toEqual([]);
    const used = filesUnder(path.join(root, 'test'))
      .filter((file) => file.endsWith('.test.ts'))
      .flatMap((file) => [
        ...readFileSync(path.join(root, 'test', file), 'utf8').matchAll(/(?<![\w-])([A-Z]{3,4}-\d{1,2}|T[1-9]\d?)(?=[\s,:;)])/g),
      ])
      .map(([, id = '']) => id)
      .filter((id) => !/^(UTF|SHA|RFC|AES|ISO)-/.test(id));
    expect(used.length).toBeGreaterThan(20);
    expect([...new Set(used)].filter((id) => !defined.has(id))).toEqual([]);
  });

  it('name only files that exist', () => {
    const text = docs.find(({ file }) => file === 'ARCHITECTURE.md')?.text ?? '';
    const named = [...text.matchAll(/`([\w/-]+(?:\.ts|\/))`/g)].map(([, file = '']) => file);
    expect(named.length).toBeGreaterThan(20);
    const core = path.join(root, 'packages/core/src');
    expect(named.filter((file) => !existsSync(path.join(core, file)) && !existsSync(path.join(root, file)))).toEqual([]);
  });

  it('contain no path of a particular machine', () => {
    const found = docs.filter(({ text }) => /(^|[\s`(])\/(work|home|root|Users|tmp)\//m.test(text)).map(({ file }) => file);
    expect(found).toEqual([]);
  });
});

describe('exported names', () => {
  it('are the words of the kit', () => {
    const wrong = /backup|trusted|2fa|twofa|manager|helper|enrolment/i;
    const names = ['core', 'express', 'nest'].flatMap((name) => sourcesOf(name).flatMap(({ program }) => exportedNames(program)));
    expect(names.length).toBeGreaterThan(30);
    expect(names.filter((name) => wrong.test(name))).toEqual([]);
  });
});

const COMPILED = ['ts', 'js', 'diff'];

/**
 * What the compiler says about these snippets. Each document has a folder of its own, so that its files can import each other: a first
 * line such as `// app.module.ts` names the file. All import what `test/house/snippets` has in place of the application.
 */
function compileSnippets(snippets: readonly Snippet[]): string {
  const folder = path.join(root, 'test/.snippets');
  rmSync(folder, { recursive: true, force: true });
  const compiled = snippets.filter(({ language }) => COMPILED.includes(language));
  expect(compiled.length).toBeGreaterThan(1);
  const files = compiled.map((snippet) => {
    const file = path.join(snippet.file.replaceAll('/', '_').replace('.md', ''), fileName(snippet));
    mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    expect(existsSync(path.join(folder, file)), `${file} twice`).toBe(false);
    writeFileSync(path.join(folder, file), file.endsWith('.cjs') ? snippet.code : `${snippet.code}\nexport {};\n`);
    return file;
  });
  const scripts = files.filter((file) => !file.endsWith('.ts'));
  const typed = files.filter((file) => file.endsWith('.ts'));
  return [
    compileFiles(folder, typed, {}),
    compileFiles(folder, scripts, { allowJs: true, checkJs: true, noImplicitAny: false }),
  ].join('');
}

function compileFiles(folder: string, files: readonly string[], options: object): string {
  if (files.length === 0) return '';
  const application = '../house/snippets';
  const compilerOptions = {
    noUnusedLocals: false,
    noUnusedParameters: false,
    rootDir: '../..',
    rootDirs: [application, ...new Set(files.map((file) => path.dirname(file)))],
    ...options,
  };
  // Named one by one, because a pattern would find nothing in a folder whose name begins with a dot.
  writeFileSync(
    path.join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../tsconfig.json', compilerOptions, files, include: [application], exclude: [] }),
  );
  return compile(folder);
}

function fileName({ line, language, code }: Snippet): string {
  const [, named] = /^\/\/ ([\w.-]+\.(?:ts|js|cjs|mjs))(?=\n|:)/.exec(code) ?? [];
  if (named !== undefined) return named;
  if (language !== 'js') return `line-${line}.ts`;
  return /\brequire\(|\bmodule\.exports\b/.test(code) ? `line-${line}.cjs` : `line-${line}.mjs`;
}

function compile(folder: string): string {
  try {
    execFileSync(path.join(root, 'node_modules/.bin/tsc'), ['-p', folder, '--noEmit', '--pretty', 'false'], {
      encoding: 'utf8',
      cwd: folder,
    });
    return '';
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

function linksOf(text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
}

function leadsSomewhere(file: string, text: string, target: string): boolean {
  const [relative = '', anchor] = target.split('#');
  const to = path.join(root, path.dirname(file), relative);
  if (relative !== '' && !existsSync(to)) return false;
  if (anchor === undefined) return true;
  const anchored = relative === '' ? text : readFileSync(to, 'utf8');
  return [...anchored.matchAll(/^#+ (.*)$/gm)].some(([, heading = '']) => slug(heading) === anchor);
}

function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .trim()
    .replaceAll(' ', '-');
}

function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
}

/** `{ days: 30 }` as one would write it. */
function literal(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{ ${Object.entries(value)
    .map(([name, field]) => `${name}: ${literal(field)}`)
    .join(', ')} }`;
}

/** The fields of an interface, methods included, in the order of the source. */
function fieldsOf(name: string, file: string, interfaceName: string): { name: string; optional: boolean }[] {
  const source = sourcesOf(name).find((one) => one.file === file);
  expect(source, `packages/${name}/src/${file}`).toBeDefined();
  for (const node of source ? nodesOf(source.program) : []) {
    if (node.type !== 'TSInterfaceDeclaration' || (node.id as Node).name !== interfaceName) continue;
    return ((node.body as Node).body as Node[]).map((field) => ({
      name: String((field.key as Node).name),
      optional: field.optional === true,
    }));
  }
  throw new Error(`no interface ${interfaceName} in packages/${name}/src/${file}`);
}

function exportedNames(program: Node): string[] {
  return (program.body as Node[]).flatMap((node) => {
    if (node.type !== 'ExportNamedDeclaration') return [];
    const specifiers = (node.specifiers as Node[]).map((one) => String((one.exported as Node).name));
    const declaration = node.declaration as Node | null;
    const declared = (declaration?.id as Node | undefined)?.name;
    return declared ? [...specifiers, String(declared)] : specifiers;
  });
}
