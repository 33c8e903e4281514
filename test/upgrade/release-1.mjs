// Loads release 1 from its packed tarballs, so that it can run in the same process as the present code. Plain JavaScript, because
// benches and worker processes load it without a compiler.
import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const fixtures = fileURLToPath(new URL('./release-1', import.meta.url));
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
const packages = ['core', 'express', 'nest'];
const tarballOf = (name) => path.join(fixtures, `mfa-kit-${name}-0.0.0.tgz`);

/** The folder in which release 1 is unpacked, as an application that installed it would have it: `<folder>/node_modules/@mfa-kit/*`. */
export function release1Folder() {
  const digest = createHash('sha256');
  for (const name of packages) digest.update(readFileSync(tarballOf(name)));
  // Below the root `node_modules`, where release 1 finds the packages that it depends on, and finds itself before the workspaces.
  const folder = path.join(modules, `.mfa-kit-release-1-${digest.digest('hex').slice(0, 12)}`);
  if (!existsSync(folder)) unpack(folder);
  return folder;
}

/** Imports an entry of release 1 by the name under which an application imports it, for example `@mfa-kit/core/storage/postgres`. */
export async function importRelease1(specifier) {
  const [, name, entry] = /^(@mfa-kit\/[a-z]+)(\/.*)?$/.exec(specifier) ?? [];
  if (!name)
    throw new Error(`${specifier} is no entry of release 1. Write for example '@mfa-kit/core' or '@mfa-kit/core/testing'.`);
  const folder = path.join(release1Folder(), 'node_modules', name);
  const { exports } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = exports[`.${entry ?? ''}`]?.default;
  if (!file) throw new Error(`Release 1 of ${name} does not export ${specifier}.`);
  return import(/* @vite-ignore */ pathToFileURL(path.join(folder, file)).href);
}

/** Unpacks into a folder of its own and renames it, so that test workers that start together never see half of it. */
function unpack(folder) {
  const own = `${folder}.${randomUUID()}`;
  for (const name of packages) {
    const target = path.join(own, 'node_modules/@mfa-kit', name);
    mkdirSync(target, { recursive: true });
    execFileSync('tar', ['-xzf', tarballOf(name), '-C', target, '--strip-components=1']);
    useBuild(target);
  }
  try {
    renameSync(own, folder);
  } catch (error) {
    rmSync(own, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
}

/** The tests run with a condition that resolves the packages to their TypeScript sources. Release 1 runs as it was built. */
function useBuild(folder) {
  rmSync(path.join(folder, 'src'), { recursive: true });
  const file = path.join(folder, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  for (const entry of Object.values(manifest.exports)) if (typeof entry === 'object') delete entry['mfa-kit-source'];
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
}
