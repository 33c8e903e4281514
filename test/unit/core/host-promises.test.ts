import { guardRequest } from '@mfa-kit/core/http';
import { createClock } from '@mfa-kit/core/testing';
import { describe, expect, it, vi } from 'vitest';
import { ada, createEnrolled, createFixture, loginPending, loginWithCode, MINUTE } from '../../support/core-fixture.js';
import { exchangeOf, sessionOf } from './http/exchange.js';
import { createTestApp, type TestApp } from './http/test-app.js';

/** Rejects, as a call to a service of the host does that is down. Returns `never`, so that it fits any type. */
const reject = (): never => Promise.reject(new Error('the service of the host is down')) as never;

/** Returns the unhandled rejections during `run`; each would end the process. */
async function unhandledBy(run: () => Promise<unknown>): Promise<unknown[]> {
  const unhandled: unknown[] = [];
  const others = process.listeners('unhandledRejection');
  const listen = (reason: unknown) => unhandled.push(reason);
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', listen);
  try {
    await run();
    // Node reports them after the microtasks have run.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
  } finally {
    process.off('unhandledRejection', listen);
    for (const other of others) process.on('unhandledRejection', other);
  }
  return unhandled;
}

const page = async (app: TestApp) => (await app.logIn()).page('GET', '/challenge');

const CASES: [string, () => unknown][] = [
  [
    'the option issuer',
    async () => {
      const { mfa } = createFixture({ issuer: reject });
      return mfa.startEnrollment({ user: ada, session: await loginPending(mfa) });
    },
  ],
  ['the option clock', () => createFixture({ clock: reject })],
  ['a field of the policy', () => createFixture({ policy: () => ({ mayEnroll: reject() }) }).mfa.getStatus({ user: ada })],
  ['a deadline of the policy', () => createFixture({ policy: () => ({ enrollBy: reject() }) }).mfa.getStatus({ user: ada })],
  ['a user', () => createFixture().mfa.getStatus({ user: reject() })],
  ['the id of a user', () => createFixture().mfa.getStatus({ user: { ...ada, id: reject() } })],
  ['the name of a user', () => createFixture().mfa.getStatus({ user: { ...ada, name: reject() } })],
  ['enrolled of a user', () => createFixture().mfa.getStatus({ user: { ...ada, enrolled: reject() } })],
  ['loggedInAt', () => createFixture().mfa.beginLogin({ user: ada, loggedInAt: reject() })],
  ['a requirement', () => createFixture().mfa.checkAccess({ user: ada, session: undefined, requirement: reject() })],
  [
    'the name that the option user gives',
    async () => guardRequest((await createTestApp()).kit, exchangeOf({ user: { ...ada, name: reject() } })),
  ],
  [
    'the option eventContext',
    async () => guardRequest((await createTestApp()).kit, { ...exchangeOf({ user: ada }), eventContext: reject }),
  ],
  [
    'the option session, at read()',
    async () => guardRequest((await createTestApp()).kit, exchangeOf({ user: ada, session: { ...sessionOf(), read: reject } })),
  ],
  [
    'the option returnTo',
    async () => {
      const app = await createTestApp({ returnTo: reject });
      const { session } = await app.mfa.beginLogin({ user: ada });
      const headers = { accept: 'text/html' };
      return guardRequest(app.kit, exchangeOf({ user: ada, session: sessionOf(session), url: '/cases', headers }));
    },
  ],
  ['the option pages.messages', async () => page(await createTestApp({ pages: { messages: reject } }))],
  ['the option pages.hiddenFields', async () => page(await createTestApp({ pages: { hiddenFields: reject } }))],
  ['a hidden field', async () => page(await createTestApp({ pages: { hiddenFields: () => ({ csrf: reject() }) } }))],
];

describe('a promise in place of a plain value', () => {
  it.each(CASES)('F5, F7: %s: the rejection does not end the process', async (_, run) => {
    const refused = async () => expect((async () => run())()).rejects.toMatchObject({ name: 'MfaError' });
    expect(await unhandledBy(refused)).toEqual([]);
  });
});

it('a clock that throws while device tokens are opened does not end the process if the profile cannot be read', async () => {
  let works = true;
  const clock = createClock();
  const options = {
    clock: () => {
      if (works) return clock.now();
      throw new Error('the clock of the host is broken');
    },
  };
  const fixture = { ...(await createEnrolled(ada, options)), clock };
  clock.advance(MINUTE);
  const { token } = await loginWithCode(fixture, { rememberDevice: true });
  const session = await loginPending(fixture.mfa);
  const read = vi.spyOn(fixture.storage, 'read').mockImplementation(async () => {
    works = false;
    throw new Error('the storage is down');
  });
  const proof = { kind: 'totp', code: '000000' } as const;
  const unhandled = await unhandledBy(() =>
    fixture.mfa.verify({ user: ada, session, deviceToken: token, proof }).catch(() => undefined),
  );
  expect(read).toHaveBeenCalled();
  expect(unhandled).toEqual([]);
});
