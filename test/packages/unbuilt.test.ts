import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manifestOf, packageNames, root } from '../house/sources.js';
import { removeFolder, run } from './pack.js';

/** The repository as a fresh clone, in which nothing is built. */
let clone: string;

beforeEach(() => {
  clone = mkdtempSync(path.join(tmpdir(), 'mfa-kit-clone-'));
  const committed = (file: string): boolean => !/\/(dist|build|node_modules)$|\.tsbuildinfo$/.test(file);
  for (const name of ['packages', 'package.json', 'tsconfig.base.json', 'LICENSE']) {
    cpSync(path.join(root, name), path.join(clone, name), { recursive: true, filter: committed });
  }
});
afterEach(() => removeFolder(clone));

describe('a clone that was never built', () => {
  it('F77: is built by npm pack, so no package is empty', () => {
    installDependencies();
    const output = run('npm', ['pack', '--json', ...packageNames.map((name) => `./packages/${name}`)], clone);
    const packed = Object.values(JSON.parse(output) as { name: string; files: { path: string }[] }[]);
    expect(packed.map(({ name }) => name).sort()).toEqual(packageNames.map((name) => `@mfa-kit/${name}`).sort());
    for (const { name, files } of packed) {
      const short = name.replace('@mfa-kit/', '');
      const exported = Object.values(manifestOf(short).exports).flatMap((entry) => Object.values(entry as object));
      const named = exported.filter((file) => String(file).startsWith('./')).map((file) => String(file).slice(2));
      expect(named.length, name).toBeGreaterThan(2);
      expect(named.filter((file) => !files.some((one) => one.path === file))).toEqual([]);
      expect(files.map((file) => file.path)).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'CHANGELOG.md']));
    }
  }, 120_000);

  it('F77: is not packed if nothing is installed, and npm pack says what to run', () => {
    const { status, stderr } = pack('core');
    expect(stderr).toContain('Run "npm ci" in the repository.');
    expect(status).toBe(1);
    expect(readdirSync(path.join(clone, 'packages/core')).filter((file) => file.endsWith('.tgz'))).toEqual([]);
  });

  it('F77: is not packed if the build fails', () => {
    installDependencies();
    rmSync(path.join(clone, 'packages/core/src/factors/totp/qr.ts'));
    const { status, stderr } = pack('core');
    expect(stderr).toContain('"core" cannot be packed, because its build failed');
    expect(stderr).toContain('qr.js');
    expect(status).toBe(1);
  }, 60_000);
});

it('F77: is not released while the URL of the repository is a placeholder', () => {
  const release = readFileSync(path.join(root, '.github/workflows/release.yml'), 'utf8');
  const [, command = ''] = /- run: "(! grep .*)"\n/.exec(release) ?? [];
  const check = (): number | null => spawnSync('bash', ['-e', '-c', command], { cwd: clone }).status;
  expect(check()).toBe(1);
  const checklist = readFileSync(path.join(root, 'CONTRIBUTING.md'), 'utf8');
  const [, replace = ''] = /^ {3}(grep .*OWNER.*)$/m.exec(checklist) ?? [];
  run('bash', ['-e', '-c', replace.replace('<owner>', 'acme')], clone);
  expect(check()).toBe(0);
  const manifest = readFileSync(path.join(clone, 'packages/nest/package.json'), 'utf8');
  expect(manifest).toContain('"git+https://github.com/acme/mfa-kit.git"');
});

function pack(name: string): { status: number | null; stderr: string } {
  return spawnSync('npm', ['pack', '--json'], { cwd: path.join(clone, 'packages', name), encoding: 'utf8' });
}

/** Links to the packages that are installed here, and to the workspaces of the clone. */
function installDependencies(): void {
  const installed = path.join(root, 'node_modules');
  mkdirSync(path.join(clone, 'node_modules/@mfa-kit'), { recursive: true });
  for (const name of readdirSync(installed)) {
    if (name.startsWith('.') || name === '@mfa-kit') continue;
    symlinkSync(path.join(installed, name), path.join(clone, 'node_modules', name));
  }
  for (const name of packageNames) {
    symlinkSync(path.join(clone, 'packages', name), path.join(clone, 'node_modules/@mfa-kit', name));
  }
}
