import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAst } from 'vitest/node';

/** The repository's folder. */
export const root = path.resolve(import.meta.dirname, '../..');

/** The folder names of the published packages. */
export const packageNames = ['core', 'express', 'nest'] as const;

/** A node of a syntax tree, with the fields that these tests read. */
export interface Node {
  type: string;
  [field: string]: unknown;
}

/** One import or re-export. */
export interface Import {
  specifier: string;
  typeOnly: boolean;
}

/** One source file of a package. */
export interface Source {
  /** The path from the package's `src` with `/`, for example `flows/login.ts`. */
  file: string;
  text: string;
  program: Node;
  imports: Import[];
}

/** All files under a folder, relative to it, with `/`. */
export function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/[/\\]node_modules([/\\]|$)/.test(path.relative(folder, entry.parentPath)))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .sort();
}

/** The parsed sources of a package. */
export function sourcesOf(name: string): Source[] {
  const folder = path.join(root, 'packages', name, 'src');
  return filesUnder(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => {
      const text = readFileSync(path.join(folder, file), 'utf8');
      const program = parseAst(text, { lang: 'ts' }) as unknown as Node;
      return { file, text, program, imports: importsOf(program) };
    });
}

/** A package's manifest. */
export function manifestOf(name: string): Manifest {
  return JSON.parse(readFileSync(path.join(root, 'packages', name, 'package.json'), 'utf8')) as Manifest;
}

export interface Manifest {
  name: string;
  version: string;
  license: string;
  type: string;
  sideEffects: boolean;
  engines: { node: string };
  files: string[];
  main: string;
  types: string;
  exports: Record<string, string | Record<string, string>>;
  typesVersions?: { '*': Record<string, string[]> };
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  scripts?: Record<string, string>;
  keywords?: string[];
  homepage?: string;
  bugs?: { url: string };
  repository?: { type: string; url: string; directory: string };
}

/** The URL of the repository in the manifests. */
export function repositoryUrl(): string {
  return /^git\+(https:\/\/.+)\.git$/.exec(manifestOf('core').repository?.url ?? '')?.[1] ?? '';
}

/** Every node of the tree, parents before children. */
export function* nodesOf(node: Node): Generator<Node> {
  yield node;
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) yield* nodesOf(child);
    }
  }
}

function importsOf(program: Node): Import[] {
  const imports: Import[] = [];
  for (const node of nodesOf(program)) {
    const source = node.source as { value?: unknown } | null | undefined;
    if (typeof source?.value !== 'string') continue;
    imports.push({ specifier: source.value, typeOnly: isTypeOnly(node) });
  }
  return imports;
}

function isTypeOnly(node: Node): boolean {
  if (node.type === 'TSImportType' || node.importKind === 'type' || node.exportKind === 'type') return true;
  const specifiers = (node.specifiers ?? []) as Node[];
  return specifiers.length > 0 && specifiers.every((one) => one.importKind === 'type' || one.exportKind === 'type');
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}
