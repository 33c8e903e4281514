import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Client, enroll, expectStatus, logIn } from '../express/client.js';
import { ask, askAll, ran, servers, startGraphqlHost } from './graphql-host.js';
import type { Host } from './host.js';

describe.each(servers)('GraphQL by $server on $platform', (server) => {
  let host: Host;
  beforeEach(async () => {
    host = await startGraphqlHost({ server });
  });
  afterEach(() => host.close());

  it('T32: denies queries and mutations with the problem document and a code, and runs no resolver', async () => {
    const pending = await enroll(host).then(() => logIn(host));
    for (const [client, problem, code] of [
      [new Client(host), { status: 401, reason: 'login_again' }, 'UNAUTHENTICATED'],
      [pending, { status: 401, reason: 'challenge', because: 'missing' }, 'UNAUTHENTICATED'],
      [await logIn(host, 'bob'), { status: 403, reason: 'enroll' }, 'FORBIDDEN'],
    ] as const) {
      for (const query of ['{ cases }', 'mutation { pay }']) {
        const { body } = await ask(client, query);
        expect(body.errors).toHaveLength(1);
        expect(body.errors[0].extensions).toMatchObject({
          ...problem,
          code,
          type: expect.stringContaining('urn:mfa-kit:problem'),
        });
        expect(Object.values(body.data ?? {})).not.toContain('paid');
      }
    }
    expect(ran.count).toBe(0);
    expect((await ask(new Client(host), '{ open }')).body).toEqual({ data: { open: 'open' } });
  });

  it('T10: denies each operation of a batch, and each field of an operation', async () => {
    const client = await logIn(host);
    const { body } = await askAll(client, ['{ cases }', '{ open }', 'mutation { pay }']);
    expect(body.map(({ errors }: { errors?: object[] }) => errors?.length ?? 0)).toEqual([1, 0, 1]);
    const aliased = (await ask(client, '{ a: cases, b: cases, open }')).body;
    expect(aliased.errors).toHaveLength(2);
    expect(aliased.data).toEqual({ a: null, b: null, open: 'open' });
    expect(ran.count).toBe(0);
  });

  it('denies requests by GET, and never redirects a browser', async () => {
    const client = await logIn(host);
    for (const accept of ['application/json', 'text/html,*/*;q=0.8']) {
      const headers = { accept, 'apollo-require-preflight': '1' };
      const answer = await client.get(`/graphql?query=${encodeURIComponent('{ cases }')}`, { headers });
      expect(answer.headers.get('location')).toBeNull();
      expect(answer.text).not.toContain('"cases":"');
    }
    expect(ran.count).toBe(0);
  });

  it('allows a user who has proven enough, asks for a fresh code, and provides the assurance', async () => {
    const { client, code } = await enroll(host);
    expect((await ask(client, '{ cases }')).body).toEqual({ data: { cases: 'otp' } });
    const together = (await ask(client, '{ a: cases, open, b: cases }')).body;
    expect(together).toEqual({ data: { a: 'otp', open: 'open', b: 'otp' } });
    host.clock.advance(301_000);
    const { extensions } = (await ask(client, 'mutation { pay }')).body.errors[0];
    expect(extensions).toMatchObject({ reason: 'challenge', because: 'expired', maxAgeSeconds: 300 });
    expect((await ask(client, `mutation { verify(code: "${code()}") }`)).body.data).toEqual({ verify: 'ok' });
    expect((await ask(client, 'mutation { pay }')).body).toEqual({ data: { pay: 'paid' } });
  });

  it('F47: stores no return path for a script, and never the GraphQL path', async () => {
    const { code } = await enroll(host);
    const client = await logIn(host);
    const script = { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', 'apollo-require-preflight': '1' };
    const headers = { accept: 'text/html', referer: `${host.origin}/board`, ...script };
    await client.get(`/graphql?query=${encodeURIComponent('{ cases }')}`, { headers });
    const verified = expectStatus(await client.post('/mfa/verify', { code: code() }), 200);
    expect(verified.body.returnTo).toBe('/home');
  });

  it('denies and logs how to fix it if the user cannot be read', async () => {
    await host.close();
    const user = () => {
      throw new Error('database down');
    };
    host = await startGraphqlHost({ server, kit: { user } });
    const { extensions } = (await ask(new Client(host), '{ cases }')).body.errors[0];
    expect(extensions).toMatchObject({ reason: 'unavailable', code: 'UNAVAILABLE' });
    expect(host.logged[0]).toMatchObject({ code: 'host_callback_failed', message: expect.stringContaining('"user"') });
    expect(JSON.stringify(extensions.message ?? '')).not.toContain('database');
  });
});
