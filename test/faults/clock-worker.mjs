// One process with the real core on a real PostgreSQL and the clock of its operating system. See clock-processes.ts.
import pg from 'pg';

const [coreFolder, connectionString, key] = process.argv.slice(2);
const { createMfa } = await import(`${coreFolder}/index.js`);
const { postgresStorage } = await import(`${coreFolder}/storage/postgres.js`);

const pool = new pg.Pool({ connectionString, max: 2 });
pool.on('error', () => {});

const mfa = createMfa({ issuer: 'Acme', keys: [JSON.parse(key)], storage: postgresStorage(pool) });

process.on('message', async ({ method, input }) => {
  process.send({ answer: await mfa[method](input), now: Date.now() });
});
process.on('disconnect', () => process.exit(0));
await pool.query('SELECT 1');
process.send('ready');
