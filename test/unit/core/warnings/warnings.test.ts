import { createMfa, type MfaEvent, type MfaStorage } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { sqlStorage } from '@mfa-kit/core/storage/sql';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ada,
  createEnrolled,
  createFixture,
  expectOk,
  HOUR,
  KEY,
  loginPending,
  MINUTE,
  OTHER_KEY,
} from '../../../support/core-fixture.js';

interface Told {
  text: string;
  type: string | undefined;
  code: string | undefined;
}

const emitted: Told[] = [];
beforeEach(() => {
  vi.spyOn(process, 'emitWarning').mockImplementation((warning, options) => {
    const { type, code } = (options ?? {}) as { type?: string; code?: string };
    emitted.push({ text: String(warning), type, code });
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  emitted.length = 0;
});
const texts = () => emitted.map(({ text }) => text).join('\n');

function failing(change: Partial<MfaStorage>, storage: MfaStorage = memoryStorage()): MfaStorage {
  return { ...storage, ...change };
}

const noTable = () =>
  Object.assign(new Error('relation "mfa_profiles" does not exist'), { code: '42P01', detail: 'Key (user_id)=(user-ada)' });

describe('F37: the warning about a failing storage', () => {
  it('F37: says what failed, with which error, and how to fix it', async () => {
    const table = sqlStorage({ dialect: 'postgres', query: () => Promise.reject(noTable()) });
    const mfa = createMfa({ issuer: 'Acme', keys: [KEY], storage: failing({}, table) });
    expect((await mfa.beginLogin({ user: ada })).decision.access).toBe('unavailable');
    expect(emitted).toHaveLength(1);
    expect(emitted[0]).toMatchObject({ type: 'MfaKitWarning', code: 'MFA_KIT_STORAGE_FAILED' });
    expect(texts()).toMatch(
      /^The MFA storage \(postgres\), operation "read", failed: Error \(code 42P01\): relation … does not exist\. /,
    );
    expect(texts()).toContain(`Create the table: put schema('postgres') of "@mfa-kit/core/storage/sql" into a migration`);
    expect(texts()).toContain('await storage.createTable()');
    expect(texts()).not.toContain('user-ada');
  });

  it('F37: comes once for each cause, and again after an hour with a count', async () => {
    const { mfa, clock } = createFixture({ storage: failing({ read: () => Promise.reject(noTable()) }) });
    for (let login = 0; login < 5; login++) await mfa.beginLogin({ user: ada });
    expect(emitted).toHaveLength(1);
    clock.advance(59 * MINUTE);
    await mfa.beginLogin({ user: ada });
    expect(emitted).toHaveLength(1);
    clock.advance(MINUTE);
    await mfa.beginLogin({ user: ada });
    expect(emitted).toHaveLength(2);
    expect(emitted[1]?.text).toContain('This happened 5 more times since the last warning about it.');
    clock.advance(-48 * HOUR);
    await mfa.beginLogin({ user: ada });
    expect(emitted).toHaveLength(3);
    expect(emitted[2]?.text).not.toContain('more times');
  });

  it('F37: comes for each operation and each cause, at most 32', async () => {
    let code = 0;
    const storage = failing({ read: () => Promise.reject(Object.assign(new Error('away'), { code: `E${code}` })) });
    const { mfa, clock } = createFixture({ storage });
    for (; code < 40; code++) await mfa.beginLogin({ user: ada });
    expect(emitted).toHaveLength(32);
    expect(emitted[31]?.text).toContain('No warnings about other causes follow for an hour.');
    clock.advance(HOUR);
    await mfa.beginLogin({ user: ada });
    expect(emitted).toHaveLength(33);
  });

  it.each(['write', 'remove'] as const)(
    'F37: reports a failed %s, and the uncertain outcome has the cause too',
    async (operation) => {
      const storage = memoryStorage();
      const fixture = createFixture({
        storage: failing({ [operation]: () => Promise.reject(new Error('disk on fire')) }, storage),
      });
      if (operation === 'write') await fixture.mfa.beginLogin({ user: ada });
      else {
        await createFixture({ storage }).mfa.beginLogin({ user: ada });
        await fixture.mfa.forgetUser({ userId: ada.id }).catch(() => undefined);
      }
      expect(texts()).toContain(`operation "${operation}", failed: Error: disk on fire.`);
      const failed = fixture.events.find((event) => event.name === 'storage_failed');
      expect((failed as { cause?: Error }).cause?.message).toBe('disk on fire');
    },
  );

  it('F37: reports a page of ids that cannot be listed', async () => {
    const { mfa } = createFixture({ storage: failing({ listUserIds: () => Promise.reject(new Error('no scan')) }) });
    expect((await mfa.report({ signal: AbortSignal.timeout(50) })).complete).toBe(false);
    expect(texts()).toContain('operation "list", failed: Error: no scan.');
  });

  it('F37: reports a storage that does not answer', async () => {
    const { mfa, events } = createFixture({ storage: failing({ read: () => new Promise(() => undefined) }) });
    expect((await mfa.beginLogin({ user: ada })).decision.access).toBe('unavailable');
    expect(texts()).toContain('operation "read", did not answer in time.');
    expect(events[0]).toMatchObject({ name: 'storage_failed', why: 'timeout' });
  });

  it('F37: names the method that returned an invalid profile', async () => {
    const { mfa } = createFixture({ storage: failing({ read: async () => 'row' as never }) });
    await mfa.beginLogin({ user: ada });
    expect(texts()).toContain('TypeError: read(…) must give {…} or null.');
  });

  it('F37: comes without a listener for events as well, and a working storage causes none', async () => {
    const mfa = createMfa({ issuer: 'Acme', keys: [KEY], storage: failing({ read: () => Promise.reject(noTable()) }) });
    await mfa.beginLogin({ user: ada });
    expect(emitted).toHaveLength(1);
    emitted.length = 0;
    const fixture = await createEnrolled();
    await loginPending(fixture.mfa);
    expect(emitted).toEqual([]);
  });

  it('F37: does not break a process that cannot write warnings', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {
      throw new Error('closed');
    });
    const { mfa } = createFixture({ storage: failing({ read: () => Promise.reject(noTable()) }) });
    expect((await mfa.beginLogin({ user: ada })).decision.access).toBe('unavailable');
  });
});

