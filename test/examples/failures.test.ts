// If the host of an example fails, access is denied and the operator reads why.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthenticator, type VirtualAuthenticator } from '@mfa-kit/core/testing';
import type { DemoHost } from '@mfa-kit-examples/demo-host';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type DemoApp, type DemoAppOptions, EXAMPLES, type Example, MINUTE, startDemoApp } from '../support/demo-app.js';
import { startDemoProcess } from '../support/demo-process.js';
import { type ScriptedAnswer, type ScriptedClient, scriptedClient } from '../support/scripted-client.js';
import { expectStatus, logIn } from '../support/scripted-journey.js';
import { watchWarnings } from '../support/warnings.js';

const OTHER_KEY = 'Zb8kQ2xV7nR4tY1mW6pL9sD3fG5hJ0aCeUiOoPzXcBw=';
const SECRETS = /user-ada|ada@larkfield|correct horse|sealed/;

const warnings = watchWarnings();
const closing: (() => Promise<unknown>)[] = [];
let logged: string[] = [];
beforeEach(() => {
  logged = [];
  vi.spyOn(console, 'error').mockImplementation((...said) => void logged.push(said.map(String).join(' ')));
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(example: Example, options: DemoAppOptions = {}): Promise<DemoApp> {
  const app = await startDemoApp(example, options);
  closing.push(() => app.close());
  return app;
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'mfa-kit-failures-'));
  closing.push(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A user who has proven a code, and the authenticator. */
async function enrolled(app: DemoApp): Promise<{ client: ScriptedClient; authenticator: VirtualAuthenticator }> {
  const client = scriptedClient(app.origin);
  expectStatus(await logIn(client, app, 'ada'), 200);
  const { enrollmentId, uri } = expectStatus(await client.post('/mfa/enroll'), 201).body;
  const authenticator = createAuthenticator(String(uri));
  expectStatus(await client.post('/mfa/enroll/confirm', { enrollmentId, code: authenticator.code(app.now()) }), 200);
  expectStatus(await client.get('/cases'), 200);
  app.advance(2 * MINUTE);
  return { client, authenticator };
}

/** Checks that every guarded route refuses this client with the status, as JSON and as a page. */
async function expectShut(client: ScriptedClient, statuses: number[]): Promise<void> {
  const answers: ScriptedAnswer[] = [
    await client.get('/cases'),
    await client.get('/cases', { accept: 'text/html' }),
    await client.post('/payouts', { reference: 'LF-2041', amount: 250 }),
    await client.post('/mfa/enroll'),
    await client.post('/mfa/verify', { code: '123456' }),
  ];
  for (const answer of answers) {
    expect(statuses).toContain(answer.status);
    expect(answer.text).not.toMatch(/LF-2041|otpauth|ECONNREFUSED|mfa_profiles|no such table/);
  }
}

async function told(...sentences: string[]): Promise<void> {
  await vi.waitFor(() => {
    for (const sentence of sentences) expect(warnings.join('\n')).toContain(sentence);
  });
  expect(warnings.join('\n')).not.toMatch(SECRETS);
}

const away = () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' }));

describe.each(EXAMPLES)('SES-4, F37: the %s example, while its host fails', (example) => {
  it('F37: the table does not exist', async () => {
    const app = await start(example, { env: { MFA_STORAGE: `file:${join(await folder(), 'demo.sqlite')}` } });
    const { client } = await enrolled(app);
    await app.host.database.query('DROP TABLE mfa_profiles');
    await expectShut(client, [503]);
    const half = scriptedClient(app.origin);
    expect((await logIn(half, app, 'ada')).body.access).toBe('unavailable');
    await expectShut(half, [503]);
    await told('The table does not exist. Create the table', `schema('sqlite')`, 'MFA_KIT_STORAGE_FAILED');
  });

  it('F37: the key was changed', async () => {
    const MFA_STORAGE = `file:${join(await folder(), 'demo.sqlite')}`;
    const { client } = await enrolled(await start(example, { env: { MFA_STORAGE } }));
    const changed = await start(example, { env: { MFA_STORAGE, MFA_KEY: OTHER_KEY } });
    const half = scriptedClient(changed.origin);
    expect((await logIn(half, changed, 'ada')).body.access).toBe('unavailable');
    await expectShut(half, [503]);
    await told('the secret of that key was changed', 'the old one must stay as the second', 'MFA_KIT_PROFILE_UNREADABLE');
    expect(warnings.join()).not.toContain(OTHER_KEY.slice(0, 12));
    expectStatus(await client.get('/cases'), 200);
  });

  it('F37: the database is unreachable and then works again', async () => {
    let isAway = false;
    const fault = ({ mfa }: DemoHost) => {
      const { read } = mfa.storage;
      mfa.storage = { ...mfa.storage, read: (userId) => (isAway ? away() : read(userId)) };
    };
    const app = await start(example, { fault });
    const { client } = await enrolled(app);
    isAway = true;
    await expectShut(client, [503]);
    await told('The database cannot be reached', 'code ECONNREFUSED', 'MFA_KIT_STORAGE_FAILED');
    expect(warnings).toHaveLength(1);
    isAway = false;
    expectStatus(await client.get('/cases'), 200);
  });

  it('F37: a policy that throws', async () => {
    let broken = false;
    const fault = ({ mfa }: DemoHost) => {
      const { policy } = mfa;
      mfa.policy = (user) => {
        if (broken) throw new TypeError(`no plan of ${user.name}`);
        return policy(user);
      };
    };
    const app = await start(example, { fault });
    const { client } = await enrolled(app);
    broken = true;
    await expectShut(client, [500, 503]);
    await told('The option "policy" threw TypeError: no plan of …', 'MFA_KIT_CALLBACK_FAILED');
    expect(warnings.filter((one) => one.includes('"policy"'))).toHaveLength(1);
  });

  it('F37, F7: a policy that hangs', async () => {
    let hangs = false;
    const fault = ({ mfa }: DemoHost) => {
      const { policy } = mfa;
      mfa.policy = (user) => (hangs ? (new Promise(() => undefined) as never) : policy(user));
    };
    const app = await start(example, { fault });
    const { client } = await enrolled(app);
    hangs = true;
    const answer = expectStatus(await client.get('/cases'), 503);
    expect(answer.body).toMatchObject({ reason: 'unavailable' });
    await told('The option "policy" did not answer in time.', 'MFA_KIT_CALLBACK_FAILED');
  });

  it('F37: users that cannot be loaded', async () => {
    const app = await start(example);
    const { client } = await enrolled(app);
    app.host.users.findById = (id) => Promise.reject(new RangeError(`no row of ${id}`));
    await expectShut(client, [500, 503]);
    // With Passport the session loads the user, and the error goes to the application's error handler.
    if (example === 'Express') expect(logged.join()).toContain('RangeError');
    else await told('The option "user" threw RangeError: no row of …', 'MFA_KIT_CALLBACK_FAILED');
  });

  it('F37: sinks that throw do not deny access, and are reported', async () => {
    const fail = () => {
      throw new Error('the queue of user-ada is full');
    };
    const app = await start(example, {
      fault: ({ mfa }) => Object.assign(mfa, { onEvent: fail, notify: fail, markEnrolled: async () => fail() }),
    });
    await enrolled(app);
    await told(
      'The option "onEvent" threw Error: the queue of … is full. An event is missing from your audit trail.',
      'The option "notify" threw Error: the queue of … is full.',
      'The option "markEnrolled" threw Error: the queue of … is full.',
    );
  });
});

it.each(['express-passport', 'nest'] as const)(
  'F37: the example of %s says at start that a key is missing',
  async (example) => {
    const MFA_STORAGE = `file:${join(await folder(), 'demo.sqlite')}`;
    await enrolled(await start('Express', { env: { MFA_STORAGE } }));
    const demo = await startDemoProcess({ MFA_STORAGE, MFA_KEY: OTHER_KEY }, example);
    closing.push(() => demo.stop());
    await vi.waitFor(() => expect(demo.output()).toContain('(profile_sealed_otherwise)'), 10_000);
    expect(demo.output()).toContain('MFA error: 1 of 1 stored profiles that were checked cannot be opened');
    expect(demo.output()).not.toMatch(/user-ada/);
    expect(demo.output()).not.toContain(OTHER_KEY);
  },
  90_000,
);
