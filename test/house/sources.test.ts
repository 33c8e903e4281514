import { describe, expect, it } from 'vitest';
import { type Node, nodesOf, packageNames, type Source, sourcesOf } from './sources.js';

const sources = packageNames.flatMap((name) =>
  sourcesOf(name).map((source) => ({ ...source, file: `${name}/src/${source.file}` })),
);

describe('the sources of the packages', () => {
  it('contain no number of the contract in the packages for frameworks', () => {
    // Up to five: how many parameters a handler of Express has, and its version.
    const number = (node: Node): boolean => node.type === 'Literal' && typeof node.value === 'number' && node.value > 5;
    const wrappers = /^(express|nest)\/src\//;
    expect(filesWith(number).filter((file) => wrappers.test(file))).toEqual([]);
    expect(filesWith(number).length).toBeGreaterThan(10);
  });

  it('have no default exports and no star exports', () => {
    expect(filesWith((node) => node.type === 'ExportDefaultDeclaration' || node.type === 'ExportAllDeclaration')).toEqual([]);
  });

  it('have no import.meta and no top-level await, so that Jest users can transform them', () => {
    expect(filesWith((node) => node.type === 'MetaProperty' && (node.meta as Node).name === 'import')).toEqual([]);
    expect(sources.filter(({ program }) => hasTopLevelAwait(program)).map(({ file }) => file)).toEqual([]);
  });

  it('read the clock in options.ts only', () => {
    const clock = (node: Node): boolean =>
      isMember(node, 'Date', 'now') ||
      (node.type === 'NewExpression' && nameOf(node.callee) === 'Date' && (node.arguments as Node[]).length === 0) ||
      (node.type === 'CallExpression' && nameOf(node.callee) === 'Date');
    expect(filesWith(clock)).toEqual(['core/src/options.ts']);
    // The monotonic clock, which deadlines use, does not tell the time of day.
    const countdown = (node: Node): boolean => isMember(node, 'performance', 'now') || isMember(node, 'process', 'hrtime');
    expect(filesWith(countdown).filter((file) => file !== 'core/src/time.ts')).toEqual([]);
  });

  it('make randomness in crypto/random.ts only', () => {
    const chance = /^(randomBytes|randomUUID|randomInt|randomFill|randomFillSync|getRandomValues|webcrypto)$/;
    const makes = (node: Node): boolean =>
      isMember(node, 'Math', 'random') ||
      (isImportOf(node, /^(node:)?crypto$/) &&
        (node.specifiers as Node[]).some((one) => (one.imported ? chance.test(nameOf(one.imported) ?? '') : true))) ||
      (node.type === 'MemberExpression' && chance.test(nameOf(node.property) ?? ''));
    expect(filesWith(makes).filter((file) => file !== 'core/src/crypto/random.ts')).toEqual([]);
  });

  it('import node:crypto in crypto/ and store/seal.ts only', () => {
    const users = sources
      .filter(({ imports }) => imports.some(({ specifier }) => /^(node:)?crypto$/.test(specifier)))
      .map(({ file }) => file)
      .filter((file) => !file.startsWith('core/src/crypto/') && file !== 'core/src/store/seal.ts');
    expect(users).toEqual([]);
  });

  it('use no setInterval', () => {
    expect(filesWith((node) => nameOf(node) === 'setInterval')).toEqual([]);
  });

  it('F36: read timer functions only in time.ts when it is loaded, and use them only for deadlines and pauses', () => {
    const names = new Set(['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance']);
    const takers = filesWith(
      (node) =>
        (node.type === 'CallExpression' && names.has(nameOf(node.callee) ?? '')) ||
        (node.type === 'MemberExpression' && ['globalThis', 'performance'].includes(nameOf(node.object) ?? '')),
    );
    expect(takers).toEqual(['core/src/time.ts']);
    const users = filesWith((node) => isMember(node, 'timers', 'setTimeout'));
    expect(
      users.filter(
        (file) =>
          !/^core\/src\/(store\/deadline\.ts|http\/flows\/(open-connection|while-allowed)\.ts|storage\/(conformance|query-deadline\.ts|redis-silence\.ts))/.test(
            file,
          ),
      ),
    ).toEqual([]);
  });

  it('disable no checks and contain no unfinished work', () => {
    const marks = /@ts-(ignore|nocheck|expect-error)|biome-ignore|oxlint-disable|\b(TODO|FIXME|XXX)\b|not implemented/;
    expect(sources.filter(({ text }) => marks.test(text)).map(({ file }) => file)).toEqual([]);
  });
});

function filesWith(matches: (node: Node) => boolean): string[] {
  return sources.filter((source: Source) => some(source.program, matches)).map(({ file }) => file);
}

function some(program: Node, matches: (node: Node) => boolean): boolean {
  for (const node of nodesOf(program)) if (matches(node)) return true;
  return false;
}

function isMember(node: Node, object: string, property: string): boolean {
  return node.type === 'MemberExpression' && nameOf(node.object) === object && nameOf(node.property) === property;
}

function isImportOf(node: Node, specifier: RegExp): boolean {
  return node.type === 'ImportDeclaration' && specifier.test(String((node.source as { value?: unknown }).value));
}

function nameOf(node: unknown): string | undefined {
  const named = node as { type?: string; name?: unknown } | null;
  return named?.type === 'Identifier' && typeof named.name === 'string' ? named.name : undefined;
}

/** An `await` outside of functions. */
function hasTopLevelAwait(node: Node): boolean {
  if (/Function|MethodDefinition|PropertyDefinition/.test(node.type)) return false;
  if (node.type === 'AwaitExpression' || (node.type === 'ForOfStatement' && node.await === true)) return true;
  return Object.values(node)
    .flat()
    .some((child) => typeof child === 'object' && child !== null && 'type' in child && hasTopLevelAwait(child as Node));
}
