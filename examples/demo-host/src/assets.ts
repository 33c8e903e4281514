import { readFileSync } from 'node:fs';

/** The static files of the pages, by path. They are small enough to stay in memory. */
export const assets: ReadonlyMap<string, { type: string; body: string }> = new Map([
  ['/demo.css', { type: 'text/css; charset=utf-8', body: read('demo.css') }],
  ['/icon.svg', { type: 'image/svg+xml', body: read('icon.svg') }],
]);

function read(name: string): string {
  return readFileSync(new URL(`../public/${name}`, import.meta.url), 'utf8');
}
