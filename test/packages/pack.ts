import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { manifestOf, packageNames, root } from '../house/sources.js';

/** A packed package. */
export interface Packed {
  name: string;
  tarball: string;
  /** Paths inside the package. */
  files: string[];
}

/** Builds and packs every package as it would be published, into `folder`. */
export function packAll(folder: string): Packed[] {
  return alone(() => buildAndPack(folder));
}

const LOCK = path.join(root, 'node_modules/.mfa-kit-packing');
const STALE_AFTER = 5 * 60_000;

/** Serializes test files that build into the same folders, so that none packs what another is writing. */
function alone<Result>(work: () => Result): Result {
  while (!takeLock()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  try {
    return work();
  } finally {
    removeFolder(LOCK);
  }
}

function takeLock(): boolean {
  try {
    mkdirSync(LOCK);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const since = statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - since > STALE_AFTER) removeFolder(LOCK);
    return false;
  }
}

/** Compiles every package into its folder build, serialized like {@link packAll}. */
export function compileAll(): void {
  alone(compile);
}

function compile(): void {
  run('npx', ['--no-install', 'tsc', '-b', ...packageNames.map((name) => `packages/${name}`)], root);
}

function buildAndPack(folder: string): Packed[] {
  const output = run(
    'npm',
    ['pack', '--json', '--pack-destination', folder, ...packageNames.map((name) => `./packages/${name}`)],
    root,
  );
  const answer = JSON.parse(output) as PackAnswer[] | Record<string, PackAnswer>;
  return Object.values(answer).map(({ name, filename, files }) => ({
    name,
    tarball: path.join(folder, path.basename(filename)),
    files: files.map((file) => file.path),
  }));
}

interface PackAnswer {
  name: string;
  filename: string;
  files: { path: string }[];
}

/**
 * A folder outside the repository with the unpacked packages and exactly the dependencies of their manifests, as links to the
 * repository's `node_modules` instead of from the registry.
 */
export function consumerFolder(packed: Packed[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'mfa-kit-consumer-'));
  unpack(packed, folder);
  const wanted = packageNames.flatMap((name) => {
    const { dependencies, peerDependencies } = manifestOf(name);
    return Object.keys({ ...dependencies, ...peerDependencies });
  });
  for (const dependency of new Set([...wanted, '@types/node'])) {
    if (dependency.startsWith('@mfa-kit/')) continue;
    const link = path.join(folder, 'node_modules', dependency);
    mkdirSync(path.dirname(link), { recursive: true });
    symlinkSync(path.join(root, 'node_modules', dependency), link);
  }
  return folder;
}

/** Places packages in the `node_modules` of a folder. */
export function unpack(packed: Packed[], folder: string): void {
  for (const { name, tarball } of packed) {
    const target = path.join(folder, 'node_modules', name);
    mkdirSync(target, { recursive: true });
    run('tar', ['-xzf', tarball, '-C', target, '--strip-components=1'], folder);
  }
}

/** Runs a command and returns its output. If it fails, its error output becomes the message. */
export function run(command: string, args: string[], cwd: string): string {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed\n${stdout ?? ''}${stderr ?? ''}`, { cause: error });
  }
}

/** Removes a folder and everything in it. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Names of the files that a consumer runs, in `test/packages/consumer`. */
export function consumerFiles(): string[] {
  return readdirSync(path.join(root, 'test/packages/consumer'));
}
