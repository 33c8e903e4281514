// Runs in the folder of a package before it is packed or published. Builds it, because a fresh clone would otherwise give an empty
// package, and fails if a file that the manifest names is missing. Prints to stderr only, because tools read `npm pack --json`.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folder = process.cwd();
const name = path.basename(folder);

const compiler = path.join(root, 'node_modules/typescript/bin/tsc');
if (!existsSync(compiler)) {
  fail(
    `"${name}" cannot be packed, because it must be built first and TypeScript is not installed. Run "npm ci" in the repository.`,
  );
}
try {
  execFileSync(process.execPath, [compiler, '-b', folder], { stdio: ['ignore', 2, 2] });
  execFileSync(process.execPath, [path.join(root, 'packages/bundle.mjs')], { stdio: ['ignore', 2, 2] });
} catch {
  fail(`"${name}" cannot be packed, because its build failed; the output above says why. Fix it, or run "npm ci" first.`);
}
removeStaleTypes(path.join(folder, 'dist'));

const { exports } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
const named = Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? entry : Object.values(entry)));
const missing = named.filter((file) => !existsSync(path.join(folder, file)));
if (missing.length > 0) {
  fail(`"${name}" cannot be packed, because its manifest names files that the build did not make: ${missing.join(', ')}.`);
}

/** The compiler leaves the types of a source that was renamed or removed. */
function removeStaleTypes(dist) {
  for (const file of readdirSync(dist, { recursive: true })) {
    const source = path.join(folder, 'src', file.replace(/\.d\.ts(\.map)?$/, '.ts'));
    if (/\.d\.ts(\.map)?$/.test(file) && !existsSync(source)) rmSync(path.join(dist, file));
  }
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
