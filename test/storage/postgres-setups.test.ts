import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { storageConformance } from '../../packages/core/src/storage/conformance.js';
import { postgresStorage } from '../../packages/core/src/storage/postgres.js';
import { ada, createEnrolled, createFixture, expectOk, loginPending, reasonOf } from '../support/core-fixture.js';
import { startFaultProxy } from '../support/fault-proxy.js';
import { pgBouncerVersion, requirePgBouncer, startPgBouncer } from '../support/pgbouncer.js';
import { postgresDatabase, postgresVersion } from '../support/postgres.js';
import { describeWith } from '../support/requires.js';
import { leaveOpen, runConformance } from './run-conformance.js';

const database = await postgresDatabase();
const pools: pg.Pool[] = [];
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await database?.drop();
});

function openPool(connectionString: string, config: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString, connectionTimeoutMillis: 2000, ...config });
  pool.on('error', () => undefined);
  pools.push(pool);
  return pool;
}

describeWith(database && requirePgBouncer(), 'PgBouncer in transaction mode', async (path) => {
  const real = database?.connectionString ?? '';
  const bouncer = await startPgBouncer(path, real, 5);
  const single = await startPgBouncer(path, real, 1);
  const address = new URL(bouncer.connectionString);
  const proxy = await startFaultProxy(Number(address.port));
  address.port = String(proxy.port);
  afterAll(() => Promise.all([proxy.close(), bouncer.stop(), single.stop()]));
  const poolOf = () => openPool(address.href);
  const options = { table: 'pooled', prepareStatements: false };
  const storages = [poolOf(), poolOf()].map((pool) => ({ pool, storage: postgresStorage(pool, options) }));
  let opened = 0;
  beforeAll(async () => {
    await postgresStorage(openPool(real), options).createTable();
    await openPool(real).query('CREATE TABLE pooled_things (id INTEGER)');
  });

  runConformance({
    row: {
      name: 'pg behind PgBouncer',
      server: async () => `${await postgresVersion(real)} behind ${pgBouncerVersion(path)}`,
      roundTrips: proxy.roundTrips,
    },
    open: async () => storages[opened++ % 2]?.storage as ReturnType<typeof postgresStorage>,
    rounds: 5,
    hooks: {
      // Fewer than its five connections to the server, which they hold.
      leaveTransactionOpen: (storage) =>
        leaveOpen(2, () => storages.find((one) => one.storage === storage)?.pool.connect() as Promise<pg.PoolClient>, [
          'BEGIN ISOLATION LEVEL REPEATABLE READ',
          'SELECT count(*) FROM pooled',
        ]),
      async inHostTransaction(storage, work) {
        const client = await storages.find((one) => one.storage === storage)?.pool.connect();
        try {
          await client?.query('BEGIN');
          await client?.query('INSERT INTO pooled_things VALUES (1)');
          await work();
        } finally {
          await client?.query('ROLLBACK');
          client?.release();
        }
      },
    },
  });

  it('throws, and does not lie, where statements are prepared and it keeps none', async () => {
    const [one, other] = [openPool(single.connectionString), openPool(single.connectionString)];
    expect(await postgresStorage(one, { table: 'pooled' }).read('nobody')).toBeNull();
    await expect(postgresStorage(other, { table: 'pooled' }).read('nobody')).rejects.toMatchObject({ code: '42P05' });
  });
});

