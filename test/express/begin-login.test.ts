import { afterEach, describe, expect, it } from 'vitest';
import { ada } from '../support/core-fixture.js';
import { watchWarnings } from '../support/warnings.js';
import { Client, enroll, expectStatus } from './client.js';
import { type Host, type HostOptions, startHost, versions } from './host.js';

const warnings = watchWarnings();
const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);
let host: Host | undefined;
process.on('unhandledRejection', note);
afterEach(async () => {
  await host?.close();
  host = undefined;
  expect(unhandled.splice(0)).toEqual([]);
});

describe.each(versions)('the middleware beginLogin on Express $version', ({ express }) => {
  async function start(given: Omit<HostOptions, 'express'> = {}): Promise<Host> {
    host = await startHost({ express, ...given });
    return host;
  }

  it('F38: begins the login and passes the decision to the handler', async () => {
    const { client, code } = await enroll(await start());
    const again = expectStatus(await client.post('/login?user=ada'), 200);
    expect(again.body).toMatchObject({ decision: { access: 'challenge' }, pendingToken: expect.any(String) });
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'challenge' });
    expectStatus(await client.post('/mfa/verify', { code: code() }), 200);
    expectStatus(await client.get('/cases'), 200);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no row');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no row'))],
    ['rejects with nothing', () => Promise.reject()],
    [
      'throws a value that Express takes for a command',
      () => {
        throw 'route';
      },
    ],
    ['returns something that is not a user', () => ({ id: 7, name: 'Ada' }) as never],
  ])('SES-1, F38: a user() that %s at the login is an error and ends what was proven before', async (_what, fail) => {
    let failing = false;
    const started = await start({
      kit: {
        user: (req) => {
          if (failing) return fail();
          return req.session.userId === undefined ? null : { ...ada, id: req.session.userId };
        },
      },
    });
    const { client } = await enroll(started);
    expectStatus(await client.get('/cases'), 200);
    failing = true;
    expectStatus(await client.post('/login?user=ada'), 500);
    expect(started.errors).toEqual([expect.objectContaining({ name: 'MfaError', code: 'host_callback_failed' })]);
    expect((await client.get('/cases')).status).toBe(500);
    failing = false;
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'challenge' });
  });

  it('SES-1, F38: a policy that throws at the login ends what was proven before', async () => {
    let failing = false;
    const started = await start({
      mfa: {
        policy: () => {
          if (failing) throw new Error('no row');
          return { mfa: 'required' };
        },
      },
    });
    const { client } = await enroll(started);
    failing = true;
    expectStatus(await client.post('/login?user=ada'), 500);
    failing = false;
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'challenge' });
  });

  it('SES-1, F38: if the storage is down the login continues without a proof, and the guard answers 503', async () => {
    let away = false;
    const fixture = await start({ kit: {} });
    const { read } = fixture.storage;
    fixture.storage.read = (id) => (away ? Promise.reject(new Error('ECONNREFUSED')) : read(id));
    const { client } = await enroll(fixture);
    expectStatus(await client.get('/cases'), 200);
    away = true;
    expect(expectStatus(await client.post('/login?user=ada'), 200).body.decision).toMatchObject({ access: 'unavailable' });
    expect((await client.get('/cases')).body).toMatchObject({ status: 503, reason: 'unavailable' });
    expect((await client.get('/session')).body.data).not.toHaveProperty('mfa');
    away = false;
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'challenge' });
    expect(fixture.errors).toEqual([]);
  });

  it('SES-1, F38: a session that cannot drop its proof because its store is down is an error', async () => {
    const kept = new Map<string, unknown>();
    let away = false;
    const started = await start({
      kit: {
        session: {
          read: (req) => kept.get(String(req.session.userId)),
          async write(req, next) {
            if (away) throw new Error('the store is down');
            kept.set(String(req.session.userId), next);
          },
        },
      },
    });
    const { client } = await enroll(started);
    away = true;
    expectStatus(await client.post('/login?user=ada'), 500);
    expect(started.errors).toEqual([expect.objectContaining({ name: 'MfaError', code: 'not_done' })]);
    expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_SESSION_STORE/)]);
  });

  it('DEV-1, F38: a client that stores its device token itself gets the next one', async () => {
    const { client, code } = await enroll(await start());
    await client.post('/login?user=ada');
    const own = { 'mfa-device': '' };
    const { deviceToken } = expectStatus(await client.post('/mfa/verify', { code: code(), rememberDevice: true }, own), 200).body;
    host?.clock.advance(3_600_000);
    const other = new Client(host as Host);
    const login = await other.post('/login?user=ada', undefined, { 'mfa-device': deviceToken });
    expect(login.body).toEqual({
      decision: expect.objectContaining({ access: 'allow', via: 'remembered-device' }),
      deviceToken: expect.any(String),
    });
    expect(login.body.deviceToken).not.toBe(deviceToken);
  });
});
