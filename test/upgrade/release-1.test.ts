import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import * as present from '@mfa-kit/core';
import { describe, expect, it } from 'vitest';
import { importRelease1, release1Folder } from './release-1.mjs';

const fixtures = path.join(import.meta.dirname, 'release-1');

describe('UPG-1: release 1', () => {
  it('matches the tarballs that the recipe packed from the commit', () => {
    const sums = readFileSync(path.join(fixtures, 'SHA256SUMS'), 'utf8').trim().split('\n');
    expect(sums).toHaveLength(3);
    for (const line of sums) {
      const [sum, file = ''] = line.split(/ +/);
      expect(
        createHash('sha256')
          .update(readFileSync(path.join(fixtures, file)))
          .digest('hex'),
        file,
      ).toBe(sum);
    }
  });

  it('runs next to the present code, from its own build', async () => {
    const old = (await importRelease1('@mfa-kit/core')) as typeof present;
    expect(old.createMfa).toBeTypeOf('function');
    expect(old.createMfa).not.toBe(present.createMfa);
    await expect(importRelease1('@mfa-kit/core/nothing')).rejects.toThrow('does not export @mfa-kit/core/nothing');
  });

  it('resolves itself first, and what it depends on from this repository', () => {
    const express = createRequire(path.join(release1Folder(), 'node_modules/@mfa-kit/express/dist/index.js'));
    expect(express.resolve('@mfa-kit/core')).toBe(path.join(release1Folder(), 'node_modules/@mfa-kit/core/dist/index.js'));
    expect(express.resolve('passport-custom')).toContain(path.join(path.dirname(release1Folder()), 'passport-custom'));
  });

  it.each(['@mfa-kit/core/http', '@mfa-kit/core/testing', '@mfa-kit/core/storage/postgres', '@mfa-kit/express', '@mfa-kit/nest'])(
    'loads %s',
    async (specifier) => {
      expect(Object.keys((await importRelease1(specifier)) as object)).not.toEqual([]);
    },
  );
});
