import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RedisSend, redisStorage } from '../../packages/core/src/storage/redis.js';
import type { MfaStorage } from '../../packages/core/src/storage/storage.js';
import { ada, createEnrolled, createFixture, expectOk, loginPending, reasonOf } from '../support/core-fixture.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { portsOf } from '../support/redis.js';
import { type RunningRedis, startRedis } from '../support/redis-server.js';
import { describeWith, reportMissing } from '../support/requires.js';
import { serverUrl } from '../support/server-url.js';

const shared = await serverUrl('redis');
const own: RunningRedis | null = await startRedis().catch((error: Error) => reportMissing(error.message));
afterAll(() => own?.stop());

describeWith(own, 'redisStorage on a server', (server) => {
  const client = createClient({ url: server.url });
  client.on('error', () => undefined);
  let replica: RunningRedis;
  beforeAll(async () => {
    await client.connect();
    replica = await startRedis(['--replicaof', '127.0.0.1', String(server.port)]);
  });
  afterAll(async () => {
    client.destroy();
    await replica?.stop();
  });
  const stored = { version: 'v1', value: 'x' };

  it('gives each user a key in ASCII without braces, so that no id can choose its slot', async () => {
    const storage = redisStorage({ client, prefix: 'keys:' });
    for (const userId of ['a{b}c', '{b}', 'é', 'a:b', 'a%7Bb'])
      expect(await storage.write(userId, stored, null), userId).toBe(true);
    expect((await client.keys('keys:*')).sort()).toEqual(
      ['keys:%7Bb%7D', 'keys:%C3%A9', 'keys:a%257Bb', 'keys:a%3Ab', 'keys:a%7Bb%7Dc'].sort(),
    );
    expect(await client.hGetAll('keys:%C3%A9')).toEqual(stored);
    expect(await client.ttl('keys:%C3%A9')).toBe(-1);
  });

  it('does not list foreign keys with the same prefix', async () => {
    const storage = redisStorage({ client, prefix: 'alike:' });
    await storage.write('alice', stored, null);
    await redisStorage({ client, prefix: 'alike:more:' }).write('bob', stored, null);
    for (const key of ['alike:', 'alike:%', 'alike:%41', 'alike:ünicode']) await client.set(key, '');
    expect(await storage.listUserIds()).toEqual({ userIds: ['alice'] });
  });

  it('STO-6: refuses enrolled users if Redis lost its data, and never means "no MFA"', async () => {
    const storage = redisStorage({ client, prefix: 'lost:' });
    const { mfa, session, names } = await createEnrolled(ada, { storage });
    const user = { ...ada, enrolled: true };
    expect((await mfa.checkAccess({ user, session })).access).toBe('allow');
    await client.sendCommand(['FLUSHALL']);
    expect((await mfa.beginLogin({ user })).decision).toMatchObject({ access: 'refuse', reason: 'profile_missing' });
    expect(await mfa.checkAccess({ user, session })).toMatchObject({ access: 'refuse', reason: 'profile_missing' });
    expect(reasonOf(await mfa.startEnrollment({ user, session }))).toBe('profile_missing');
    expect(names()).toContain('profile_missing');
  });

  it('throws what the server refuses, instead of returning false or null', async () => {
    const storage = redisStorage({ client, prefix: 'refused:' });
    expect(await storage.write('alice', stored, null)).toBe(true);
    const next = { version: 'v2', value: 'y' };
    const refused = async (saying: RegExp) => {
      await expect(storage.write('alice', next, 'v1')).rejects.toThrow(saying);
      await expect(storage.write('bob', next, null)).rejects.toThrow(saying);
      await expect(storage.remove('alice', 'v1')).rejects.toThrow(saying);
    };
    await client.configSet('min-replicas-to-write', '5');
    await refused(/NOREPLICAS/);
    await client.configSet('min-replicas-to-write', '0');
    await client.configSet('maxmemory', '1');
    await expect(storage.write('alice', next, 'v1')).rejects.toThrow(/OOM/);
    await client.configSet('maxmemory', '0');
    await client.set('refused:carol', 'a string');
    await expect(storage.read('carol')).rejects.toThrow(/WRONGTYPE/);
    await expect(storage.write('carol', next, 'v1')).rejects.toThrow(/WRONGTYPE/);
    expect(await storage.write('carol', next, null)).toBe(false);
    await client.hSet('refused:dave', 'version', 'v1');
    await expect(storage.read('dave')).rejects.toThrow(/must come back as text/);
  });

  it('throws on a replica, and refuses to list there', async () => {
    const onReplica = createClient({ url: replica.url });
    await onReplica.connect();
    const storage = redisStorage({ client: onReplica, prefix: 'replica:' });
    await expect(storage.write('alice', stored, null)).rejects.toThrow(/READONLY/);
    await expect(storage.listUserIds()).rejects.toThrow(/replica/);
    expect(await storage.unsafeSettings()).toContainEqual(expect.stringContaining('leads to a replica'));
    onReplica.destroy();
  });

  it('reports the settings that weaken it, and warns of them at the first call', async () => {
    const storage = redisStorage({ client, prefix: 'settings:' });
    expect(await storage.unsafeSettings()).toEqual([]);
    await client.configSet('appendfsync', 'everysec');
    await client.configSet('maxmemory-policy', 'allkeys-lru');
    const careless = [
      expect.stringContaining('appendfsync is everysec'),
      expect.stringContaining('maxmemory-policy is allkeys-lru'),
    ];
    expect(await storage.unsafeSettings()).toEqual(careless);

    const warnings: (Error & { code?: string })[] = [];
    const listen = (warning: Error) => void warnings.push(warning);
    process.on('warning', listen);
    const fresh = redisStorage({ client, prefix: 'settings:' });
    await fresh.read('alice');
    await fresh.read('alice');
    await expect.poll(() => warnings.map(({ message }) => message)).toEqual(careless);
    expect(warnings[0]).toMatchObject({ name: 'MfaKitWarning', code: 'MFA_KIT_UNSAFE_STORAGE' });
    process.off('warning', listen);

    await client.configSet('appendonly', 'no');
    await client.configSet('maxmemory-policy', 'noeviction');
    expect(await storage.unsafeSettings()).toEqual([expect.stringContaining('appendonly is no')]);
    await client.configSet('appendonly', 'yes');
    await client.configSet('appendfsync', 'always');
  });

  it('reports settings that it may not read as unknown', async () => {
    await client.sendCommand(['ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '+@all', '-config']);
    const limited = createClient({ url: server.url, username: 'app', password: 'secret' });
    await limited.connect();
    expect(await redisStorage({ client: limited }).unsafeSettings()).toEqual([expect.stringContaining('appendfsync is unknown')]);
    await client.sendCommand(['ACL', 'SETUSER', 'app', '-info']);
    const blind = redisStorage({ client: limited, prefix: 'blind:' });
    await expect(blind.unsafeSettings()).rejects.toThrow(/NOPERM/);
    expect(await blind.write('alice', stored, null)).toBe(true);
    limited.destroy();
    const silent: RedisSend = async () => '# Server\r\nredis_version:7\r\n';
    expect(await redisStorage({ sendCommand: silent }).unsafeSettings()).toEqual([expect.stringContaining('are unknown')]);
  });

  it('does not treat a broken connection as a refusal', async () => {
    let broken = 0;
    const breaking =
      (calls: number): RedisSend =>
      async (...command) => {
        if (command[0] === 'CONFIG' || broken > 0) broken += 1;
        if (broken > 0 && broken <= calls) throw new Error('Socket closed unexpectedly');
        return client.sendCommand(command);
      };
    expect(await redisStorage({ sendCommand: breaking(1) }).unsafeSettings()).toEqual([]);
    broken = 0;
    await expect(redisStorage({ sendCommand: breaking(10) }).unsafeSettings()).rejects.toThrow('Socket closed');
  });

  it('STO-1, I2: core resolves a write that the client retried and that got false for its own success', async () => {
    const proxy = await startFaultProxy(server.port);
    const resending = new Redis({ port: proxy.port, host: '127.0.0.1', retryStrategy: () => 50 });
    resending.on('error', () => undefined);
    const storage = redisStorage({ client: resending, prefix: 'again:' });
    const said: unknown[] = [];
    const losing: MfaStorage = {
      ...storage,
      async write(userId, next, expected) {
        if (said.length === 0) proxy.loseNextReply();
        const answer = await storage.write(userId, next, expected);
        said.push(answer);
        return answer;
      },
    };
    const { mfa, clock, authenticator, recoveryCodes } = await createEnrolled(ada, { storage });
    const session = await loginPending(mfa);
    const { mfa: doubtful } = createFixture({ storage: losing, clock: clock.now });
    expect(
      reasonOf(await doubtful.verify({ user: ada, session, proof: { kind: 'recovery-code', code: recoveryCodes[0] ?? '' } })),
    ).toBe('ok');
    expect(said).toEqual([false]);
    expect(proxy.lostReplies()).toBe(1);
    expect(expectOk(await mfa.getStatus({ user: ada })).status.recoveryCodesLeft).toBe(9);
    expect(
      reasonOf(await doubtful.verify({ user: ada, session, proof: { kind: 'totp', code: authenticator.code(clock.now()) } })),
    ).toBe('ok');
    resending.disconnect();
    await proxy.close();
  });

  describe('with waitForReplicas', () => {
    // The default of a second: both servers flush each write, which a busy disk holds up for longer than some hundred milliseconds.
    const open = () => redisStorage({ client, prefix: 'wait:', waitForReplicas: { count: 1 } });
    const attach = async () => {
      await replica.ask('REPLICAOF', '127.0.0.1', String(server.port));
      // It is online before it takes what is written.
      const takesWrites = async () => {
        await client.sendCommand(['SET', 'probe', '1']);
        return Number(await client.sendCommand(['WAIT', '1', '1000']));
      };
      await expect.poll(takesWrites, { timeout: 10_000 }).toBe(1);
    };
    const detach = () => replica.ask('REPLICAOF', 'NO', 'ONE');

    it('true means that the replica has the write; without the replica writes throw, and so do reads until it has caught up', async () => {
      const storage = open();
      await attach();
      expect(await storage.write('alice', stored, null)).toBe(true);
      expect(await replica.ask('HGET', 'wait:alice', 'version')).toBe('v1');
      await detach();
      const next = { version: 'v2', value: 'y' };
      await expect(storage.write('alice', next, 'v1')).rejects.toThrow('0 of 1 replicas have the write');
      // It is applied, so neither true nor false; a read now would let core take it for committed.
      await expect(storage.read('alice')).rejects.toThrow('0 of 1 replicas');
      await expect(storage.write('alice', { version: 'v3', value: 'z' }, 'v1')).rejects.toThrow('0 of 1');
      expect(await storage.read('bob')).toBeNull();
      await expect(storage.remove('alice', 'v2')).rejects.toThrow('0 of 1');
      await expect(storage.read('alice')).rejects.toThrow('0 of 1');
      await attach();
      expect(await storage.read('alice')).toBeNull();
      expect(await replica.ask('EXISTS', 'wait:alice')).toBe(0);
      expect(await storage.write('alice', next, null)).toBe(true);
    }, 30_000);

    it('STO-1: core answers nothing that a failover would undo', async () => {
      await attach();
      const { mfa, clock, authenticator } = await createEnrolled(ada, { storage: open() });
      const session = await loginPending(mfa);
      await detach();
      const code = authenticator.code(clock.now());
      expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('unavailable');
      await attach();
      // The write had been applied on the master: the code is used, and says so once the replica has it.
      const again = async () => reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }));
      const answers = [await again()];
      while (answers.at(-1) === 'unavailable' && answers.length < 5) answers.push(await again());
      expect(answers.at(-1)).toBe('invalid_code');
    }, 30_000);

    it('is refused if WAIT may use another connection than the write', () => {
      const ioredis = new Redis({ lazyConnect: true });
      const waitForReplicas = { count: 1 };
      expect(() => redisStorage({ client: ioredis, waitForReplicas })).toThrow(/autoResendUnfulfilledCommands/);
      const never: RedisSend = async () => null;
      expect(() => redisStorage({ sendCommand: never, masters: () => [never], waitForReplicas })).toThrow(/connection/);
      for (const wrong of [{ count: 0 }, { count: 1.5 }, { count: 1, timeoutMs: 2000 }])
        expect(() => redisStorage({ client, waitForReplicas: wrong })).toThrow(/waitForReplicas needs/);
      ioredis.disconnect();
    });
  });

  it('throws if the server restarts between two pages of a list', async () => {
    const storage = redisStorage({ client, prefix: 'pages:' });
    for (let index = 0; index < 1000; index++) await storage.write(`user-${index}`, stored, null);
    const first = await storage.listUserIds();
    expect(first.cursor).toBeDefined();
    expect((await storage.listUserIds(first.cursor)).userIds.length).toBeGreaterThan(100);
    await server.halt();
    await server.resume();
    await expect.poll(() => client.ping().catch(() => null)).toBe('PONG');
    await expect(storage.listUserIds(first.cursor)).rejects.toThrow(/restarted.*Begin it again/);
    expect((await storage.listUserIds()).userIds.length).toBeGreaterThan(100);
  });
});