describeWith(database, 'row-level security', (real) => {
  const owner = openPool(real.connectionString);
  const role = `mfa_app_${process.pid}_${Date.now()}`;
  const asRole = openPool(real.connectionString, { options: `-c role=${role}` });
  beforeAll(async () => {
    await postgresStorage(owner).createTable();
    await owner.query(`
      CREATE ROLE ${role};
      GRANT SELECT, INSERT, UPDATE, DELETE ON mfa_profiles TO ${role};
      ALTER TABLE mfa_profiles ENABLE ROW LEVEL SECURITY;`);
  });
  afterAll(async () => {
    await owner.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  it('that hides rows fails the conformance kit, and unsafeSettings names it', async () => {
    await owner.query(`CREATE POLICY own ON mfa_profiles USING (user_id = current_setting('app.user', true))`);
    const storage = postgresStorage(asRole);
    expect(await storage.unsafeSettings()).toEqual([expect.stringContaining('Row-level security')]);
    expect(await postgresStorage(owner).unsafeSettings()).toEqual([]);
    const failed: string[] = [];
    for (const { name, run, skip } of storageConformance({ open: async () => storage })) {
      if (!skip && /^(creates once|updates only)/.test(name)) await run().catch(() => failed.push(name));
    }
    expect(failed).toHaveLength(2);
    await owner.query('DROP POLICY own ON mfa_profiles');
  });

  it('hides an enrolled user, who is not taken for new: the row that is there cannot be made again', async () => {
    const { clock } = await createEnrolled(ada, { storage: postgresStorage(owner) });
    const hidden = createFixture({ storage: postgresStorage(asRole), clock: clock.now });
    for (const mfa of ['required', 'optional'] as const) {
      expect((await hidden.mfa.beginLogin({ user: { ...ada, mfa } })).decision.access).toBe('unavailable');
    }
    expect((await hidden.mfa.beginLogin({ user: { ...ada, enrolled: true } })).decision).toMatchObject({
      access: 'refuse',
      reason: 'profile_missing',
    });
  });

  it('whose policy shows every row changes nothing', async () => {
    await owner.query('CREATE POLICY every_row ON mfa_profiles USING (true)');
    for (const { name, run, skip } of storageConformance({ open: async () => postgresStorage(asRole) })) {
      if (!skip && /^(reads null|creates|updates|an update|removes|a version|keeps users)/.test(name)) await run();
    }
  });
});

describeWith(database, 'one database a tenant', (real) => {
  const tenants = [postgresStorage(openPool(real.connectionString), { table: 'tenant_one' })];
  let drop: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    const second = await postgresDatabase();
    drop = second?.drop;
    tenants.push(postgresStorage(openPool(second?.connectionString ?? ''), { table: 'tenant_two' }));
    for (const storage of tenants) await storage.createTable();
  });
  afterAll(async () => {
    await pools.pop()?.end();
    await drop?.();
  });

  it.each([
    { realms: ['one', 'two'], outcome: 'refused as unreadable' },
    { realms: ['both', 'both'], outcome: 'read' },
  ])('keeps users of one id apart; a row carried over is $outcome with the realms $realms', async ({ realms, outcome }) => {
    const [one, two] = tenants as [(typeof tenants)[0], (typeof tenants)[0]];
    await createEnrolled(ada, { storage: one, realm: realms[0] as string });
    const other = createFixture({ storage: two, realm: realms[1] as string });
    const authenticators = async () => expectOk(await other.mfa.getStatus({ user: ada })).status.authenticators.length;
    expect(await authenticators()).toBe(0);

    const row = await one.read(ada.id);
    if (row) await two.write(ada.id, row, null);
    if (outcome === 'read') expect(await authenticators()).toBe(1);
    else await expect(authenticators()).rejects.toThrow('refused: unavailable');
    for (const storage of tenants) await storage.remove(ada.id, row?.version ?? '');
  });
});

describeWith(database, 'a pool whose connections the application holds', (real) => {
  it('makes core answer unavailable within its deadline, and spends nothing', async () => {
    const pool = openPool(real.connectionString, { max: 1 });
    const storage = postgresStorage(pool, { table: 'queued' });
    await storage.createTable();
    const { mfa, clock, authenticator } = await createEnrolled(ada, { storage });
    const session = await loginPending(mfa);
    const code = authenticator.code(clock.now());

    const held = await pool.connect();
    const before = performance.now();
    expect(reasonOf(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('unavailable');
    expect(performance.now() - before).toBeLessThan(4500);
    held.release();
    expect(expectOk(await mfa.verify({ user: ada, session, proof: { kind: 'totp', code } })).assurance.via).toBe('otp');
  });
});
