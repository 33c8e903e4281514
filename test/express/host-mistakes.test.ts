import { MfaError } from '@mfa-kit/core';
import type { RequestHandler } from 'express';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createFixture, OTHER_KEY, type TestUser } from '../support/core-fixture.js';
import { watchWarnings } from '../support/warnings.js';
import { Client, enroll, expectStatus, logIn } from './client.js';
import { type Host, type HostOptions, startHost, versions } from './host.js';

const warnings = watchWarnings();
let host: Host | undefined;
afterEach(async () => {
  await host?.close();
  host = undefined;
});

async function start(given: HostOptions): Promise<Host> {
  host = await startHost(given);
  return host;
}

describe.each(versions)('SES-4: a host mistake denies and says what is wrong, on Express $version', ({ express }) => {
  it('the guard before the code that sets the user: nobody is there yet', async () => {
    const { origin } = await start({
      express,
      kit: { user: (req) => req.user as TestUser | undefined },
      routes: ({ app }) =>
        app.use('/late', (req, res) => {
          Object.assign(req, { user: { id: 'user-ada' } });
          res.send('inside');
        }),
    });
    for (const path of ['/late', '/cases']) {
      expect((await new Client({ origin }).get(path)).body).toMatchObject({ status: 401, reason: 'login_again' });
    }
  });

  it('two strategies that set different users: the proof of one does not count for the other', async () => {
    const strategy: RequestHandler = (req, _res, next) => {
      const { 'x-strategy': other } = req.headers;
      if (typeof other === 'string') Object.assign(req, { user: { id: other, name: other } });
      next();
    };
    const served = await start({
      express,
      before: [strategy],
      kit: {
        user: (req) =>
          (req.user as TestUser | undefined) ?? [...(host?.users.values() ?? [])].find(({ id }) => id === req.session.userId),
      },
    });
    await enroll(served, 'bob');
    const { client } = await enroll(served);
    expectStatus(await client.get('/cases'), 200);
    const other = await client.get('/cases', { headers: { 'x-strategy': 'user-bob' } });
    expect(other.body).toMatchObject({ status: 401, reason: 'challenge' });
  });

  it.each([
    ['an error', new Error('database down')],
    ['nothing', undefined],
    ['null', null],
    ["the word 'route'", 'route'],
    ["the word 'router'", 'router'],
    ['false', false],
    ['0', 0],
  ])('a user() that throws: %s', async (_name, thrown) => {
    const throws = () => {
      throw thrown;
    };
    for (const user of [throws, async () => throws()]) {
      const { errors, origin, close } = await start({ express, kit: { user } });
      const client = new Client({ origin });
      for (const accept of ['application/json', 'text/html']) {
        expectStatus(await client.get('/cases', { headers: { accept } }), 500);
        expectStatus(await client.get('/mfa', { headers: { accept } }), 500);
      }
      expectStatus(await client.post('/mfa/verify', { code: '123456' }), 500);
      for (const error of errors) {
        expect(error).toMatchObject({ name: 'MfaError', code: 'host_callback_failed' });
        expect(String(error)).toMatch(/The option "user" threw. The request was denied\. Fix the cause/);
      }
      await close();
      host = undefined;
    }
  });

  it.each([
    ['true', true],
    ['a text', 'user-ada'],
    ['no id', { name: 'x' }],
    ['an empty id', { id: '', name: 'x' }],
    ['a numeric id', { id: 7, name: 'x' }],
    ['no name', { id: 'x' }],
  ])('a user() that returns no user: %s', async (_name, value) => {
    const { errors, origin } = await start({ express, kit: { user: () => value as never } });
    expectStatus(await new Client({ origin }).get('/cases'), 500);
    expect(errors[0]).toMatchObject({ name: 'MfaError', code: 'host_callback_failed' });
    expect(String(errors[0])).toMatch(/The option "user" must return { id, name }, both strings, or null/);
  });

  it.each([1, 0, 1n, 'true'])('an enrolled that is 1 or 0: %s', async (enrolled) => {
    const { errors, origin } = await start({
      express,
      kit: { user: () => ({ id: 'x', name: 'x', enrolled: enrolled as never }) },
    });
    const client = new Client({ origin });
    for (const path of ['/cases', '/cases', '/mfa']) expectStatus(await client.get(path), 500);
    expect(errors).toHaveLength(3);
    for (const error of errors) {
      expect(error).toMatchObject({ name: 'MfaError', code: 'host_callback_failed' });
      expect(String(error)).toContain('Write enrolled: Boolean(row.mfa_enrolled)');
    }
    await vi.waitFor(() => expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_ENROLLED_NOT_BOOLEAN/)]));
  });

  it.each([
    ['mayEnroll: 0', { mayEnroll: 0 }, /has "mayEnroll" that is neither true nor false; it is 0/],
    ['a date', { enrollBy: new Date() }, /"enrollBy" must be an instant in epoch milliseconds/],
    ['null', null, /must be an object with mfa/],
    ['an unknown field', { enroll: true }, /has the unknown field "enroll"/],
  ])('a policy that returns something else: %s', async (_name, answer, sentence) => {
    const started = await start({ express, mfa: { policy: () => answer as never } });
    const client = new Client(started);
    expectStatus(await client.post('/login?user=ada'), 500);
    expectStatus(await client.get('/cases'), 500);
    for (const error of started.errors) {
      expect(error).toMatchObject({ name: 'MfaError', code: 'host_callback_failed' });
      expect(String(error)).toMatch(/The answer of the option "policy"/);
      expect(String(error)).toMatch(sentence);
    }
  });

  it('a policy that never answers', async () => {
    let hangs = false;
    const started = await start({ express, mfa: { policy: () => (hangs ? new Promise<never>(() => {}) : {}) } });
    const { client } = await enroll(started);
    hangs = true;
    const answers = await Promise.all([client.get('/cases'), client.get('/mfa'), client.post('/login?user=ada')]);
    for (const answer of answers.slice(0, 2)) expect(answer.body).toMatchObject({ status: 503, reason: 'unavailable' });
    expect(answers[2]?.body.decision.access).toBe('unavailable');
    expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_CALLBACK_FAILED: The option "policy" did not answer in time/)]);
  }, 20_000);

  it('a user() that never answers', async () => {
    const { origin } = await start({ express, kit: { user: () => new Promise<never>(() => {}) } });
    const client = new Client({ origin });
    const answers = await Promise.all([
      client.get('/cases'),
      client.get('/mfa'),
      client.post('/mfa/verify', { code: '123456' }),
      client.page('GET', '/cases'),
    ]);
    for (const answer of answers) expectStatus(answer, 503);
    expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_CALLBACK_FAILED: The option "user" did not answer in time/)]);
  }, 20_000);

  it('a user() whose id no storage may keep', async () => {
    const { errors, origin } = await start({ express, kit: { user: () => ({ id: 'x'.repeat(256), name: 'x' }) } });
    expectStatus(await new Client({ origin }).get('/cases'), 500);
    expect(errors[0]).toMatchObject({ name: 'MfaError' });
    expect(String(errors[0])).toMatch(/A user id must be 1 to 255 bytes/);
  });

  it('other callbacks that throw', async () => {
    const fail = () => {
      throw 'route';
    };
    const silent = /A callback of expressMfa threw a value that is not an Error, so the request was denied/;
    const kits: [string, object, RegExp][] = [
      ['/cases', { returnTo: fail }, silent],
      ['/cases', { eventContext: fail }, silent],
      ['/cases', { assurance: fail }, /The option "assurance" threw. The request was denied/],
      ['/cases', { onRefused: fail }, silent],
      ['/mfa/enroll', { pages: { messages: fail } }, silent],
    ];
    for (const [path, kit, sentence] of kits) {
      const started = await start({ express, kit });
      const client = new Client(started);
      await client.post('/login?user=ada');
      started.errors.length = 0;
      expectStatus(await client.page('GET', path), 500);
      expect((await client.get('/cases')).status).not.toBe(200);
      for (const error of started.errors) expect(error).toBeInstanceOf(MfaError);
      expect(String(started.errors[0])).toMatch(sentence);
      await started.close();
      host = undefined;
    }
  });

  it('an onRefused that calls next()', async () => {
    const started = await start({ express, kit: { onRefused: (_decision, _req, _res, next) => next() } });
    const client = await logIn(started);
    expectStatus(await client.get('/cases'), 500);
    expect(started.errors[0]).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(started.errors[0])).toContain('Answer the refused request there, or call next(error)');
  });

  it('an onRefused that does nothing', async () => {
    const started = await start({ express, kit: { onRefused: () => {} } });
    const client = await logIn(started);
    const leaving = new AbortController();
    const cookie = `sid=${client.cookies.get('sid')}`;
    const waiting = fetch(`${started.origin}/cases`, { signal: leaving.signal, headers: { cookie } });
    setTimeout(() => leaving.abort(), 300);
    await expect(waiting).rejects.toThrow('aborted');
    await vi.waitFor(() => expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_NO_ANSWER: .*Answer it in onRefused/)]));
  });

  it('an onRefused that answers decides the answer', async () => {
    const started = await start({
      express,
      kit: { onRefused: (decision, _req, res) => void res.status(418).json({ access: decision.access }) },
    });
    const client = await logIn(started);
    expect((await client.get('/cases')).body).toEqual({ access: 'enroll' });
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
  });

  it('FLT-1, T34: if the storage fails, every endpoint answers 503 and grants nothing', async () => {
    let down = false;
    const fixture = createFixture();
    const storage = new Proxy(fixture.storage, {
      get(target, name: keyof typeof fixture.storage) {
        return (...given: never[]) => {
          if (down) throw new Error('ECONNREFUSED 10.0.0.7:5432 SELECT * FROM mfa_profiles');
          return (target[name] as (...all: never[]) => unknown)(...given);
        };
      },
    });
    const started = await start({ express, mfa: { storage } });
    const { client, code } = await enroll(started);
    down = true;
    for (const answer of [
      await client.get('/cases'),
      await client.post('/mfa/verify', { code: code() }),
      await client.get('/mfa'),
    ]) {
      expect(answer.body).toMatchObject({ status: 503, reason: 'unavailable' });
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(answer.text).not.toMatch(/ECONNREFUSED|SELECT|at .*\.ts/);
    }
    const page = await client.page('GET', '/cases');
    expect([page.status, page.headers.get('content-type')]).toEqual([503, 'text/html; charset=utf-8']);
    expect((await client.post('/login?user=ada')).body.decision.access).toBe('unavailable');
    down = false;
    expect((await client.get('/cases')).status).not.toBe(200);
  });

  it('T34, CRY-3: the keys of another installation', async () => {
    const first = await start({ express });
    await enroll(first);
    const second = await startHost({ express, mfa: { storage: first.storage, keys: [OTHER_KEY] } });
    const client = await logIn(second);
    expect((await client.get('/cases')).body).toMatchObject({ status: 503, reason: 'unavailable' });
    expect((await client.post('/mfa/enroll', {})).body).toMatchObject({ status: 503, reason: 'unavailable' });
    expect(second.events[0]).toMatchObject({ name: 'profile_unreadable', userId: 'user-ada', why: 'unknown_key' });
    await second.close();
  });
});
