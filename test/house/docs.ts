import { readFileSync } from 'node:fs';
import path from 'node:path';
import { filesUnder, packageNames, root } from './sources.js';

/** One document for people. */
export interface Doc {
  /** From the repository's folder. */
  file: string;
  text: string;
}

/** A fenced block of code. */
export interface Snippet {
  file: string;
  /** Line of the fence. */
  line: number;
  language: string;
  code: string;
}

/** Every document of the repository. */
export function allDocs(): Doc[] {
  const files = [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    ...packageNames.map((name) => `packages/${name}/README.md`),
    ...filesUnder(path.join(root, 'docs'))
      .filter((file) => file.endsWith('.md'))
      .map((file) => `docs/${file}`),
    ...filesUnder(path.join(root, 'examples'))
      .filter((file) => file.endsWith('.md') && !file.includes('node_modules'))
      .map((file) => `examples/${file}`),
  ];
  return files.map((file) => ({ file, text: readFileSync(path.join(root, file), 'utf8') }));
}

/** The fenced blocks of a document. A `diff` gives the code as it is after the change. */
export function snippetsOf({ file, text }: Doc): Snippet[] {
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map((match) => {
    const [, language = '', body = ''] = match;
    const code = language === 'diff' ? afterChange(body) : body;
    return { file, line: text.slice(0, match.index).split('\n').length, language, code };
  });
}

/** The rows of the first table under a heading, cells trimmed. */
export function tableUnder(text: string, heading: string): string[][] {
  const after = text.slice(text.indexOf(heading) + heading.length);
  const table = /(?:^\|.*\|\n)+/m.exec(after)?.[0] ?? '';
  return table
    .trim()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}

function afterChange(diff: string): string {
  return diff
    .split('\n')
    .filter((line) => !line.startsWith('-'))
    .map((line) => line.slice(1))
    .join('\n');
}
