import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesUnder, manifestOf, packageNames, root } from './sources.js';

interface Locked {
  dependencies?: Record<string, string>;
  hasInstallScript?: boolean;
  license?: string;
}

const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, Locked>;
};

/** Everything that the package installs according to the lock file: path and entry. */
function installedWith(name: string): Map<string, Locked> {
  const found = new Map<string, Locked>();
  const visit = (dependency: string, from: string): void => {
    for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
      const at = `${folder ? `${folder}/` : ''}node_modules/${dependency}`;
      const entry = packages[at];
      if (entry && found.has(at)) return;
      if (entry) {
        found.set(at, entry);
        for (const next of Object.keys(entry.dependencies ?? {})) visit(next, at);
        return;
      }
      if (folder === '') throw new Error(`${dependency} is not in the lock`);
    }
  };
  for (const dependency of Object.keys(manifestOf(name).dependencies ?? {})) {
    if (!dependency.startsWith('@mfa-kit/')) visit(dependency, '');
  }
  return found;
}

/** Some old packages declare their license in a form that the lock file omits. */
function olderLicense(at: string): string | undefined {
  const { licenses } = JSON.parse(readFileSync(path.join(root, at, 'package.json'), 'utf8')) as { licenses?: { type: string }[] };
  return licenses?.[0]?.type;
}

describe('SUP-3: the installed packages', () => {
  // Thirty of core's come from qrcode, which includes a command-line tool. All but two of express's are types.
  const atMost: Record<string, number> = { core: 41, express: 14, nest: 0 };

  it.each(packageNames)('of %s are no more than before, run nothing on install, and have permissive licenses', (name) => {
    const installed = installedWith(name);
    expect(installed.size, [...installed.keys()].join('\n')).toBeLessThanOrEqual(atMost[name] ?? 0);
    for (const [at, entry] of installed) {
      expect(entry.hasInstallScript ?? false, at).toBe(false);
      expect(entry.license ?? olderLicense(at), at).toMatch(/^(MIT|ISC|BSD-[23]-Clause|0BSD|Apache-2\.0)$/);
    }
  });
});

describe('the pipeline', () => {
  const folder = path.join(root, '.github/workflows');
  const workflows = filesUnder(folder).map((file) => [file, readFileSync(path.join(folder, file), 'utf8')] as const);
  const [, release = ''] = workflows.find(([file]) => file === 'release.yml') ?? [];

  it.each(workflows)('SUP-2: %s pins actions by hash, has read-only permissions, and keeps no credentials', (_, text) => {
    const used = [...text.matchAll(/uses: (.*)/g)].map(([, action = '']) => action);
    expect(used.length).toBeGreaterThan(0);
    for (const action of used) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    for (const [, image = ''] of text.matchAll(/(?:container|image): (.*)/g)) expect(image).toMatch(/@sha256:[0-9a-f]{64}$/);
    const top = text.slice(0, text.indexOf('\njobs:'));
    expect(top).toMatch(/^permissions:\n {2}contents: read$/m);
    expect(text.match(/actions\/checkout@/g)?.length).toBe(text.match(/persist-credentials: false/g)?.length);
    expect(text).not.toContain('pull_request_target');
  });

  it('SUP-1: publishes with provenance and trusted publishing, without a long-lived token, after all checks', () => {
    expect(release).toMatch(/^on:\n {2}push:\n {4}tags:/m);
    expect(release).toMatch(/^ {4}environment: npm$/m);
    expect(release.match(/id-token: write/g)).toHaveLength(1);
    expect(release).toContain('--provenance');
    expect(release).not.toMatch(/secrets\.|NPM_TOKEN|NODE_AUTH_TOKEN/);
    expect(release.indexOf('.ci/run')).toBeGreaterThan(0);
    expect(release.indexOf('.ci/run')).toBeLessThan(release.indexOf('--provenance'));
    expect(release).toContain('needs: check');
  });
});

describe('SECURITY.md', () => {
  it('SUP-4: says how to report privately, what is supported, and how long a fix takes', () => {
    const text = readFileSync(path.join(root, 'SECURITY.md'), 'utf8');
    for (const said of ['privately', 'Supported versions', 'within', 'days', 'advisory']) expect(text).toContain(said);
    expect(readFileSync(path.join(root, 'README.md'), 'utf8')).toContain('](SECURITY.md');
  });
});

describe('properties', () => {
  it.each([
    [
      'parsers',
      [
        'unit/core/http/request/body-fields',
        'unit/core/http/paths/return-to',
        'unit/core/http/session/session-schema',
        'unit/core/factors/recovery-code/recovery-code',
      ],
    ],
    ['counters', ['unit/core/factors/totp/closed-steps', 'unit/core/limits/guess-budget', 'unit/core/profile/device']],
    ['signatures and encryption', ['unit/core/tokens/tokens', 'unit/core/crypto/crypto']],
    ['comparisons with another implementation', ['vectors/independent']],
  ])('SUP-5: exist for %s', (_, files) => {
    for (const file of files) {
      const text = readFileSync(path.join(root, 'test', `${file}.test.ts`), 'utf8');
      expect(text, file).toMatch(/fc\.(assert|asyncProperty|property)/);
    }
  });
});
