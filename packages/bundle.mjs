// Joins the modules that `tsc -b` compiled into few files, because loading each file takes time at every start. A module that is loaded
// only when needed stays a separate file, and so do the types.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const packages = path.dirname(fileURLToPath(import.meta.url));

for (const name of ['core', 'express', 'nest']) await bundle(path.join(packages, name));

async function bundle(folder) {
  const [build, dist] = [path.join(folder, 'build'), path.join(folder, 'dist')];
  const compiled = filesUnder(build);
  if (compiled.length === 0) {
    if (!existsSync(path.join(folder, 'tsconfig.tsbuildinfo'))) return;
    // While this file exists, the compiler does not rebuild a folder that was emptied.
    throw new Error(`${build} is empty. Run: npx tsc -b --force && npm run build`);
  }
  const bundled = filesUnder(dist).filter((file) => /\.js(\.map)?$/.test(file));
  if (newest(build, compiled) <= oldest(dist, bundled)) return;

  const joined = await rolldown({
    input: entriesOf(folder, build),
    external: /^[^./]/,
    platform: 'node',
    plugins: [{ name: 'maps-of-the-compiler', load: loadWithMap }],
  });
  const { output } = await joined.generate({
    // Source maps name their sources relative to this folder.
    dir: dist,
    entryFileNames: '[name].js',
    // A process may run while another build replaces its files. With a hash of the content in the name, a file that it loads later is
    // either the one that it was built with, or missing.
    chunkFileNames: 'chunks/[name]-[hash].js',
    minifyInternalExports: false,
    sourcemap: true,
  });
  await joined.close();
  // Rename each file into place, so that a running process never sees half of one.
  const made = path.join(dist, `.made-${process.pid}`);
  for (const file of output) {
    mkdirSync(path.dirname(path.join(dist, file.fileName)), { recursive: true });
    writeFileSync(made, file.type === 'chunk' ? file.code : file.source);
    renameSync(made, path.join(dist, file.fileName));
  }
  const names = new Set(output.map(({ fileName }) => fileName));
  for (const file of bundled) if (!names.has(file)) rmSync(path.join(dist, file), { force: true });
}

/** The exported modules of the manifest, by the name of their file. */
function entriesOf(folder, build) {
  const { exports } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const files = Object.values(exports).flatMap((entry) => entry.default ?? []);
  return Object.fromEntries(files.map((file) => [file.slice('./dist/'.length, -'.js'.length), path.join(build, file.slice(7))]));
}

function loadWithMap(id) {
  if (!existsSync(`${id}.map`)) return null;
  return { code: readFileSync(id, 'utf8'), map: readFileSync(`${id}.map`, 'utf8') };
}

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath ?? entry.path, entry.name)));
}

function newest(folder, files) {
  return Math.max(...files.map((file) => statSync(path.join(folder, file)).mtimeMs));
}

function oldest(folder, files) {
  return files.length === 0 ? 0 : Math.min(...files.map((file) => statSync(path.join(folder, file)).mtimeMs));
}
