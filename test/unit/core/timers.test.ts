import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createMfa } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { createAuthenticator, verifiedSession } from '@mfa-kit/core/testing';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { compileCore } from '../../races/processes.js';

const KEY = { id: '2026-11', secret: 'q1W0nE7gk5RrJ9sZbX2mVtYp8uLcA4dFhGiKoN3wT6E=' };
const ada = { id: 'user-ada', name: 'ada@example.com' };

describe('F36: fake timers of a host’s test', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    ['all of them', undefined],
    ['all of them, with the time going on', { shouldAdvanceTime: true }],
    ['timeouts alone', { toFake: ['setTimeout', 'clearTimeout'] as const }],
    ['immediates and the monotonic clock', { toFake: ['setImmediate', 'clearImmediate', 'performance'] as const }],
    ['the time of day alone', { toFake: ['Date'] as const }],
  ])('do not block any flow: %s', async (_, config) => {
    vi.useFakeTimers(config as Parameters<typeof vi.useFakeTimers>[0]);
    let now = 1_800_000_000_000;
    const mfa = createMfa({ issuer: 'Acme', keys: [KEY], storage: memoryStorage(), clock: () => now, onEvent: () => {} });
    const { session, authenticator } = await verifiedSession(mfa, ada);
    now += 60_000;
    const begun = await mfa.beginLogin({ user: ada, deviceToken: 'x' });
    const given = {
      user: ada,
      session: begun.session,
      proof: { kind: 'totp' as const, code: authenticator.code(now) },
      rememberDevice: true,
    };
    const verified = await mfa.verify(given);
    if (!verified.ok) throw new Error(verified.reason);
    const device = await mfa.beginLogin({ user: ada, deviceToken: verified.device?.token ?? '' });
    expect(device.decision).toMatchObject({ access: 'allow', via: 'remembered-device' });
    const started = await mfa.startEnrollment({ user: ada, session });
    if (!started.ok) throw new Error(started.reason);
    const code = createAuthenticator(started.enrollment.uri).code(now);
    const { id: enrollmentId } = started.enrollment;
    expect(
      (await mfa.confirmEnrollment({ user: ada, session: started.session, enrollmentId, proof: { kind: 'totp', code } })).ok,
    ).toBe(true);
    expect((await mfa.report()).enrolled).toBe(1);
    await mfa.resetMfa({ userId: ada.id, actor: 'support', reason: 'lost phone' });
    const wrong = await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: '000000' } });
    expect(wrong.ok).toBe(false);
  });
});

describe('F35: a script that has done its work', () => {
  let core = '';
  beforeAll(async () => {
    core = await compileCore('timers');
  });

  /** Runs a script in its own process. Returns its output and its seconds. */
  async function run(script: string): Promise<{ printed: string; seconds: number }> {
    const source = `
      import { createMfa } from '${core}/index.js';
      import { memoryStorage } from '${core}/storage/memory.js';
      import { verifiedSession } from '${core}/testing/index.js';
      const user = { id: 'u', name: 'ada@example.com' };
      const options = { issuer: 'Acme', keys: [{ id: 'k', secret: '${KEY.secret}' }], storage: memoryStorage() };
      const hangs = () => new Promise(() => {});
      ${script}`;
    const begun = performance.now();
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source], { timeout: 20_000 });
    return { printed: stdout.trim(), seconds: (performance.now() - begun) / 1000 };
  }

  it.each(['notify', 'onEvent', 'markEnrolled'])('ends even if %s hangs', async (option) => {
    // An enrollment calls all three and awaits only markEnrolled, for two seconds. A timer that keeps the process alive lasts ten; the
    // limit leaves room for a busy machine.
    const { printed, seconds } = await run(`
      const mfa = createMfa({ ...options, ${option}: hangs });
      await verifiedSession(mfa, user);
      console.log('done');`);
    expect(printed).toBe('done');
    expect(seconds).toBeLessThan(8);
  });

  it('does not end while it awaits something, even if only a deadline is left of it', async () => {
    const { printed } = await run(`
      const mfa = createMfa({ ...options, storage: { ...options.storage, read: hangs } });
      console.log((await mfa.beginLogin({ user })).decision.access);`);
    expect(printed).toBe('unavailable');
  });
});
