// Opens the store of a race by its URL, in the test and in its processes.

const CONNECTIONS = 8;

/** Opens the storage with its connections, as in a process that has served requests. `load` loads an adapter of the core under test. */
export async function openStore(url, load) {
  if (url.startsWith('postgres')) {
    const { default: pg } = await import('pg');
    const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS });
    pool.on('error', () => {});
    await Promise.all(Array.from({ length: CONNECTIONS }, () => pool.query('SELECT pg_sleep(0.02)')));
    const { postgresStorage } = await load('postgres');
    const lend = () => pool.connect();
    const leaveOpen = () => leaveOpenOn(lend, 'BEGIN ISOLATION LEVEL REPEATABLE READ');
    return { storage: postgresStorage(pool), leaveOpen, close: () => pool.end() };
  }
  if (url.startsWith('mysql')) {
    const { createPool } = await import('mysql2/promise');
    const pool = createPool({ uri: url, connectionLimit: CONNECTIONS, connectTimeout: 2000 });
    await Promise.all(Array.from({ length: CONNECTIONS }, () => pool.query('SELECT SLEEP(0.02)')));
    const { mysqlStorage } = await load('mysql');
    const leaveOpen = () => leaveOpenOn(() => pool.getConnection(), 'START TRANSACTION');
    return { storage: mysqlStorage(pool), leaveOpen, close: () => pool.end() };
  }
  const { Cluster, Redis } = await import('ioredis');
  const nodes = [...url.matchAll(/([\w.]+):(\d+)/g)].map(([, host, port]) => ({ host, port: Number(port) }));
  const client = nodes.length > 1 ? new Cluster(nodes) : new Redis(url);
  client.on('error', () => {});
  await new Promise((resolve) => client.once('ready', resolve));
  const { redisStorage } = await load('redis');
  return { storage: redisStorage({ client }), close: async () => client.disconnect() };
}

/** Leaves a transaction with a snapshot open on every connection of the pool, like an application that forgets to end them. */
async function leaveOpenOn(lend, begin) {
  const lent = await Promise.all(Array.from({ length: CONNECTIONS }, lend));
  for (const connection of lent) {
    await connection.query(begin);
    await connection.query('SELECT count(*) FROM mfa_profiles');
  }
  for (const connection of lent) connection.release();
}
