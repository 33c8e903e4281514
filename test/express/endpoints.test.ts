import type { RequestHandler } from 'express';
import { describe, expect, it } from 'vitest';
import { endpointSuite } from '../journeys/endpoint-suite.js';
import { enroll, expectStatus, logIn } from './client.js';
import { startHost, versions } from './host.js';

describe.each(versions)('the endpoints on Express $version', ({ express }) => {
  endpointSuite(() => startHost({ express }));
});

it.each(versions)('DEV-7: a cookie without Secure is set on a local host only, on Express $version', async ({ express }) => {
  const cors: RequestHandler = (_req, res, next) => next(res.vary('Origin') && undefined);
  const kit = { deviceCookie: { insecureHttpForDevelopment: true } };
  const host = await startHost({ express, kit, before: [cors] });
  const { client, code } = await enroll(host);
  expect([...client.cookies.keys()].find((name) => name.includes('device'))).toMatch(/^mfa_device_[0-9a-f]{12}$/);
  const local = await logIn(host);
  const answer = expectStatus(await local.post('/mfa/verify', { code: code(), rememberDevice: true }), 200);
  expect(answer.cookies.find((line) => line.startsWith('mfa_device_'))).not.toContain('Secure');
  expect(answer.headers.get('vary')).toBe('Origin, Accept');
  await logIn(host, 'ada', local);
  expect((await local.get('/cases')).body.via).toBe('remembered-device');
  await host.close();
});

describe.each(versions)('the parsers of the host on Express $version', ({ express }) => {
  it.each([
    ['none', undefined],
    ['json', (lib: typeof express) => [lib.json()]],
    ['json and plain forms', (lib: typeof express) => [lib.json(), lib.urlencoded({ extended: false })]],
    ['json and nested forms', (lib: typeof express) => [lib.json(), lib.urlencoded({ extended: true })]],
    ['text', (lib: typeof express) => [lib.text({ type: '*/*' })]],
    ['bytes', (lib: typeof express) => [lib.raw({ type: '*/*' })]],
  ])('may be %s', async (_name, parsers) => {
    const host = await startHost({ express, ...(parsers && { parsers }) });
    try {
      const { client, code } = await enroll(host);
      expectStatus(await client.post('/mfa/verify', { code: code() }), 200);
      expectStatus(await client.page('POST', '/mfa/verify', { code: code() }), 303);
      const form = { 'content-type': 'application/x-www-form-urlencoded' };
      expectStatus(await client.post('/mfa/verify', 'code[]=1', form), 400);
      expectStatus(await client.post('/mfa/verify', 'code=1&code=2', form), 400);
      expectStatus(await client.post('/mfa/verify', { code: ['1'] }), 400);
      expectStatus(await client.post('/mfa/sessions/end'), 204);
    } finally {
      await host.close();
    }
  });
});
