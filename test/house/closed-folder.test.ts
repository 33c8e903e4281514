import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { closedFolder } from '../support/closed-folder.mjs';

it('reports the folder above the repository that the user of PostgreSQL may not enter', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-kit-closed-'));
  try {
    const inside = join(folder, 'a', 'b');
    mkdirSync(inside, { recursive: true, mode: 0o755 });
    expect(closedFolder(inside)).toBe(folder);
    chmodSync(folder, 0o755);
    expect(closedFolder(inside)).toBeUndefined();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
