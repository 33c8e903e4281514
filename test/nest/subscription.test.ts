import session from 'express-session';
import { createClient, type Client as Subscriber } from 'graphql-ws';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Client, enroll, expectStatus, logIn } from '../express/client.js';
import { FaultyStore } from '../express/host.js';
import { ran, servers, startGraphqlHost } from './graphql-host.js';
import { type Host, SECRET } from './host.js';

describe.each(servers)('a subscription over a socket, by $server on $platform', (server) => {
  let host: Host;
  const open: Subscriber[] = [];

  beforeEach(async () => {
    // Upgrades bypass the middleware of Express, so the host runs its session middleware itself.
    const store = new FaultyStore();
    const upgrade = session({ secret: SECRET, resave: false, saveUninitialized: false, store, name: 'sid' });
    host = await startGraphqlHost({ server, ...(server.platform === 'express' && { upgrade, store }) });
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((subscriber) => subscriber.dispose()));
    await host.close();
  });

  it('T32: is denied until enough is proven', async () => {
    const pending = await enroll(host).then(() => logIn(host));
    // With Apollo on Fastify the request that opened the socket has no session, so the guard cannot read it.
    const reason = hasSession(server) ? 'challenge' : 'unavailable';
    expect(await subscribe(pending)).toMatchObject([{ extensions: { reason } }]);
    expect(await subscribe(new Client(host))).toMatchObject([
      { extensions: { reason: expect.stringMatching(/login_again|unavailable/) } },
    ]);
    expect(ran.count).toBe(0);
    if (!hasSession(server)) expect(String(host.logged[0])).toContain('There is no session on this request');
  });

  it.runIf(hasSession(server))('is delivered after the proof, and denied again after the logout', async () => {
    const { client } = await enroll(host);
    expect(await subscribe(client)).toEqual({ ticks: 'tick' });
    const opened = connect(client);
    expect(await first(opened)).toEqual({ ticks: 'tick' });
    expectStatus(await client.post('/logout'), 204);
    expect(await first(opened)).toMatchObject([{ extensions: { reason: 'login_again' } }]);
  });

  it.runIf(hasSession(server))('is denied on an open socket after sessions were ended elsewhere', async () => {
    const { client, code } = await enroll(host);
    const opened = connect(client);
    expect(await first(opened)).toEqual({ ticks: 'tick' });
    const other = await logIn(host);
    expectStatus(await other.post('/mfa/verify', { code: code() }), 200);
    expectStatus(await other.post('/mfa/sessions/end', {}), 204);
    expect(await first(opened)).toMatchObject([{ extensions: { reason: 'challenge', because: 'revoked' } }]);
  });

  function connect(client: Client): Subscriber {
    const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    class WithCookies extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { headers: { cookie } });
      }
    }
    const subscriber = createClient({
      url: `${host.origin.replace('http', 'ws')}/graphql`,
      webSocketImpl: WithCookies,
      lazy: false,
    });
    open.push(subscriber);
    return subscriber;
  }

  function subscribe(client: Client): Promise<unknown> {
    return first(connect(client));
  }
});

function hasSession({ platform, server }: (typeof servers)[number]): boolean {
  return platform === 'express' || server === 'Mercurius';
}

/** The data of the first event, or the errors. */
function first(subscriber: Subscriber): Promise<unknown> {
  return new Promise((resolve) => {
    subscriber.subscribe(
      { query: 'subscription { ticks }' },
      { next: ({ data, errors }) => resolve(errors ?? data), error: resolve, complete: () => resolve('nothing') },
    );
  });
}
