// Opens the store of a race by its URL, the same in the test and in its processes.

const CONNECTIONS = 8;

/** The storage with its connections there, as in a process that has served others. `door` loads an adapter of the core that is raced. */
export async function openStore(url, door) {
  if (url.startsWith('postgres')) {
    const { default: pg } = await import('pg');
    const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS });
    pool.on('error', () => {});
    await Promise.all(Array.from({ length: CONNECTIONS }, () => pool.query('SELECT pg_sleep(0.02)')));
    const { postgresStorage } = await door('postgres');
    return { storage: postgresStorage(pool), close: () => pool.end() };
  }
  if (url.startsWith('mysql')) {
    const { createPool } = await import('mysql2/promise');
    const pool = createPool({ uri: url, connectionLimit: CONNECTIONS, connectTimeout: 2000 });
    await Promise.all(Array.from({ length: CONNECTIONS }, () => pool.query('SELECT SLEEP(0.02)')));
    const { mysqlStorage } = await door('mysql');
    return { storage: mysqlStorage(pool), close: () => pool.end() };
  }
  const { Cluster, Redis } = await import('ioredis');
  const nodes = [...url.matchAll(/([\w.]+):(\d+)/g)].map(([, host, port]) => ({ host, port: Number(port) }));
  const client = nodes.length > 1 ? new Cluster(nodes) : new Redis(url);
  client.on('error', () => {});
  await new Promise((resolve) => client.once('ready', resolve));
  const { redisStorage } = await door('redis');
  return { storage: redisStorage({ client }), close: async () => client.disconnect() };
}
