import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesUnder, type Manifest, manifestOf, packageNames, repositoryUrl, root, sourcesOf } from './sources.js';

describe.each(packageNames)('the manifest of %s', (name) => {
  const manifest = manifestOf(name);
  const entries = Object.entries(manifest.exports).filter(([entry]) => entry !== './package.json');

  it.each(entries)('the entry %s has one source, with its conditions in the order that resolvers need', (entry, target) => {
    const source = (target as Record<string, string>)['mfa-kit-source'] ?? '';
    expect(existsSync(path.join(root, 'packages', name, source)), `${entry} names ${source}`).toBe(true);
    const built = source.replace('./src/', './dist/').replace(/\.ts$/, '');
    expect(Object.entries(target)).toEqual([
      ['mfa-kit-source', source],
      ['types', `${built}.d.ts`],
      ['default', `${built}.js`],
    ]);
  });

  it('lists the same entries for older resolution', () => {
    const expected = Object.fromEntries(
      entries
        .filter(([entry]) => entry !== '.')
        .map(([entry, target]) => [entry.slice(2), [(target as Record<string, string>).types]]),
    );
    expect(manifest.typesVersions?.['*'] ?? {}).toEqual(expected);
    const main = manifest.exports['.'] as Record<string, string>;
    expect([manifest.main, manifest.types]).toEqual([main.default, main.types]);
  });

  it('SUP-3: packs sources and build, runs nothing on install, and asks for Node 20.19', () => {
    expect(manifest).toMatchObject({
      type: 'module',
      license: 'MIT',
      sideEffects: false,
      files: ['dist', 'src', 'CHANGELOG.md'],
      engines: { node: '>=20.19.0' },
    });
    expect(Object.keys(manifest.scripts ?? {}).filter((script) => /install|prepare|prepublish|postpack/.test(script))).toEqual(
      [],
    );
  });

  it('F77: names its home, builds before it is packed, and has a changelog', () => {
    const home = repositoryUrl();
    expect(manifest).toMatchObject({
      homepage: `${home}/tree/main/packages/${name}#readme`,
      bugs: { url: `${home}/issues` },
      repository: { type: 'git', url: `git+${home}.git`, directory: `packages/${name}` },
      scripts: { prepack: 'node ../prepack.mjs' },
    });
    expect(manifest.keywords?.length).toBeGreaterThan(5);
    expect(readFileSync(path.join(root, 'packages', name, 'CHANGELOG.md'), 'utf8')).toContain(`# @mfa-kit/${name}\n`);
  });

  it('includes the license of the repository', () => {
    const license = readFileSync(path.join(root, 'packages', name, 'LICENSE'), 'utf8');
    expect(license).toBe(readFileSync(path.join(root, 'LICENSE'), 'utf8'));
  });

  it('SUP-3: pins its dependencies, and its siblings to the same version', () => {
    for (const [dependency, range] of Object.entries(manifest.dependencies ?? {})) {
      expect(range, dependency).toMatch(/^\d+\.\d+\.\d+$/);
      if (dependency.startsWith('@mfa-kit/')) expect(range).toBe(manifest.version);
    }
  });
});

describe('the entries of the packages', () => {
  it('include one for every storage adapter', () => {
    const entries = Object.keys(manifestOf('core').exports);
    const adapters = filesUnder(path.join(root, 'packages/core/src/storage')).filter((file) => /^[a-z]+\.ts$/.test(file));
    const missing = adapters.map((file) => `./storage/${file.replace('.ts', '')}`).filter((entry) => !entries.includes(entry));
    expect(missing).toEqual(['./storage/storage']);
  });

  it('of core export at most 15 names besides types', async () => {
    const names = Object.keys(await import('@mfa-kit/core'));
    expect(names.length, names.join(' ')).toBeLessThanOrEqual(15);
    expect(names).toContain('createMfa');
  });

  it('of express export at most 6 names besides types', async () => {
    const names = Object.keys(await import('@mfa-kit/express'));
    expect(names.length, names.join(' ')).toBeLessThanOrEqual(6);
    expect(names).toContain('expressMfa');
  });

  it('of nest export at most 15 names besides types', async () => {
    const names = Object.keys(await import('@mfa-kit/nest'));
    expect(names.length, names.join(' ')).toBeLessThanOrEqual(15);
    expect(names).toContain('MfaModule');
  });

  it('contain only re-exports, and augmentations of a framework', () => {
    for (const name of packageNames) {
      for (const source of sourcesOf(name).filter(({ file }) => file.endsWith('index.ts'))) {
        const body = source.program.body as { type: string; importKind?: string; declaration?: unknown }[];
        const other = body.filter(
          (node) =>
            node.type !== 'TSModuleDeclaration' &&
            !isTypeImport(node) &&
            (node.type !== 'ExportNamedDeclaration' || node.declaration),
        );
        expect(
          other.map((node) => node.type),
          `${name}/${source.file}`,
        ).toEqual([]);
      }
    }
  });
});

describe('the packages together', () => {
  it('have few dependencies and no database client', () => {
    const core = Object.keys(manifestOf('core').dependencies ?? {});
    expect(core.length).toBeLessThanOrEqual(6);
    expect(Object.keys(manifestOf('express').dependencies ?? {}).length).toBeLessThanOrEqual(2);
    expect(core.filter((dependency) => /pg|sql|redis|mongo|typeorm|prisma|dynamo/.test(dependency))).toEqual([]);
  });

  it('pin one version of everything, with the examples and tests', () => {
    const pins = new Map<string, Set<string>>();
    const folders = [
      '.',
      ...packageNames.map((name) => `packages/${name}`),
      'examples/bearer-api',
      'examples/demo-host',
      'examples/express-passport',
      'examples/nest',
    ];
    for (const folder of folders) {
      const { dependencies, devDependencies } = JSON.parse(
        readFileSync(path.join(root, folder, 'package.json'), 'utf8'),
      ) as Manifest;
      for (const [name, range] of Object.entries({ ...dependencies, ...devDependencies })) {
        pins.set(name, (pins.get(name) ?? new Set()).add(range));
      }
    }
    expect([...pins].filter(([, ranges]) => ranges.size > 1)).toEqual([]);
    expect([...pins].filter(([, ranges]) => ![...ranges].every((range) => /^(npm:\w+@)?\d[\w.-]*$/.test(range)))).toEqual([]);
  });

  it('have one version', () => {
    expect(new Set(packageNames.map((name) => manifestOf(name).version)).size).toBe(1);
  });
});

function isTypeImport(node: { type: string; importKind?: string }): boolean {
  return node.type === 'ImportDeclaration' && node.importKind === 'type';
}
