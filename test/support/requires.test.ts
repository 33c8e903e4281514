import { afterEach, describe, expect, it, vi } from 'vitest';
import { describeWith, reportMissing, requireProgram } from './requires.js';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('requireProgram', () => {
  it('gives the path of a program that is there', () => {
    expect(requireProgram('node', 'install Node.js')).toMatch(/node$/);
  });

  it('gives null and says once what is missing', () => {
    const lines = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    vi.stubEnv('MFA_KIT_REQUIRE_ALL', undefined);
    expect(requireProgram('mfa-kit-no-such-program', 'there is none')).toBeNull();
    expect(requireProgram('mfa-kit-no-such-program', 'there is none')).toBeNull();
    expect(lines.mock.calls).toEqual([['skipped: mfa-kit-no-such-program is missing: there is none\n']]);
  });

  it('fails where everything is required', () => {
    vi.stubEnv('MFA_KIT_REQUIRE_ALL', '1');
    expect(() => requireProgram('mfa-kit-no-such-program', 'there is none')).toThrow('MFA_KIT_REQUIRE_ALL=1');
    expect(() => reportMissing('a server is missing')).toThrow('a server is missing');
  });
});

describeWith(null, 'a suite whose need is missing', () => {
  it('is not even built', () => expect.unreachable());
});

describeWith('the need', 'a suite whose need is there', (need) => {
  it('gets it', () => expect(need).toBe('the need'));
});
