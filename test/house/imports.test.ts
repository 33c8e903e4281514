import { builtinModules } from 'node:module';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { manifestOf, nodesOf, packageNames, type Source, sourcesOf } from './sources.js';

/** The folders of core, lowest first. A file may use its own row and the rows above it, never a row below. */
const rows = [
  ['results', 'errors', 'events', 'assurance', 'time', 'awaitable'],
  ['warnings', 'host-input'],
  ['crypto', 'storage/storage'],
  ['options'],
  ['limits'],
  ['profile'],
  ['factors'],
  ['policy', 'store', 'tokens'],
  ['flows/steps'],
  ['flows'],
  ['mfa'],
];

const core = sourcesOf('core');

describe('imports in core run one way', () => {
  it('no file uses a folder below its own', () => {
    const wrong = core.flatMap((source) =>
      relativeImports(source)
        .filter(({ target, typeOnly }) => {
          // The interface of `mfa.ts` is the contract that flows fulfill; its types, and only they, are used from above.
          if (target === 'mfa' && typeOnly) return false;
          const from = rowOf(source.file);
          const to = rowOf(target);
          return from !== -1 && to !== -1 && to > from;
        })
        .map(({ target }) => `${source.file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('no rule, flow or factor knows HTTP, pages or an adapter', () => {
    const wrong = imports(
      core,
      (file, target) => rowOf(file) !== -1 && !isFactorPage(file) && /^(http|pages|html|testing|storage)\//.test(target),
    ).filter((line) => !line.endsWith(' storage/storage'));
    expect(wrong).toEqual([]);
  });

  it('the page part of a factor imports html and types of the pages', () => {
    const parts = core.filter(({ file }) => isFactorPage(file));
    const wrong = parts.flatMap((source) =>
      relativeImports(source)
        .filter(({ target, typeOnly }) => !/^(html|factors)\//.test(target) && !(typeOnly && target.startsWith('pages/')))
        .map(({ target }) => `${source.file} imports ${target}`),
    );
    expect(parts.length).toBeGreaterThan(2);
    expect(wrong).toEqual([]);
  });

  it('an adapter imports storage, errors and timers only', () => {
    const wrong = imports(core, (file, target) => file.startsWith('storage/') && !/^(storage\/.*|errors|time)$/.test(target));
    expect(wrong).toEqual([]);
  });

  it('http and pages import results and words, never storage, rules or keys', () => {
    const wrong = imports(
      core,
      (file, target) =>
        /^(http|pages|html)\//.test(file) &&
        /^(storage|flows|policy|factors|profile|limits|store|tokens|crypto)\//.test(target) &&
        // The entry hands the check of a requirement on to the framework packages; whileAllowed() is given one in a call.
        !(['http/index.ts', 'http/flows/while-allowed.ts'].includes(file) && target === 'policy/requirement') &&
        // What endpoints and pages know of factors: their kinds, the fields of their proofs, their words and parts of pages.
        !['factors/registry', 'factors/factor-page'].includes(target),
    );
    expect(wrong).toEqual([]);
  });

  it('F16: nothing is loaded late but the look of pages, and packages that few calls need', () => {
    const late = packageNames.flatMap((name) =>
      sourcesOf(name).flatMap(({ file, program }) =>
        [...nodesOf(program)]
          .filter(({ type }) => type === 'ImportExpression')
          .map(({ source }) => `${name}/${file} loads ${(source as { value?: unknown }).value}`),
      ),
    );
    expect([...new Set(late)].sort()).toEqual([
      'core/factors/recovery-code/recovery-code.ts loads ./page.js',
      'core/factors/totp/qr.ts loads node:zlib',
      'core/factors/totp/qr.ts loads qrcode/lib/core/qrcode.js',
      'core/factors/totp/qr.ts loads qrcode/lib/renderer/svg-tag.js',
      'core/factors/totp/totp.ts loads ./page.js',
      'core/http/device/device-label.ts loads bowser',
      'core/http/endpoints/answer-endpoint.ts loads ../../pages/assets/assets.js',
      'core/http/show-page.ts loads ../pages/render.js',
      'nest/platform/socket.ts loads @nestjs/websockets',
    ]);
  });

  it('pages do not import http', () => {
    expect(imports(core, (file, target) => file.startsWith('pages/') && target.startsWith('http/'))).toEqual([]);
  });

  it('only an entry of the package imports another entry', () => {
    expect(imports(core, (_file, target) => target === 'index' || target.endsWith('/index'))).toEqual([]);
  });

  it('no files use each other in a circle', () => {
    expect(circlesOf(core)).toEqual([]);
  });
});

describe.each(packageNames)('package %s', (name) => {
  const sources = sourcesOf(name);
  const manifest = manifestOf(name);
  const bare = sources.flatMap((source) =>
    source.imports.filter(({ specifier }) => !specifier.startsWith('.')).map((one) => ({ ...one, file: source.file })),
  );

  it('imports only what its manifest names', () => {
    const declared = new Set([...Object.keys(manifest.dependencies ?? {}), ...Object.keys(manifest.peerDependencies ?? {})]);
    const wrong = bare
      .filter(({ specifier, typeOnly }) => {
        if (isBuiltin(specifier)) return false;
        const dependency = packageOf(specifier);
        return !declared.has(dependency) && !(typeOnly && declared.has(`@types/${dependency}`));
      })
      .map(({ file, specifier }) => `${file} imports ${specifier}`);
    expect(wrong).toEqual([]);
  });

  it('has no dependency that it does not import', () => {
    const used = new Set(bare.map(({ specifier }) => packageOf(specifier)));
    expect(Object.keys(manifest.dependencies ?? {}).filter((dependency) => !used.has(dependency))).toEqual([]);
  });

  it('names node modules with the prefix, and writes file endings', () => {
    const wrong = sources.flatMap((source) =>
      source.imports
        .filter(
          ({ specifier }) => builtinModules.includes(specifier) || (specifier.startsWith('.') && !specifier.endsWith('.js')),
        )
        .map(({ specifier }) => `${source.file} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('the framework packages', () => {
  it.each(['express', 'nest'])('%s imports core through its entries, and no sibling', (name) => {
    const entries = Object.keys(manifestOf('core').exports).map((entry) => path.posix.join('@mfa-kit/core', entry));
    const wrong = sourcesOf(name).flatMap((source) =>
      source.imports
        .map(({ specifier }) => specifier)
        .filter((specifier) => specifier.startsWith('@mfa-kit/') && !entries.includes(specifier))
        .map((specifier) => `${source.file} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it.each(['express', 'nest'])('%s does not reach out of its folder', (name) => {
    const wrong = sourcesOf(name).flatMap((source) =>
      relativeImports(source)
        .filter(({ target }) => target.startsWith('..'))
        .map(({ target }) => `${source.file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });
});

function imports(sources: Source[], matches: (file: string, target: string) => boolean): string[] {
  return sources.flatMap((source) =>
    relativeImports(source)
      .filter(({ target }) => matches(source.file, target))
      .map(({ target }) => `${source.file} imports ${target}`),
  );
}

/** Relative imports as paths from `src`, without ending. */
function relativeImports(source: Source): { target: string; typeOnly: boolean }[] {
  return source.imports
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier, typeOnly }) => ({
      target: path.posix.join(path.posix.dirname(source.file), specifier).replace(/\.js$/, ''),
      typeOnly,
    }));
}

/** The part of the pages that a factor brings along, which the factor loads when a page is drawn. */
function isFactorPage(file: string): boolean {
  return /^factors\/([a-z-]+\/page|factor-page)\.ts$/.test(file);
}

function rowOf(file: string): number {
  const name = file.replace(/\.ts$/, '');
  return rows.findIndex((row) =>
    row.some((room) => name === room || (room !== 'storage/storage' && name.startsWith(`${room}/`))),
  );
}

/** Circles of imports that exist at run time. */
function circlesOf(sources: Source[]): string[] {
  const edges = new Map(
    sources.map((source) => [
      source.file.replace(/\.ts$/, ''),
      relativeImports(source)
        .filter(({ typeOnly }) => !typeOnly)
        .map(({ target }) => target),
    ]),
  );
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, trail: string[]): void => {
    const start = trail.indexOf(file);
    if (start !== -1) {
      circles.push([...trail.slice(start), file].join(' > '));
      return;
    }
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...trail, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  return circles;
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

function isBuiltin(specifier: string): boolean {
  return specifier.startsWith('node:');
}
