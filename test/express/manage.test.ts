import { createAuthenticator } from '@mfa-kit/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Client, type Enrolled, enroll, expectStatus, logIn } from './client.js';
import { type Host, startHost, versions } from './host.js';

describe.each(versions)('managing on Express $version', ({ express }) => {
  let host: Host;
  let ada: Enrolled;
  let client: Client;
  let id: string;

  beforeEach(async () => {
    host = await startHost({ express });
    ada = await enroll(host);
    client = ada.client;
    id = (await client.get('/mfa')).body.authenticators[0].id;
  });
  afterEach(() => host.close());

  async function addSecond(): Promise<string> {
    const started = expectStatus(await client.post('/mfa/enroll', { name: 'Tablet' }), 201).body;
    const code = createAuthenticator(started.uri).code(host.clock.now());
    const confirmed = await client.post('/mfa/enroll/confirm', { enrollmentId: started.enrollmentId, code });
    return expectStatus(confirmed, 200).body.authenticator.id;
  }

  it('lists authenticators and devices, and marks the current device', async () => {
    const { body } = await client.get('/mfa');
    expect(body).toMatchObject({ enrolled: true, mfa: 'required', recoveryCodesLeft: 10, waitSeconds: 0 });
    expect(body.devices).toEqual([expect.objectContaining({ label: 'Firefox on Windows', current: true })]);
    const other = await logIn(host);
    expectStatus(await other.post('/mfa/verify', { code: ada.code() }), 200);
    const seen = (await other.get('/mfa')).body.devices as { current: boolean }[];
    expect(seen.map(({ current }) => current).sort()).toEqual([false, true]);
    const page = (await client.page('GET', '/mfa')).text;
    expect(page.match(/class="badge"/g)).toHaveLength(1);
  });

  it('renames, adds and removes authenticators', async () => {
    expectStatus(await client.post('/mfa/authenticators/rename', { id, name: 'Phone' }), 204);
    expect((await client.get('/mfa')).body.authenticators[0].name).toBe('Phone');
    expect((await client.post('/mfa/authenticators/remove', { id })).body).toMatchObject({ status: 403, reason: 'not_allowed' });
    const second = await addSecond();
    const removed = await client.page('POST', '/mfa/authenticators/remove', { id });
    expect([removed.status, removed.headers.get('location')]).toEqual([303, '/mfa?notice=authenticator_removed']);
    expect((await client.page('GET', '/mfa?notice=authenticator_removed')).text).toContain('Authenticator removed.');
    const left = (await client.get('/mfa')).body.authenticators as { id: string }[];
    expect(left.map((one) => one.id)).toEqual([second]);
  });

  it('shows new recovery codes once and invalidates the old ones', async () => {
    const page = await client.page('POST', '/mfa/recovery-codes');
    expect(page.status).toBe(200);
    expect(page.text).toContain('recovery-codes.txt');
    const { recoveryCodes } = expectStatus(await client.post('/mfa/recovery-codes', {}), 200).body;
    expect(recoveryCodes).toHaveLength(10);
    const other = await logIn(host);
    expect((await other.post('/mfa/verify', { recoveryCode: ada.recoveryCodes[0] })).status).toBe(422);
    expectStatus(await other.post('/mfa/verify', { recoveryCode: recoveryCodes[0] }), 200);
  });

  it('revokes a device and ends sessions', async () => {
    const other = await logIn(host);
    host.clock.advance(30_000);
    expectStatus(await other.post('/mfa/verify', { code: ada.code() }), 200);
    const devices = (await client.get('/mfa')).body.devices as { id: string; current: boolean }[];
    const id = devices.find(({ current }) => !current)?.id;
    expectStatus(await client.post('/mfa/devices/revoke', { id }), 204);
    expect((await client.get('/mfa')).body.devices).toHaveLength(devices.length - 1);
    expect((await other.get('/mfa')).body).toMatchObject({ because: 'revoked' });
    const ended = await client.page('POST', '/mfa/sessions/end');
    expect(ended.headers.get('location')).toBe('/mfa?notice=sessions_ended');
    expectStatus(await client.get('/mfa'), 200);
  });

  it('says on the page why a change was refused', async () => {
    const refused = await client.page('POST', '/mfa/authenticators/remove', { id });
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('not allowed to do this');
    expect(refused.text).toContain('Authenticators');
  });

  it('says that an authenticator is gone instead of asking to enroll', async () => {
    for (const path of ['/mfa/authenticators/rename', '/mfa/authenticators/remove']) {
      const fields = { id: 'A'.repeat(22), name: 'x' };
      expect((await client.post(path, fields)).body).toMatchObject({ status: 404, reason: 'not_found' });
      const page = await client.page('POST', path, fields);
      expect(page.status).toBe(404);
      expect(page.text).toContain('It may have been removed already');
    }
  });

  it('ENR-5, T16, T43: requires a code of the last five minutes at every endpoint', async () => {
    const endpoints: [string, object][] = [
      ['/mfa/enroll', { name: 'x' }],
      ['/mfa/recovery-codes', {}],
      ['/mfa/authenticators/rename', { id, name: 'x' }],
      ['/mfa/authenticators/remove', { id }],
      ['/mfa/devices/revoke', { id }],
      ['/mfa/sessions/end', {}],
    ];
    const pending = await logIn(host);
    const remembered = await logIn(host);
    expectStatus(await remembered.post('/mfa/verify', { code: ada.code(), rememberDevice: true }), 200);
    await logIn(host, 'ada', remembered);
    expect((await remembered.get('/cases')).body.via).toBe('remembered-device');
    host.clock.advance(301_000);
    for (const stale of [pending, remembered, client]) {
      for (const [path, body] of endpoints) {
        const refused = await stale.post(path, body);
        expect([path, refused.status, refused.body.reason]).toEqual([path, 403, 'assurance_required']);
        expect(refused.body.maxAgeSeconds).toBe(300);
      }
    }
  });

  it('leads a browser back to the page of the change after the challenge', async () => {
    host.clock.advance(301_000);
    const refused = await client.page('POST', '/mfa/recovery-codes');
    expect([refused.status, refused.headers.get('location')]).toEqual([303, '/mfa/challenge?maxAge=300']);
    expectStatus(await client.page('GET', '/mfa/challenge?maxAge=300'), 200);
    expect(await client.returnPathAfter(await client.page('POST', '/mfa/verify', { code: ada.code() }))).toBe('/mfa');
    host.clock.advance(301_000);
    expect((await client.page('GET', '/mfa/enroll')).headers.get('location')).toBe('/mfa/challenge?maxAge=300');
    expect(await client.returnPathAfter(await client.page('POST', '/mfa/verify', { code: ada.code() }))).toBe('/mfa/enroll');
    const page = (await client.page('GET', '/mfa/enroll')).text;
    expect(page).toContain('Add an authenticator');
  });

  it('names the missing field of a body', async () => {
    for (const [path, body] of [
      ['/mfa/authenticators/rename', { id }],
      ['/mfa/authenticators/rename', { id, name: '  ' }],
      ['/mfa/authenticators/remove', {}],
      ['/mfa/devices/revoke', { id: '' }],
      ['/mfa/enroll/cancel', {}],
      ['/mfa/enroll/confirm', { code: '123456' }],
    ] as [string, object][]) {
      expect((await client.post(path, body)).body).toMatchObject({
        status: 400,
        reason: 'malformed',
        detail: expect.any(String),
      });
    }
  });
});

it.each(versions)('a password change keeps the acting session and ends the others, on Express $version', async ({ express }) => {
  const host = await startHost({
    express,
    routes: ({ app, mfaFor }) => {
      app.post('/password', (req, res, next) => {
        mfaFor(req, res)
          .then((flows) => flows.passwordChanged())
          .then((result) => res.json(result))
          .catch(next);
      });
    },
  });
  const { client, code } = await enroll(host);
  const other = await logIn(host);
  expectStatus(await other.post('/mfa/verify', { code: code() }), 200);
  expect((await other.post('/password')).body).toMatchObject({ ok: true });
  expectStatus(await other.get('/cases'), 200);
  expect((await client.get('/cases')).body).toMatchObject({ status: 401, because: 'revoked' });
  await host.close();
});
