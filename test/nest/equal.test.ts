import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, Client, enroll, logIn } from '../express/client.js';
import { type Host as ExpressHost, startHost as startExpressHost, versions } from '../express/host.js';
import type { TestUser } from '../support/core-fixture.js';
import { type Host, platforms, startHost } from './host.js';

type Either = Pick<Host, 'origin' | 'clock' | 'users' | 'storage'>;
type Situation = [name: string, answer: (host: Either) => Promise<Answer>];

const page = { accept: 'text/html,*/*;q=0.8' };

/** Each is refused for another reason. Every one has its own user, so that their order does not matter. */
const situations: Situation[] = [
  ['nobody logged in', (host) => new Client(host).get('/cases')],
  ['nobody logged in, a browser', (host) => new Client(host).get('/cases', { headers: page })],
  ['not enrolled', async (host) => (await member(host)).get('/cases')],
  ['not enrolled, a browser', async (host) => (await member(host)).get('/cases?x=1', { headers: page })],
  ['no proof yet', async (host) => (await pending(host)).get('/cases')],
  ['no proof yet, a browser', async (host) => (await pending(host)).get('/cases', { headers: page })],
  ['a proof that is too old', async (host) => (await stale(host)).post('/payouts', {})],
  ['a proof that is too old, a browser', async (host) => (await stale(host)).page('POST', '/payouts')],
  ['a record that is missing', async (host) => (await lost(host)).get('/cases')],
  ['a record that is missing, a browser', async (host) => (await lost(host)).get('/cases', { headers: page })],
  ['storage that fails', (host) => broken(host, (client) => client.get('/cases'))],
  ['storage that fails, a browser', (host) => broken(host, (client) => client.get('/cases', { headers: page }))],
  ['storage that fails, at the endpoint', (host) => broken(host, (client) => client.post('/mfa/verify', { code: '000000' }))],
  ['a wrong code', async (host) => (await pending(host)).post('/mfa/verify', { code: '000000' })],
  ['a wrong code, a browser', async (host) => (await pending(host)).page('POST', '/mfa/verify', { code: '000000' })],
  ['too many wrong codes', (host) => throttled(host, (client) => client.post('/mfa/verify', { code: '000000' }))],
  ['too many wrong codes, a browser', (host) => throttled(host, (client) => client.page('POST', '/mfa/verify', { code: '1' }))],
  ['no code', async (host) => (await pending(host)).post('/mfa/verify', {})],
  ['an operator as a code', async (host) => (await pending(host)).post('/mfa/verify', { code: { $ne: null } })],
  ['another site', async (host) => (await pending(host)).post('/mfa/verify', {}, { 'sec-fetch-site': 'cross-site' })],
  ['an unknown path', (host) => new Client(host).get('/mfa/nothing')],
  ['an unknown path, a browser', (host) => new Client(host).get('/mfa/nothing', { headers: page })],
  ['another case', (host) => new Client(host).get('/mfa/Enroll')],
  ['another method', (host) => new Client(host).request('PUT', '/mfa/enroll')],
  ['OPTIONS', (host) => new Client(host).request('OPTIONS', '/mfa/verify')],
  ['HEAD', (host) => new Client(host).request('HEAD', '/mfa/enroll')],
  ['an invalid pending token', (host) => new Client(host, {}).post('/mfa/verify', { pendingToken: 'a.b.c', code: '1' })],
  ['a style sheet', (host) => new Client(host).get('/mfa/assets/page.css')],
  ['a change without a fresh proof', async (host) => (await stale(host)).post('/mfa/recovery-codes', {})],
];

describe.each(platforms)('Nest on $platform answers as Express does', (given) => {
  let nest: Host;
  let express: ExpressHost;
  beforeAll(async () => {
    const [{ express: lib }] = versions;
    nest = await startHost(given);
    express = await startExpressHost({ express: lib, parsers: (of) => [of.json(), of.urlencoded({ extended: false })] });
  });
  afterAll(() => Promise.all([nest.close(), express.close()]));

  it.each(situations)('%s', async (_name, answer) => {
    const [ours, model] = [plain(await answer(nest)), plain(await answer(express))];
    expect(ours).toEqual(model);
  });
});

/** An answer without headers of platforms and hosts, without framing, and without values that differ each time. */
function plain({ status, headers, text }: Answer): object {
  const kept = [...headers].filter(
    ([name]) =>
      !['date', 'connection', 'keep-alive', 'set-cookie', 'x-powered-by', 'content-length', 'transfer-encoding'].includes(name),
  );
  return { status, headers: Object.fromEntries(kept), text: text.replaceAll(/user-\d+|member-\d+@example.com/g, 'somebody') };
}

let made = 0;

async function member(host: Either, more: Partial<TestUser> = {}): Promise<Client> {
  const name = `member-${made++}`;
  host.users.set(name, { id: `user-${made}`, name: `${name}@example.com`, ...more });
  const client = await logIn(host, name);
  names.set(client, name);
  return client;
}

const names = new WeakMap<Client, string>();

async function stale(host: Either): Promise<Client> {
  const client = await member(host);
  await enroll(host, names.get(client), client);
  host.clock.advance(301_000);
  return client;
}

async function pending(host: Either): Promise<Client> {
  const name = names.get(await stale(host));
  return logIn(host, name);
}

function lost(host: Either): Promise<Client> {
  return member(host, { enrolled: true });
}

async function throttled(host: Either, answer: (client: Client) => Promise<Answer>): Promise<Answer> {
  const client = await pending(host);
  for (let index = 0; index < 5; index++) await client.post('/mfa/verify', { code: '000000' });
  return answer(client);
}

async function broken(host: Either, answer: (client: Client) => Promise<Answer>): Promise<Answer> {
  const client = await pending(host);
  const { read } = host.storage;
  host.storage.read = () => Promise.reject(new Error('ECONNREFUSED'));
  try {
    return await answer(client);
  } finally {
    host.storage.read = read;
  }
}
