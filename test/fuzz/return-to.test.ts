import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Enrolled, enroll, logIn } from '../express/client.js';
import { fc } from '../support/fast-check.js';
import { countOperations, ROUNDS } from '../support/proof.js';
import { type Fuzzed, hosts, sendRaw } from './hosts.js';

const piece = fc.constantFrom(
  '/',
  '\\',
  '//',
  '..',
  '.',
  '%2f',
  '%5c',
  '%2e',
  '@',
  ':',
  '?',
  '#',
  '%09',
  '%0d%0a',
  'evil.example',
  'https:',
  'cases',
  'javascript:',
);
/** express-session provides no session for a target without a path. */
const PATHLESS = /^\/[/\\].*#/;
const path = fc.oneof(
  fc.array(piece, { maxLength: 8 }).map((parts) => `/${parts.join('')}`),
  fc.constantFrom('//evil.example', '/\\evil.example', '/.//evil.example', '/mfa/../..//evil.example'),
);
const target = fc.oneof(path, fc.webUrl(), fc.constant('https://evil.example/cases'));

describe.each(hosts)('the return path on $name', ({ start }) => {
  let host: Fuzzed;
  let enrolled: Enrolled;

  beforeAll(async () => {
    host = await start();
    enrolled = await enroll(host);
  });
  afterAll(() => host.close());

  it('HTTP-2: is a path of this origin for any request, by path, Referer or parameter', async () => {
    await fc.assert(
      fc.asyncProperty(path, target, fc.boolean(), async (asked, other, asPage) => {
        fc.pre(!PATHLESS.test(asked));
        const client = await logIn(host);
        const cookie = () => [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
        const headers = { accept: asPage ? 'text/html' : 'application/json', referer: other, cookie: cookie() };
        const refused = await sendRaw(host.origin, { path: `${asked}?returnTo=${encodeURIComponent(other)}`, headers });
        client.keepAll(refused.headers['set-cookie']);
        const moved = refused.headers.location;
        if (typeof moved === 'string') expectOwn(moved, host.origin);
        const answer = await client.post('/mfa/verify', { code: enrolled.code(), returnTo: other, next: other });
        countOperations();
        expect(answer.status, answer.text).toBe(200);
        expectOwn(String(answer.body.returnTo), host.origin);
      }),
      { numRuns: 12 * ROUNDS },
    );
    expect(host.faults()).toEqual([]);
  }, 120_000);

  it('HTTP-2: is the refused path, if that is one of this origin', async () => {
    const client = await logIn(host);
    const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const refused = await sendRaw(host.origin, { path: '/cases?page=2', headers: { accept: 'text/html', cookie } });
    client.keepAll(refused.headers['set-cookie']);
    expect((await client.post('/mfa/verify', { code: enrolled.code() })).body.returnTo).toBe('/cases?page=2');
  });

  it('HTTP-2: a request target without a path for express-session is denied', async () => {
    const { client } = enrolled;
    const headers = { cookie: [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
    expect(await sendRaw(host.origin, { path: '/cases', headers })).toMatchObject({ status: 200 });
    expect([404, 500]).toContain((await sendRaw(host.origin, { path: '//%2f#@?page=2', headers })).status);
  });
});

function expectOwn(target: string, origin: string): void {
  expect(target).toMatch(/^\/(?![/\\])/);
  expect(new URL(target, origin).origin).toBe(origin);
}
