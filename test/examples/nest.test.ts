import { createAuthenticator } from '@mfa-kit/core/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type DemoApp, startDemoApp } from '../support/demo-app.js';
import { type ScriptedClient, scriptedClient } from '../support/scripted-client.js';
import { expectStatus, logIn } from '../support/scripted-journey.js';

const QUERY = '{ matters { reference heldCents } }';

describe.each(['Nest on Express', 'Nest on Fastify'] as const)('besides its pages, %s', (example) => {
  let app: DemoApp;
  /** A client with a proven code, one with only the password, and one without a login. */
  let ada: ScriptedClient;
  let half: ScriptedClient;
  let nobody: ScriptedClient;

  beforeAll(async () => {
    app = await startDemoApp(example);
    [ada, half, nobody] = [scriptedClient(app.origin), scriptedClient(app.origin), scriptedClient(app.origin)];
    await logIn(ada, app, 'ada');
    const { enrollmentId, uri } = expectStatus(await ada.post('/mfa/enroll'), 201).body;
    const code = createAuthenticator(String(uri)).code(app.now());
    expectStatus(await ada.post('/mfa/enroll/confirm', { enrollmentId, code }), 200);
    await logIn(half, app, 'ada');
  });
  afterAll(() => app.close());

  describe('its GraphQL endpoint', () => {
    const reasonOf = async (client: ScriptedClient, headers = {}): Promise<unknown> => {
      const { body } = await client.post('/graphql', { query: QUERY }, headers);
      expect(body.data ?? null).toBeNull();
      const [{ extensions }] = body.errors as [{ extensions: { reason?: string; code: string } }];
      return extensions.reason ?? extensions.code;
    };

    it('SES-2: shows the cases only after a proven code', async () => {
      const { body } = await ada.post('/graphql', { query: QUERY });
      expect((body.data as { matters: unknown[] }).matters).toHaveLength(4);
      expect(await reasonOf(half)).toBe('challenge');
      expect(await reasonOf(nobody)).toBe('login_again');
    });

    it('also answers GET, and shows no schema and no stack trace', async () => {
      const preflight = { 'apollo-require-preflight': '1' };
      const path = `/graphql?query=${encodeURIComponent(QUERY)}`;
      expect((await ada.get(path, preflight)).text).toContain('LF-2041');
      const refused = await half.get(path, preflight);
      expect(refused.text).toContain('"reason":"challenge"');
      expect(refused.text).not.toContain('LF-2041');
      const schema = await ada.post('/graphql', { query: '{ __schema { types { name } } }' });
      expect(schema.text).not.toContain('Matter');
      expect(schema.text).not.toContain('node_modules');
    });

    it('HTTP-1: refuses requests from another site', async () => {
      expect(await reasonOf(ada, { 'sec-fetch-site': 'cross-site' })).toBe('FORBIDDEN');
      expect(await reasonOf(ada, { origin: 'https://evil.example' })).toBe('FORBIDDEN');
    });
  });

  describe('its gateway', () => {
    it('SES-2: opens no socket without a proven code', async () => {
      for (const client of [half, nobody]) await expect(open(app, client)).rejects.toThrow('401');
    });

    it('HTTP-1: refuses sockets of a page of another site', async () => {
      for (const [name, value] of Object.entries({ origin: 'https://evil.example', 'sec-fetch-site': 'same-site' })) {
        await expect(open(app, ada, { [name]: value })).rejects.toThrow('403');
      }
    });

    it('SES-3: shows the cases after a proven code, until the logout', async () => {
      const socket = await open(app, ada);
      expect(await ask(socket)).toMatchObject({ event: 'matters', data: [{ reference: 'LF-2041' }, {}, {}, {}] });
      expectStatus(await ada.post('/logout'), 200);
      expect(await ask(socket)).toMatchObject({ event: 'exception', data: { reason: 'login_again' } });
    });
  });
});

const sockets: WebSocket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate();
});

interface Socket {
  send(text: string): void;
  next(): Promise<unknown>;
}

async function open(app: DemoApp, client: ScriptedClient, headers: Record<string, string> = {}): Promise<Socket> {
  const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const socket = new WebSocket(`${app.origin.replace('http', 'ws')}/live`, {
    headers: { origin: app.origin, cookie, ...headers },
  });
  sockets.push(socket);
  const received: unknown[] = [];
  const waiting: ((one: unknown) => void)[] = [];
  const collect = (one: unknown): void => {
    const next = waiting.shift();
    if (next) next(one);
    else received.push(one);
  };
  socket.on('message', (text) => collect(JSON.parse(String(text))));
  socket.on('close', (code) => collect({ event: 'closed', data: code }));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return {
    send: (text) => socket.send(text),
    next: () => new Promise((resolve) => (received.length > 0 ? resolve(received.shift()) : waiting.push(resolve))),
  };
}

function ask(socket: Socket): Promise<unknown> {
  socket.send(JSON.stringify({ event: 'matters' }));
  return socket.next();
}
