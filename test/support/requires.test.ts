import { afterEach, describe, expect, it, vi } from 'vitest';
import { describeWith, reportMissing, requireProgram } from './requires.js';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('requireProgram', () => {
  it('returns the path of a program that exists', () => {
    expect(requireProgram('node', 'install Node.js')).toMatch(/node$/);
  });

  it('returns null and prints once what is missing', () => {
    const lines = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    vi.stubEnv('MFA_KIT_REQUIRE_ALL', undefined);
    expect(requireProgram('mfa-kit-no-such-program', 'there is none')).toBeNull();
    expect(requireProgram('mfa-kit-no-such-program', 'there is none')).toBeNull();
    expect(lines.mock.calls).toEqual([['skipped: mfa-kit-no-such-program is missing: there is none\n']]);
  });

  it('throws if everything is required', () => {
    vi.stubEnv('MFA_KIT_REQUIRE_ALL', '1');
    expect(() => requireProgram('mfa-kit-no-such-program', 'there is none')).toThrow('MFA_KIT_REQUIRE_ALL=1');
    expect(() => reportMissing('a server is missing')).toThrow('a server is missing');
  });
});

describeWith(null, 'a suite without what it needs', () => {
  it('is not even defined', () => expect.unreachable());
});

describeWith('the need', 'a suite with what it needs', (need) => {
  it('receives it', () => expect(need).toBe('the need'));
});
