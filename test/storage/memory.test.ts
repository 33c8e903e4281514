import { afterEach, describe, expect, it, vi } from 'vitest';
import { memoryStorage } from '../../packages/core/src/storage/memory.js';
import { runConformance } from './run-conformance.js';

const storage = memoryStorage();

describe('memory keeps the contract', () =>
  runConformance({ open: async () => storage, row: { name: 'this process', server: () => `Node ${process.versions.node}` } }));

describe('memoryStorage in production', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is refused, and the message says how to fix it', () => {
    vi.stubEnv('NODE_ENV', 'production');
    expect(() => memoryStorage()).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(/losesAllDataOnRestart: true/) }),
    );
  });

  it('is allowed with the option that names the danger', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    expect(await memoryStorage({ losesAllDataOnRestart: true }).read('alice')).toBeNull();
  });
});

describe('memoryStorage', () => {
  it('answers no call in the same turn', () => {
    const mine = memoryStorage();
    let answered = false;
    void mine.write('alice', { version: 'v', value: 'x' }, null).then(() => {
      answered = true;
    });
    expect(answered).toBe(false);
  });

  it('is a separate store for each instance', async () => {
    await memoryStorage().write('alice', { version: 'v', value: 'x' }, null);
    expect(await memoryStorage().read('alice')).toBeNull();
  });
});
