import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { MfaEvent } from '@mfa-kit/core';
import { storageConformance } from '@mfa-kit/core/storage/conformance';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { createAuthenticator } from '@mfa-kit/core/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { addAccount, findAccount, type HostUser, toMfaUser } from './accounts.js';
import { createHostMfa, helpLostPhone, logIn, mayPayOut, optionError } from './bare-core.js';
import { breakableStore } from './breakable-store.js';
import { conditionalStorage } from './own-storage.js';

const secret = randomBytes(32).toString('hex');

it('the five integrations compile against the packages', () => {
  const tsc = path.resolve(import.meta.dirname, '../../node_modules/.bin/tsc');
  let errors = '';
  try {
    execFileSync(tsc, ['-p', import.meta.dirname, '--pretty', 'false'], { encoding: 'utf8' });
  } catch (error) {
    errors = (error as { stdout: string }).stdout;
  }
  expect(errors).toBe('');
});

describe('core without HTTP', () => {
  let now: number;
  let events: MfaEvent[];
  let mails: string[];
  let user: HostUser;

  beforeEach(() => {
    now = Date.UTC(2026, 10, 24, 9);
    events = [];
    mails = [];
    const account = { id: 'u-1', email: 'ada@acme.example', createdAt: now, mfaEnrolled: false, role: 'owner' as const };
    addAccount({ ...account, password: 'correct horse' });
    user = toMfaUser(account);
  });

  function build(storage = memoryStorage(), key = secret) {
    const sinks = { audit: (event: MfaEvent) => void events.push(event), mail: async (text: string) => void mails.push(text) };
    return createHostMfa(storage, key, sinks, () => now);
  }

  /** Types the code that an app would show. Reads the key first, and remembers it. */
  function person() {
    let key = '';
    return async (question: string): Promise<string> => {
      if (question !== 'Code') key = question;
      return createAuthenticator(key).code(now);
    };
  }

  it('enrolls at the first login, challenges the next, and allows sensitive operations for five minutes', async () => {
    const mfa = build();
    const ask = person();
    const enrolled = await logIn(mfa, user, ask);
    expect(enrolled.state).toBe('verified');
    expect((await findAccount('u-1'))?.mfaEnrolled).toBe(true);
    now += 60_000;
    const session = await logIn(mfa, { ...user, enrolled: true }, ask);
    expect(await mayPayOut(mfa, user, session)).toBe(true);
    now += 301_000;
    expect(await mayPayOut(mfa, user, session)).toBe(false);
    expect(events.map(({ name }) => name)).toContain('authenticator_enrolled');
    expect(mails).toEqual([expect.stringMatching(/^u-1 enrolled /)]);
  });

  it('lets support reset a lost phone', async () => {
    const mfa = build();
    const session = await logIn(mfa, user, person());
    expect(await helpLostPhone(mfa, user.id, 'support-7')).toBe('done');
    expect(await mayPayOut(mfa, user, session)).toBe(false);
    expect((await mfa.beginLogin({ user })).decision.access).toBe('enroll');
  });

  it('throws if a reset was not done', async () => {
    const mfa = build({ ...memoryStorage(), read: () => Promise.reject(new Error('connection lost')) });
    expect(await helpLostPhone(mfa, user.id, 'support-7')).toBe('not_done');
    expect(mails).toEqual([]);
  });

  it('reports wrong options at start', () => {
    expect(optionError(() => build(memoryStorage(), 'short'))).toBe('invalid_option');
    expect(optionError(() => build())).toBe('none');
  });
});

describe('a storage adapter of a host', () => {
  const { connect, hooks } = breakableStore();
  const cases = storageConformance({ open: async () => conditionalStorage(connect()), hooks, rounds: 2, listed: 120 });

  // This store has no transactions that could be rolled back or left open.
  it.each(cases.filter(({ skip }) => skip).map(({ name, skip }) => [name, skip]))('%s', (_name, skip) =>
    expect(skip).toMatch(/^needs the hook (inHostTransaction|leaveTransactionOpen)$/),
  );
  it.each(cases.filter(({ skip }) => !skip).map(({ name, run }) => [name, run] as const))('%s', (_name, run) => run());

  it('is the one that docs/guides/own-storage-adapter.md shows', () => {
    const shown = readFileSync(path.resolve(import.meta.dirname, '../../docs/guides/own-storage-adapter.md'), 'utf8');
    const [, ...lines] = readFileSync(path.resolve(import.meta.dirname, 'own-storage.ts'), 'utf8').split('\n');
    expect(shown).toContain(`\`\`\`ts\n${lines.join('\n')}\`\`\``);
  });
});
