// Joins the style sheet and the script of the pages into one source file, because an application that bundles the packages has no
// files next to its code. `npm run build` runs it; a test compares the result with the files.
import { readFileSync, writeFileSync } from 'node:fs';

const folder = new URL('core/src/pages/assets/', import.meta.url);
const textOf = (name) => JSON.stringify(readFileSync(new URL(name, folder), 'utf8'));
const generated = `// Made by packages/assets.mjs from page.css and page.js: change those, then run npm run build.
export const pageStyle: string = ${textOf('page.css')};
export const pageScript: string = ${textOf('page.js')};
`;

const target = new URL('assets.generated.ts', folder);
// Not written if nothing changed, so that the compiler has nothing to do.
if (readFileSync(target, 'utf8') !== generated) writeFileSync(target, generated);
