import { type IncomingMessage, request } from 'node:http';
import { endpointPaths } from '@mfa-kit/core/http';
import { createAuthenticator } from '@mfa-kit/core/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Answer, Client, enroll, expectStatus, logIn } from '../express/client.js';
import { GETS, POSTS } from '../support/contract-paths.js';
import type { Fixture } from '../support/core-fixture.js';
import type { JourneyHost } from './journey-suite.js';

/** An application of any framework, whose parsers do not read the bodies of the kit's endpoints. */
export interface EndpointHost extends JourneyHost, Pick<Fixture, 'counts'> {
  errors: unknown[];
  platform?: string;
}

/** The contract of the endpoints, on any framework. */
export function endpointSuite(start: () => Promise<EndpointHost>): void {
  let host: EndpointHost;

  beforeEach(async () => {
    host = await start();
  });
  afterEach(() => host.close());

  it('match the contract', () => {
    expect(endpointPaths().sort()).toEqual([...new Set([...GETS, ...POSTS, '/assets/page.css', '/assets/page.js'])].sort());
  });

  it.each(['/mfa/challenge', '/mfa/challenge?a=1', '/mfa/nothing'])(
    'answer an absolute URL as the request target like its path: %s',
    async (path) => {
      const ask = async (target: string) => {
        const answer = await new Promise<IncomingMessage>((resolve, reject) => {
          const { hostname, port } = new URL(host.origin);
          request({ hostname, port, path: target, headers: { accept: 'application/json' } }, resolve)
            .on('error', reject)
            .end();
        });
        return [answer.statusCode, Buffer.concat(await answer.toArray()).toString()];
      };
      const answer = await ask(host.origin + path);
      // With @fastify/session such a request has no session, so access is denied.
      if (host.platform === 'fastify') expect(answer[0]).toBe(503);
      else expect([answer, host.errors]).toEqual([await ask(path), []]);
    },
  );

  it('HTTP-1: refuse every state change from another site, by form, fetch or text', async () => {
    const { client, code } = await enroll(host);
    const before = host.counts.writes;
    for (const path of POSTS) {
      for (const headers of [
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site', origin: 'https://evil.app.example' },
        { 'sec-fetch-site': '', origin: 'null' },
        { 'sec-fetch-site': '', origin: 'https://evil.example' },
      ] as Record<string, string>[]) {
        const form = await client.page('POST', `/mfa${path}`, { code: code() }, headers);
        expect([path, form.status, form.headers.get('location')]).toEqual([path, 403, null]);
        const json = await client.post(`/mfa${path}`, { code: '123456' }, headers);
        expect(json.body).toMatchObject({ status: 403, reason: 'cross_site' });
        const text = await client.post(`/mfa${path}`, '{"code":"123456"}', { ...headers, 'content-type': 'text/plain' });
        expect(text.body).toMatchObject({ reason: 'cross_site' });
      }
      const bare = new Client(host, {});
      for (const [name, value] of client.cookies) bare.cookies.set(name, value);
      expect((await bare.post(`/mfa${path}`, {})).body).toMatchObject({ reason: 'cross_site' });
    }
    expect(host.counts.writes).toBe(before);
  });

  it('HTTP-1: accept an Origin that the host allows', async () => {
    const { client, code } = await enroll(host);
    const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://app.example' };
    expectStatus(await client.post('/mfa/verify', { code: code() }, headers), 200);
  });

  it('HTTP-3: set the same security headers on every answer, with any status', async () => {
    const anonymous = new Client(host);
    const { client, code } = await enroll(host);
    const pending = await logIn(host);
    const answers: Answer[] = [];
    for (const one of [anonymous, pending, client]) {
      for (const path of GETS) answers.push(await one.get(`/mfa${path}`), await one.page('GET', `/mfa${path}`));
      for (const path of [...POSTS, '/nothing'])
        answers.push(await one.post(`/mfa${path}`, {}), await one.page('POST', `/mfa${path}`));
      answers.push(await one.get('/cases').then((answer) => (answer.status === 200 ? one.get('/mfa') : answer)));
      answers.push(await one.page('GET', '/mfa/nothing'), await one.request('DELETE', '/mfa/verify'));
    }
    answers.push(await client.post('/mfa/verify', { code: code() }), await anonymous.page('GET', '/cases'));
    const statuses = new Set(answers.map(({ status }) => status));
    for (const status of [200, 201, 204, 303, 400, 401, 403, 404, 405]) expect(statuses).toContain(status);
    for (const { headers, status, text } of answers) {
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('referrer-policy')).toBe('same-origin');
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('DENY');
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*/);
      if (headers.get('content-type')?.startsWith('text/html'))
        expect(text).not.toMatch(/<script(?![^>]*src=)|<style|style="|\son\w+="/);
      if (status >= 400 && headers.get('content-type')?.includes('json')) {
        expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
        expect(JSON.parse(text)).toMatchObject({ status, type: expect.stringMatching(/^urn:mfa-kit:problem:[a-z-]+$/) });
      }
    }
  });

  it('answer unknown paths with 404 and other methods with 405 and Allow', async () => {
    const { client } = await enroll(host);
    for (const path of [
      '/nothing',
      '/enroll/',
      '/Enroll',
      '//enroll',
      '/verify/x',
      '/assets',
      '/assets/',
      '/assets/../x',
      '/%65nroll',
    ]) {
      expect((await client.get(`/mfa${path}`)).status).toBe(404);
    }
    const wrong: [string, string, string][] = [
      ['GET', '/verify', 'POST'],
      ['POST', '', 'GET, HEAD'],
      ['PUT', '/enroll', 'GET, HEAD, POST'],
      ['OPTIONS', '/verify', 'POST'],
      ['POST', '/assets/page.css', 'GET, HEAD'],
    ];
    for (const [method, path, allow] of wrong) {
      const answer = await client.request(method, `/mfa${path}`);
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow]);
    }
    const head = await client.request('HEAD', '/mfa');
    expect([head.status, head.text]).toEqual([200, '']);
  });

  it('serve style and script with a long cache lifetime at a URL that changes with their content', async () => {
    const { client } = await enroll(host);
    const page = (await client.page('GET', '/mfa')).text;
    for (const name of ['page.css', 'page.js']) {
      const url = new RegExp(`"(/mfa/assets/${name}\\?v=[0-9a-f]+)"`).exec(page)?.[1] ?? '';
      const asset = expectStatus(await new Client(host).get(url), 200);
      expect(asset.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
      expect(asset.headers.get('content-type')).toMatch(name.endsWith('css') ? /^text\/css/ : /^text\/javascript/);
      expect(asset.cookies).toEqual([]);
      expect((await client.get(`/mfa/assets/${name}?v=old`)).headers.get('cache-control')).toBe('private, no-cache');
    }
  });

  it('T46, HTTP-7: answer malformed requests with 400 and use up nothing', async () => {
    const { client, code } = await enroll(host);
    const right = code();
    const writes = host.counts.writes;
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const json = { 'content-type': 'application/json' };
    const bodies: [string | Uint8Array, Record<string, string>][] = [
      [`code[]=${right}`, form],
      [`code[x]=${right}`, form],
      [`code=${right}&code=${right}`, form],
      [`__proto__[code]=${right}`, form],
      [`{"code":["${right}"]}`, json],
      [`{"code":{"$ne":null}}`, json],
      [`{"code":${Number(right)}}`, json],
      [`{"__proto__":{"code":"${right}"}}`, json],
      [`["${right}"]`, json],
      ['{"code":', json],
      [`{"code":"${right}"}`, { 'content-type': 'text/plain' }],
      [`{"code":"${right}"}`, { 'content-type': 'application/octet-stream' }],
      ['', json],
      ['{}', json],
      [`{"code":"${right}","recoveryCode":"x"}`, json],
      [`{"code":"${right}","x":"${'y'.repeat(1_000_000)}"}`, json],
      [new Uint8Array([0x7b, 0xc3, 0x28, 0x7d]), json],
    ];
    for (const [body, headers] of bodies) {
      for (const path of ['/verify', '/enroll/confirm']) {
        const answer = await client.post(`/mfa${path}`, body, headers);
        expect([answer.status, answer.body?.reason]).toEqual([400, 'malformed']);
      }
    }
    expect(host.counts.writes).toBe(writes);
    expect(host.errors).toEqual([]);
    for (const odd of ['١٢٣٤٥٦', '１２３４５６', '1e5', ' ', 'x'.repeat(3000)]) {
      expect((await client.post('/mfa/verify', { code: odd })).status).toBe(422);
    }
    expectStatus(await client.post('/mfa/verify', { code: right }), 200);
  });

  it('HTTP-7: stop reading an endless body without a length', async () => {
    const { client } = await enroll(host);
    const status = await new Promise((resolve, reject) => {
      const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const headers = { cookie, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' };
      const sending = request(`${host.origin}/mfa/verify`, { method: 'POST', headers }, (res) => resolve(res.statusCode));
      sending.on('error', reject);
      for (let index = 0; index < 8; index++) sending.write('x'.repeat(1024));
    });
    expect(status).toBe(400);
  });

  it('HTTP-6: do not reveal without a login whether a user is enrolled, locked, remembered or known', async () => {
    const forged = { pendingToken: `${'x'.repeat(40)}.${'y'.repeat(80)}.z`, code: '123456', id: 'A'.repeat(22), name: 'x' };
    const seen = async (cookies: Map<string, string>) => {
      const told: unknown[] = [];
      for (const [method, paths] of [
        ['GET', GETS],
        ['POST', POSTS],
      ] as const) {
        for (const path of paths) {
          for (const body of method === 'GET' ? [undefined] : [{}, forged]) {
            const stranger = new Client(host);
            for (const [name, value] of cookies) if (name !== 'sid') stranger.cookies.set(name, value);
            const { status, headers, text } = await stranger.request(method, `/mfa${path}`, body ? { body } : {});
            const { date, 'set-cookie': _, ...rest } = Object.fromEntries(headers);
            told.push([method, path, status, rest, text]);
          }
        }
      }
      return told;
    };
    const before = await seen(new Map());
    const { client, code } = await enroll(host);
    const known = await logIn(host);
    expectStatus(await known.post('/mfa/verify', { code: code(), rememberDevice: true }), 200);
    for (let tries = 0; tries < 5; tries++) expectStatus(await client.post('/mfa/verify', { code: '000000' }), 422);
    expectStatus(await client.post('/mfa/verify', { code: '000000' }), 429);
    expect(await seen(known.cookies)).toEqual(before);
    expect(await seen(new Map())).toEqual(before);
  });

  it('ENR-4: do not let another session of the same user confirm or cancel an enrollment, by any id', async () => {
    const { client, code } = await enroll(host);
    const other = await logIn(host);
    expectStatus(await other.post('/mfa/verify', { code: code() }), 200);
    const { enrollmentId, uri } = expectStatus(await client.post('/mfa/enroll', { name: 'tablet' }), 201).body;
    const confirmation = { enrollmentId, code: createAuthenticator(uri).code(host.clock.now()) };
    expect((await other.post('/mfa/enroll/confirm', confirmation)).body).toMatchObject({ reason: 'enrollment_expired' });
    await other.post('/mfa/enroll/cancel', { enrollmentId });
    expectStatus(await client.post('/mfa/enroll/confirm', confirmation), 200);
  });

  it('T19: accept only enrollments of the same user', async () => {
    const ada = await logIn(host);
    const bob = await logIn(host, 'bob');
    const { enrollmentId, uri } = (await ada.post('/mfa/enroll', {})).body;
    expect((await bob.post('/mfa/enroll/confirm', { enrollmentId, code: '123456' })).body.reason).toBe('enrollment_expired');
    await bob.post('/mfa/enroll/cancel', { enrollmentId });
    expect((await bob.get('/mfa/enroll')).status).toBe(404);
    expect((await ada.get('/mfa/enroll')).body).toMatchObject({ enrollmentId, uri });
    const elsewhere = await logIn(host);
    expect((await elsewhere.get('/mfa/enroll')).status).toBe(404);
    expectStatus(await ada.post('/mfa/enroll/cancel', { enrollmentId }), 204);
    expect((await ada.get('/mfa/enroll')).status).toBe(404);
  });

  it('ENR-7, T15: never return the key of an active authenticator again', async () => {
    const { client, uri, enrollmentId } = await enroll(host);
    const secret = new URL(uri).searchParams.get('secret') ?? '';
    const texts: string[] = [];
    for (const path of GETS) texts.push((await client.get(`/mfa${path}`)).text, (await client.page('GET', `/mfa${path}`)).text);
    texts.push((await client.post('/mfa/enroll/confirm', { enrollmentId, code: '000000' })).text);
    expect(texts.join('\n').replaceAll(' ', '')).not.toContain(secret);
  });
}
