// One process of the comparison: both releases on one kind of storage. Prints the ratios of each operation as JSON.
import { rmSync } from 'node:fs';
import { createClient } from '@libsql/client';
import pg from 'pg';
import { importRelease1 } from '../../upgrade/release-1.mjs';
import { measurePairs, ownCpu } from './pairs.mjs';

const { storage: kind, presentFirst, file, postgres, size, only } = JSON.parse(process.argv[2]);

const importPresent = (specifier) => import(specifier);
const names = presentFirst ? ['present', 'release-1'] : ['release-1', 'present'];
const loaders = { present: importPresent, 'release-1': importRelease1 };

const opened = {};
for (const name of names) {
  const load = loaders[name];
  const [core, testing] = [await load('@mfa-kit/core'), await load('@mfa-kit/core/testing')];
  opened[name] = { core, testing, storage: await openStorage(load, name) };
}
const operations = {};
for (const name of names) {
  // One copy of the module for each release, because otherwise V8 would compile its loops for both together.
  const { openOperations } = await import(`./operations.mjs?${name}`);
  operations[name] = await openOperations({ ...opened[name], users: size.calls, calls: size.calls });
}

for (const [index, { id, title }] of operations.present.entries()) {
  if (only && !only.includes(id)) continue;
  if (id === 'guard-without-read' && kind !== 'memory') continue;
  const ratios = await measurePairs(operations['release-1'][index], operations.present[index], size, ownCpu);
  console.log(JSON.stringify({ id, title, ratios }));
}
process.exit();

async function openStorage(load, name) {
  switch (kind) {
    case 'memory':
      return (await load('@mfa-kit/core/storage/memory')).memoryStorage({ losesAllDataOnRestart: true });
    case 'sqlite': {
      const { sqliteStorage } = await load('@mfa-kit/core/storage/sqlite');
      for (const ending of ['', '-wal', '-shm']) rmSync(`${file}-${name}${ending}`, { force: true });
      const client = createClient({ url: `file:${file}-${name}` });
      await client.execute('PRAGMA journal_mode = WAL');
      return withTable(sqliteStorage(client));
    }
    case 'postgres': {
      const { postgresStorage } = await load('@mfa-kit/core/storage/postgres');
      const pool = new pg.Pool({ ...postgres, max: 16 });
      return withTable(postgresStorage(pool, { table: `${name.replace('-', '_')}_${process.pid}` }));
    }
  }
}

async function withTable(storage) {
  await storage.createTable();
  return storage;
}
