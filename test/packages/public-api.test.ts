import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { parseAst } from 'vitest/node';
import { manifestOf, type Node, packageNames, root } from '../house/sources.js';
import { compileAll } from './pack.js';

const LIST = path.join(root, 'docs/reference/public-api.md');

beforeAll(compileAll, 120_000);

it('the public API matches docs/reference/public-api.md (MFA_KIT_WRITE_API=1 updates it)', () => {
  const list = ['# Public API', '', INTRODUCTION, ...packageNames.flatMap(entriesOf), ''].join('\n');
  if (process.env.MFA_KIT_WRITE_API === '1') writeFileSync(LIST, list);
  expect(existsSync(LIST) ? readFileSync(LIST, 'utf8') : '').toBe(list);
});

const INTRODUCTION = `Every name that the packages export, with its declaration as the compiler sees it. A change to this file is a change for users: it needs
a changeset. \`MFA_KIT_WRITE_API=1 npx vitest run test/packages/public-api.test.ts\` writes it.`;

function entriesOf(name: string): string[] {
  const { exports } = manifestOf(name);
  return Object.entries(exports).flatMap(([entry, target]) => {
    if (typeof target === 'string') return [];
    const file = path.join(root, 'packages', name, target.types ?? '');
    const declarations = [...exportsOf(file)].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, text]) => text);
    return ['', `## @mfa-kit/${name}${entry.slice(1)}`, '', '```text', ...declarations, '```'];
  });
}

/** The names that a declaration file exports, each with the text of its declarations. */
function exportsOf(file: string): Map<string, string> {
  const text = readFileSync(file, 'utf8');
  const found = new Map<string, string>();
  const add = (name: string, declared: string): unknown =>
    found.set(name, [...(found.get(name)?.split('\n') ?? []), declared].join('\n'));
  for (const node of (parseAst(text, { lang: 'dts' }) as unknown as Node).body as Node[]) {
    if (node.type !== 'ExportNamedDeclaration') continue;
    const declaration = node.declaration as Node | null;
    if (declaration) for (const name of namesOf(declaration)) add(name, withTypeOf(oneLine(text, node), file, text));
    const source = (node.source as { value: string } | null)?.value;
    for (const one of node.specifiers as Node[]) {
      const [local, exported] = [one.local, one.exported].map((id) => String((id as Node).name));
      if (source?.startsWith('.')) {
        const declared = exportsOf(path.join(path.dirname(file), source.replace(/\.js$/, '.d.ts'))).get(local ?? '');
        expect(declared, `${exported} of ${file}`).toBeDefined();
        add(exported ?? '', declared ?? '');
      } else if (source !== undefined) {
        add(exported ?? '', `export { ${exported} } from '${source}'`);
      }
    }
  }
  return found;
}

/** Replaces a reference to a constant of another file in a type with the value of the constant. */
function withTypeOf(declared: string, file: string, text: string): string {
  const [, alias, constant] = /^(export type \w+ = )typeof (\w+);$/.exec(declared) ?? [];
  const [, source] = new RegExp(`import type \\{ ${constant} \\} from '\\./(.+)\\.js'`).exec(text) ?? [];
  if (alias === undefined || constant === undefined || source === undefined) return declared;
  const held = exportsOf(path.join(path.dirname(file), `${source}.d.ts`)).get(constant) ?? '';
  return alias + held.slice(held.indexOf('{'));
}

function namesOf(declaration: Node): string[] {
  if (declaration.type === 'VariableDeclaration') {
    return (declaration.declarations as Node[]).map(({ id }) => String((id as Node).name));
  }
  return [String((declaration.id as Node).name)];
}

/** A declaration on one line, without comments. */
function oneLine(text: string, { start, end }: Node): string {
  return text
    .slice(Number(start), Number(end))
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
}
