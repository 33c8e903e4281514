import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifestOf, root } from '../house/sources.js';
import { ROUNDS } from '../support/proof.js';
import { reportMissing } from '../support/requires.js';
import { consumerFiles, consumerFolder, type Packed, packAll, removeFolder, run } from './pack.js';

/** The built files that the package's manifest exports. */
const entriesOf = (name: string): string[] =>
  Object.values(manifestOf(name.replace('@mfa-kit/', '')).exports).flatMap((entry) =>
    typeof entry === 'string' ? [] : String(entry.default).slice('./dist/'.length, -'.js'.length),
  );

let packed: Packed[];
let tarballs: string;
let consumer: string;

beforeAll(() => {
  tarballs = mkdtempSync(path.join(tmpdir(), 'mfa-kit-pack-'));
  packed = packAll(tarballs);
  consumer = consumerFolder(packed);
  for (const file of consumerFiles()) copyFileSync(path.join(root, 'test/packages/consumer', file), path.join(consumer, file));
  writeFileSync(path.join(consumer, 'package.json'), '{ "type": "module", "private": true }\n');
}, 120_000);

afterAll(() => {
  if (tarballs) removeFolder(tarballs);
  if (consumer) removeFolder(consumer);
});

describe('what is published', () => {
  it('consists of build, sources, README, license and manifest, for three packages', () => {
    expect(packed.map(({ name }) => name).sort()).toEqual(['@mfa-kit/core', '@mfa-kit/express', '@mfa-kit/nest']);
    for (const { name, files } of packed) {
      const outside = files.filter((file) => !/^(dist|src)\//.test(file)).sort();
      expect(outside, name).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
      const odd = files.filter((file) => /^src\//.test(file) && !file.endsWith('.ts'));
      expect(odd, name).toEqual([]);
      expect(
        files.filter((file) => /\.tsbuildinfo$|\.test\.|\.env|\.npmrc/.test(file)),
        name,
      ).toEqual([]);
    }
  });

  it('F41: includes every source that a source map names', () => {
    for (const { name, files } of packed) {
      const folder = path.join(consumer, 'node_modules', name);
      const named = files
        .filter((file) => file.endsWith('.map'))
        .flatMap((file) => {
          const { sources, sourceRoot } = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as {
            sources: string[];
            sourceRoot?: string;
          };
          return sources.map((source) => path.posix.join(path.posix.dirname(file), sourceRoot ?? '', source));
        });
      expect(named.length, name).toBeGreaterThan(20);
      expect(
        [...new Set(named)].filter((source) => !files.includes(source)),
        name,
      ).toEqual([]);
    }
  });

  it('has the types of each source, and its code in few files, because each one takes time at every start', () => {
    for (const { name, files } of packed) {
      const stems = (folder: string, ending: string): string[] =>
        files
          .filter((file) => file.startsWith(folder) && file.endsWith(ending) && !(folder === 'src/' && file.endsWith('.d.ts')))
          .map((file) => file.slice(folder.length, -ending.length))
          .sort();
      const sources = stems('src/', '.ts');
      expect(stems('dist/', '.d.ts'), name).toEqual(sources);
      const code = stems('dist/', '.js');
      expect(code, name).toEqual(expect.arrayContaining(stems('dist/', '.js.map')));
      expect(code, name).toEqual(expect.arrayContaining(entriesOf(name)));
      expect(code.filter((file) => !entriesOf(name).includes(file) && !file.startsWith('chunks/'))).toEqual([]);
    }
  });
});

describe('what is built', () => {
  it('imports only what the manifest names', () => {
    for (const { name, files } of packed) {
      const short = name.replace('@mfa-kit/', '');
      const { dependencies, peerDependencies } = manifestOf(short);
      const named = Object.keys({ ...dependencies, ...peerDependencies });
      const code = files.filter((file) => /^dist\/.*\.js$/.test(file));
      const imported = code.flatMap((file) =>
        [...readFileSync(path.join(root, 'packages', short, file), 'utf8').matchAll(/(?:from|import) ?\(?"([^".][^"]*)"/g)].map(
          ([, specifier = '']) => specifier,
        ),
      );
      const packages = imported.filter((one) => !one.startsWith('node:')).map((one) => /^(@[^/]+\/)?[^/]+/.exec(one)?.[0]);
      expect(packages.length, name).toBeGreaterThan(0);
      expect(named, name).toEqual(expect.arrayContaining([...new Set(packages)]));
    }
  });
});

describe('an application that installs it', () => {
  it('can import every entry from ESM', () => {
    expect(run('node', ['esm.mjs'], consumer)).toContain('esm works');
  });

  it.each(['@mfa-kit/express', '@mfa-kit/nest'])('loads nothing of the coverage report with %s', (name) => {
    const hook =
      'data:text/javascript,import{writeSync}from"node:fs";export const load=(url,context,next)=>{writeSync(1,url+"\\n");return next(url,context)}';
    const code = (entry: string): string =>
      `import { register } from 'node:module'; register(${JSON.stringify(hook)}); await import('${entry}');`;
    const sourcesOf = (entry: string): string[] =>
      run('node', ['--input-type=module', '-e', code(entry)], consumer)
        .split('\n')
        .filter((url) => url.startsWith('file:') && existsSync(`${fileURLToPath(url)}.map`))
        .flatMap((url) => (JSON.parse(readFileSync(`${fileURLToPath(url)}.map`, 'utf8')) as { sources: string[] }).sources)
        .filter((source) => source.includes('coverage'));
    expect(sourcesOf(name)).toEqual([]);
    expect(sourcesOf(`${name}/coverage`).length).toBeGreaterThan(5);
  });

  it('can require every entry from CommonJS', () => {
    expect(run('node', ['cjs.cjs'], consumer)).toContain('cjs works');
  });

  it('guards a Nest application in CommonJS without type metadata', () => {
    expect(run('node', ['nest.cjs'], consumer)).toBe('401 login_again\n');
  });

  it.each([
    { name: 'nodenext', module: 'nodenext', moduleResolution: 'nodenext' },
    { name: 'node20', module: 'node20', moduleResolution: 'node16' },
    { name: 'bundler', module: 'esnext', moduleResolution: 'bundler' },
    { name: 'preserve', module: 'preserve', moduleResolution: 'bundler' },
  ])('compiles with resolution $name', ({ name, module, moduleResolution }) => {
    const options = {
      module,
      moduleResolution,
      target: 'es2022',
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      types: ['node'],
    };
    writeFileSync(
      path.join(consumer, `tsconfig.${name}.json`),
      JSON.stringify({ compilerOptions: options, files: ['types.ts'] }),
    );
    run(path.join(root, 'node_modules/.bin/tsc'), ['-p', `tsconfig.${name}.json`], consumer);
  });

  it('F75: shows a QR code and a page from one ESM bundle of esbuild', () => {
    const esbuild = installedForCompilers('esbuild/bin/esbuild');
    if (esbuild === null) return;
    const options = [
      '--bundle',
      '--platform=node',
      '--format=esm',
      '--external:express',
      // It requires a module of Node, as Express does.
      '--external:passport-custom',
      '--outfile=bundle.mjs',
      '--log-level=warning',
    ];
    run(esbuild, ['bundled.mjs', ...options], consumer);
    for (const name of ['core', 'express']) {
      renameSync(path.join(consumer, 'node_modules/@mfa-kit', name), path.join(consumer, `away-${name}`));
    }
    try {
      expect(run('node', ['bundle.mjs'], consumer)).toContain('bundle works, 200');
    } finally {
      for (const name of ['core', 'express']) {
        renameSync(path.join(consumer, `away-${name}`), path.join(consumer, 'node_modules/@mfa-kit', name));
      }
    }
  });

  // The READMEs promise TypeScript 5.9, 6 and 7, and the library of ES2020.
  // The repository itself is compiled with TypeScript 7, so only `npm run prove` compiles a consumer with it.
  it.each(ROUNDS > 2 ? ['5', '6', '7'] : ['5', '6'])(
    'F71, F72, F73, F74, F76: compiles with TypeScript %s and every strict flag',
    (major) => {
      const compiler = compilerOf(major);
      if (compiler === null) return;
      const options = {
        ...{ module: 'nodenext', moduleResolution: 'nodenext', target: 'es2020', lib: ['es2020'], types: ['node'] },
        ...{ strict: true, noEmit: true, skipLibCheck: false, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
        ...{
          verbatimModuleSyntax: true,
          isolatedModules: true,
          noPropertyAccessFromIndexSignature: true,
          noImplicitOverride: true,
        },
        ...{ noImplicitReturns: true, noFallthroughCasesInSwitch: true, noUnusedLocals: true, noUnusedParameters: true },
      };
      writeFileSync(
        path.join(consumer, `tsconfig.strict-${major}.json`),
        JSON.stringify({ compilerOptions: options, files: ['strict.mts', 'strict.cts', 'own-fields.mts', 'inputs.mts'] }),
      );
      expect(run('node', [compiler, '--version'], consumer)).toContain(`Version ${major}.`);
      run('node', [compiler, '-p', `tsconfig.strict-${major}.json`], consumer);
    },
    120_000,
  );
});

/** The file that runs a compiler; null if it is not installed. */
function compilerOf(major: string): string | null {
  return major === '7'
    ? path.join(root, 'node_modules/typescript/bin/tsc')
    : installedForCompilers(`typescript-${major}/bin/tsc`);
}

/** A file of test/apps/compilers; null after printing what to install, if it is missing. */
function installedForCompilers(name: string): string | null {
  const file = path.join(root, 'test/apps/compilers/node_modules', name);
  return existsSync(file) ? file : reportMissing('other compilers are missing: npm ci --prefix test/apps/compilers');
}
