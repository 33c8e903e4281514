import { afterEach, describe, expect, it } from 'vitest';
import { Client, enroll, expectStatus, logIn } from '../express/client.js';
import { type GatewayOptions, openSocket, ran, type SocketClient, sockets, startGatewayHost } from './gateway-host.js';
import type { Host } from './host.js';

describe.each(sockets)('a gateway of $kind on $platform', ({ platform, kind }) => {
  let host: Host;
  const opened: SocketClient[] = [];

  async function start(options: Partial<GatewayOptions> = {}): Promise<Host> {
    host = await startGatewayHost({ platform, kind, ...options });
    return host;
  }
  async function open(client: Client): Promise<SocketClient> {
    const socket = await openSocket(host, kind, client);
    opened.push(socket);
    return socket;
  }
  afterEach(async () => {
    for (const socket of opened.splice(0)) socket.close();
    await host.close();
  });

  it('T32: sends a refused socket the reason and closes it', async () => {
    await start();
    await enroll(host);
    for (const [client, reason] of [
      [new Client(host), 'login_again'],
      [await logIn(host), 'challenge'],
      [await logIn(host, 'bob'), 'enroll'],
    ] as const) {
      const socket = await open(client);
      expect(await socket.next()).toMatchObject({ event: 'exception', data: { reason, type: expect.any(String) } });
      const closed = await socket.next();
      expect(closed.event).toBe('closed');
      if (kind === 'ws') expect(closed.data).toEqual([1008, reason]);
    }
  });

  it('allows a user who has proven enough, and provides the assurance', async () => {
    await start();
    const { client } = await enroll(host);
    const socket = await open(client);
    expect(await socket.ask('cases')).toEqual({ event: 'cases', data: 'otp' });
    expect(await socket.ask('pay')).toEqual({ event: 'pay', data: 'paid' });
    expect(await socket.ask('open')).toEqual({ event: 'open', data: 'open' });
    host.clock.advance(301_000);
    const refused = await socket.ask('pay');
    expect(refused).toMatchObject({ event: 'exception', data: { reason: 'challenge', because: 'expired', maxAgeSeconds: 300 } });
    expect(await socket.ask('cases')).toEqual({ event: 'cases', data: 'otp' });
    expect(ran.count).toBe(3);
  });

  it('SES-3: denies an open socket after sessions were ended elsewhere, and after a logout', async () => {
    await start();
    const { client, code } = await enroll(host);
    const [one, two] = [await open(client), await open(await verified(code()))];
    expect((await one.ask('cases')).data).toBe('otp');
    expect((await two.ask('cases')).data).toBe('otp');
    const other = await verified(code());
    expectStatus(await other.post('/mfa/sessions/end', {}), 204);
    expect((await one.ask('cases')).data).toMatchObject({ reason: 'challenge', because: 'revoked' });
    const third = await open(other);
    expect((await third.ask('cases')).data).toBe('otp');
    expectStatus(await other.post('/logout'), 204);
    expect((await third.ask('cases')).data).toMatchObject({ reason: 'login_again' });
    expect(ran.count).toBe(3);
  });

  it('denies each message of a socket that was opened before the login', async () => {
    await start({ check: false });
    const anonymous = new Client(host);
    expectStatus(await anonymous.post('/cart'), 204);
    const early = await open(anonymous);
    if (kind === 'ws') {
      expect((await early.ask('cases')).data).toMatchObject({ reason: 'unavailable' });
      expect(String(host.logged[0])).toContain('checkConnection(client, request)');
      return;
    }
    expect((await early.ask('cases')).data).toMatchObject({ reason: 'login_again' });
    await enroll(host, 'ada', anonymous);
    expect((await early.ask('cases')).data).toMatchObject({ reason: 'login_again' });
    expect(await early.ask('open')).toEqual({ event: 'open', data: 'open' });
    expect(ran.count).toBe(0);
  });

  it('F58, HTTP-1: refuses a page of another origin on a socket that is already open', async () => {
    await start();
    const { client } = await enroll(host);
    const from = async (origin: string) => {
      const socket = await openSocket(host, kind, client, { origin });
      opened.push(socket);
      return socket;
    };
    expect(await (await from('https://evil.example')).next()).toMatchObject({
      event: 'exception',
      data: { reason: 'cross_site' },
    });
    expect((await (await from('https://app.example')).ask('cases')).data).toBe('otp');
    if (kind === 'ws') return;
    await host.close();
    await start({ check: false });
    const again = await enroll(host);
    const evil = await openSocket(host, kind, again.client, { origin: 'https://evil.example' });
    opened.push(evil);
    expect((await evil.ask('cases')).data).toMatchObject({ reason: 'cross_site' });
    expect(ran.count).toBe(0);
  });

  it('reads but never writes', async () => {
    await start();
    const { client } = await enroll(host);
    const socket = await open(client);
    host.resetCounts();
    expect((await socket.ask('cases')).data).toBe('otp');
    expect(host.counts.writes).toBe(0);
  });

  async function verified(code: string): Promise<Client> {
    const client = await logIn(host);
    expectStatus(await client.post('/mfa/verify', { code }), 200);
    return client;
  }
});