describeWith(shared, 'redisStorage with any client', (url) => {
  const [port = 0] = portsOf(url);

  it('accepts one function that sends one command', async () => {
    const client = await createClient({ url }).connect();
    const storage = redisStorage({ sendCommand: (...args) => client.sendCommand(args), prefix: 'any:' });
    expect(await storage.write('alice', { version: 'v1', value: 'x' }, null)).toBe(true);
    expect(await storage.read('alice')).toEqual({ version: 'v1', value: 'x' });
    expect(await storage.listUserIds()).toEqual({ userIds: ['alice'] });
    client.destroy();
  });

  it('refuses a client that changes keys, because SCAN would not find them', async () => {
    const prefixing = new Redis({ port, host: '127.0.0.1', keyPrefix: 'app:' });
    expect(() => redisStorage({ client: prefixing })).toThrow(
      expect.objectContaining({ message: expect.stringContaining('keyPrefix') }),
    );
    const storage = redisStorage({
      sendCommand: (command = '', ...args) => prefixing.call(command, ...args) as Promise<unknown>,
    });
    await expect(storage.listUserIds()).rejects.toThrow(/sendCommand changes keys/);
    prefixing.disconnect();
  });
});

describe('redisStorage', () => {
  it.each([[null], [undefined], ['redis://'], [{}], [{ client: {} }], [{ client: null }], [{ sendCommand: 'GET' }]])(
    'refuses %j',
    (wrong) => {
      expect(() => redisStorage(wrong as never)).toThrow(
        expect.objectContaining({ code: 'invalid_option', message: expect.stringContaining('redisStorage({ client })') }),
      );
    },
  );

  it('refuses a client in place of the options', () => {
    expect(() => redisStorage(createClient() as never)).toThrow(/redisStorage\(\{ client \}\)/);
  });

  it.each(['', 'a*', '{a}', 'a b', 'é', 'x'.repeat(65)])('refuses the prefix %j', (prefix) => {
    expect(() => redisStorage({ sendCommand: async () => null, prefix })).toThrow(/prefix must be/);
  });

  it.each([[null], [undefined], ['OK'], [[]], [2], [''], [true]])(
    'takes the reply %j for neither true nor false',
    async (reply) => {
      const storage = redisStorage({ sendCommand: async () => reply });
      await expect(storage.write('alice', { version: 'v', value: 'x' }, null)).rejects.toThrow(/neither 0 nor 1/);
      await expect(storage.read('alice')).rejects.toThrow(/HMGET must return/);
    },
  );

  it.each([
    [1, true],
    [1n, true],
    ['1', true],
    [0, false],
    ['0', false],
  ])('reads the reply %o as %o', async (reply, meaning) => {
    const storage = redisStorage({ sendCommand: async () => reply });
    expect(await storage.remove('alice', 'v')).toBe(meaning);
  });

  it('reads bytes that a client returns', async () => {
    const storage = redisStorage({ sendCommand: async () => [Buffer.from('v1'), Buffer.from('value')] });
    expect(await storage.read('alice')).toEqual({ version: 'v1', value: 'value' });
  });
});
