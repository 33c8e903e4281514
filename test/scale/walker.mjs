// One process with the real core on a real PostgreSQL. It fills a table with profiles, or walks over it and measures itself.
import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';

const [coreFolder, connectionString, job, countText] = process.argv.slice(2);
const { createMfa } = await import(`${coreFolder}/index.js`);
const { postgresStorage } = await import(`${coreFolder}/storage/postgres.js`);
const { createKeyring } = await import(`${coreFolder}/crypto/keyring.js`);
const { newProfile } = await import(`${coreFolder}/profile/profile.js`);
const { seal } = await import(`${coreFolder}/profile/seal.js`);

const count = Number(countText);
const table = `profiles_${count}`;
const [old, fresh] = ['old', 'new'].map((id) => ({ id, secret: createHash('sha256').update(id).digest() }));
const pool = new pg.Pool({ connectionString, max: 8 });
const storage = postgresStorage(pool, { table });

if (job === 'fill') await fill();
else process.send(await walk(job));
await pool.end();
process.disconnect();

/** Typical users, with an authenticator, ten recovery codes and two browsers. */
async function fill() {
  await storage.createTable();
  const keyring = createKeyring([old], 'mfa-kit');
  const random = (length) => randomBytes(length).toString('base64url');
  const device = () => ({
    id: random(16),
    label: 'Firefox on Linux',
    firstUsedAt: 1,
    lastUsedAt: 2,
    budget: budget(),
    current: random(16),
  });
  const budget = () => ({ quick: 0, lastWrongAt: 0, level: 0, levelAt: 0 });
  for (let from = 0; from < count; from += 1_000) {
    const rows = Array.from({ length: Math.min(1_000, count - from) }, (_, index) => {
      const userId = `user-${String(from + index).padStart(8, '0')}`;
      const version = random(16);
      const data = { secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', closed: [{ from: 1, to: 3 }] };
      const profile = {
        ...newProfile(),
        authenticators: [{ id: random(16), kind: 'totp', name: 'Phone', createdAt: 1, enrollmentId: random(16), data }],
        recoveryCodes: { key: random(32), digests: Array.from({ length: 10 }, () => random(32)), createdAt: 1 },
        devices: [device(), device()],
      };
      return { userId, version, value: seal(profile, { realm: 'mfa-kit', userId, version }, keyring) };
    });
    await pool.query(
      `INSERT INTO ${table} (user_id, version, value) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])`,
      ['userId', 'version', 'value'].map((field) => rows.map((row) => row[field])),
    );
  }
  await pool.query(`VACUUM ANALYZE ${table}`);
}

async function walk(method) {
  let events = 0;
  const mfa = createMfa({ issuer: 'Acme', keys: [fresh, old], storage, onEvent: () => void events++ });
  const heap = [];
  let pages = 0;
  let rss = 0;
  const every = Math.max(1, Math.floor(count / 200 / 10));
  const began = performance.now();
  const walked = await mfa[method]({
    onPage(soFar) {
      rss = Math.max(rss, process.memoryUsage.rss());
      if (++pages % every !== 0) return;
      gc();
      heap.push(process.memoryUsage().heapUsed);
      const cpu = process.cpuUsage();
      process.send({ progress: { users: soFar.users, heap: heap.at(-1), cpuSeconds: (cpu.user + cpu.system) / 1e6 } });
    },
  });
  const cpu = process.cpuUsage();
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  return { method, seconds: (performance.now() - began) / 1_000, cpuSeconds, heap, rss, events, walked };
}
