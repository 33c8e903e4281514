import { describe, expect, it } from 'vitest';
import { isUsed, noteUsed, type UsedToken } from '../../../../packages/core/src/limits/used-tokens.js';

const NOW = 1_800_000_000_000;

function tokens(count: number, expiresAt: number): UsedToken[] {
  return Array.from({ length: count }, (_, index) => ({ id: `t${index}`, expiresAt }));
}

describe('T47: used pending tokens', () => {
  it('are recognized by their id', () => {
    expect(isUsed(tokens(2, NOW), 't1')).toBe(true);
    expect(isUsed(tokens(2, NOW), 't2')).toBe(false);
  });

  it('are at most 32, and expired ones are dropped only if the list is full', () => {
    const token = { id: 'new', expiresAt: NOW + 1, more: 'not kept' };
    const noted = { id: 'new', expiresAt: NOW + 1 };
    expect(noteUsed(tokens(31, 0), token, NOW)).toEqual([...tokens(31, 0), noted]);
    expect(noteUsed(tokens(32, NOW - 60_001), token, NOW)).toEqual([noted]);
    expect(noteUsed(tokens(32, NOW - 60_000), token, NOW)).toBeNull();
    const [first, ...others] = tokens(32, NOW);
    const oneOver = [{ id: first?.id ?? '', expiresAt: 0 }, ...others];
    expect(noteUsed(oneOver, token, NOW)).toEqual([...others, noted]);
  });
});
