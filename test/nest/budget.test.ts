import { expect, it } from 'vitest';
import { Client, enroll, expectStatus, logIn } from '../express/client.js';
import { openSocket, sockets, startGatewayHost } from './gateway-host.js';
import { ask, askAll, withGraphql } from './graphql-host.js';

it.each(sockets)('T10, T32: all guesses share one budget, with $kind on $platform', async ({ platform, kind }) => {
  const server = platform === 'express' ? 'Apollo' : 'Mercurius';
  const host = await startGatewayHost({ platform, kind, check: false, module: withGraphql({ platform, server }) });
  const { code } = await enroll(host);
  const client = await logIn(host);
  const { pendingToken } = expectStatus(await new Client(host, {}).post('/login?user=ada'), 200).body;
  const socket = await openSocket(host, kind, client);
  host.events.length = 0;
  const mutation = 'mutation { verify(code: "000000") }';
  const entries = [
    () => client.post('/mfa/verify', { code: '000000' }),
    () => ask(client, mutation),
    () => askAll(client, [mutation, mutation, 'mutation { a: verify(code: "000000"), b: verify(code: "000000") }']),
    () => socket.ask('verify', '000000'),
    () => new Client(host, {}).post('/mfa/verify', { pendingToken, code: '000000' }),
  ];
  try {
    for (let round = 0; round < 2; round++) await Promise.all(entries.map((guess) => guess()));
    const names = host.names();
    expect(names.filter((name) => name === 'verification_failed')).toHaveLength(5);
    expect(names.filter((name) => name === 'throttled').length).toBeGreaterThan(0);
    const right = code();
    host.clock.advance(-60_000);
    const answers = [
      (await client.post('/mfa/verify', { code: right })).status,
      (await ask(client, `mutation { verify(code: "${right}") }`)).body.data.verify,
      (await socket.ask('verify', right)).data,
      (await new Client(host, {}).post('/mfa/verify', { pendingToken, code: right })).status,
    ];
    expect(answers).toEqual([429, 'throttled', 'throttled', 429]);
  } finally {
    socket.close();
    await host.close();
  }
});
