import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findings } from './findings.js';
import { coveragePage, requirementIds, testsById, untested } from './security-coverage.js';
import { root } from './sources.js';

describe('docs/evidence/security-coverage.md', () => {
  it('names a test for every id of the threat model, or the reason why it has none', () => {
    const tests = testsById();
    expect(requirementIds().length).toBeGreaterThan(140);
    expect(requirementIds().filter((id) => !tests.has(id))).toEqual(Object.keys(untested));
  });

  it('knows every id that a test name uses', () => {
    const known = new Set([...requirementIds(), ...findings.map(([id]) => id)]);
    expect([...testsById().keys()].filter((id) => !known.has(id))).toEqual([]);
  });

  it('names a test for every fixed fault of release 1', () => {
    const tests = testsById();
    expect(findings.map(([id]) => id).filter((id) => !tests.has(id))).toEqual([]);
  });

  it('is up to date', async () => {
    await expect(coveragePage()).toMatchFileSnapshot(path.join(root, 'docs/evidence/security-coverage.md'));
  });
});