describe('F37: the cause of an event', () => {
  it('F37, LOG-2: is the error itself, and no copy or text of the event includes it', async () => {
    const thrown = noTable();
    const heard: MfaEvent[] = [];
    const { mfa } = createFixture({
      storage: failing({ read: () => Promise.reject(thrown) }),
      onEvent: (event) => void heard.push(event),
    });
    await mfa.beginLogin({ user: ada, context: { requestId: 'r' } });
    const event = heard.find(({ name }) => name === 'storage_failed');
    if (event?.name !== 'storage_failed') throw new Error('no event');
    expect(event.cause).toBe(thrown);
    expect(event.context).toEqual({ requestId: 'r' });
    expect(JSON.stringify(event)).not.toContain('cause');
    expect({ ...event }).not.toHaveProperty('cause');
    expect(Object.keys(event)).not.toContain('cause');
  });

  it('F37: is what markEnrolled or notify threw', async () => {
    const away = new Error('the table of users is locked');
    const fail = () => Promise.reject(away);
    const fixture = await createEnrolled(ada, { markEnrolled: fail, notify: fail });
    expect(texts()).toContain('The option "markEnrolled" threw Error: the table of users is locked.');
    expectOk(await fixture.mfa.regenerateRecoveryCodes({ user: ada, session: fixture.session }));
    await vi.waitFor(() => expect(fixture.names()).toContain('notify_failed'));
    const failed = fixture.events.find((event) => event.name === 'notify_failed');
    expect((failed as { cause?: unknown }).cause).toBe(away);
    expect(texts()).toContain('The option "notify" threw Error: the table of users is locked. A user was not notified');
    expect(emitted.map(({ code }) => code)).toEqual(['MFA_KIT_CALLBACK_FAILED', 'MFA_KIT_CALLBACK_FAILED']);
  });

  it('F37: an onEvent that throws or rejects causes one warning', async () => {
    const fixture = createFixture({ onEvent: () => Promise.reject(new TypeError('audit is down for user-ada')) });
    await fixture.mfa.beginLogin({ user: ada });
    await fixture.mfa.beginLogin({ user: ada });
    await vi.waitFor(() => expect(emitted).toHaveLength(1));
    expect(texts()).toContain('The option "onEvent" threw TypeError: audit is down for …');
    expect(texts()).not.toContain('user-ada');
  });
});

describe('F37: the warning about a profile that does not open', () => {
  it('F37: names the missing key and the available ones', async () => {
    const { storage } = await createEnrolled();
    const { mfa } = createFixture({ storage, keys: [OTHER_KEY] });
    await mfa.beginLogin({ user: ada });
    expect(emitted).toHaveLength(1);
    expect(emitted[0]?.code).toBe('MFA_KIT_PROFILE_UNREADABLE');
    expect(texts()).toContain('it was sealed with the key "2026-11", and "keys" has "2026-12"');
    expect(texts()).toContain('the old one must stay as the second');
    expect(texts()).not.toContain('user-ada');
  });

  it('F37: first suspects another secret under the same id', async () => {
    const { storage } = await createEnrolled();
    const { mfa } = createFixture({ storage, keys: [{ id: KEY.id, secret: OTHER_KEY.secret }] });
    await mfa.beginLogin({ user: ada });
    expect(texts()).toContain('Either the secret of that key was changed');
    expect(texts()).not.toContain(OTHER_KEY.secret);
  });

  it('F37: reports an unknown format', async () => {
    const storage = memoryStorage();
    await storage.write(ada.id, { version: 'v', value: 'bm90IG91cnM' }, null);
    await createFixture({ storage }).mfa.beginLogin({ user: ada });
    expect(texts()).toContain('it has a format that this version does not know');
  });
});
