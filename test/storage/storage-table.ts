import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

/** The page, from the repository's folder. */
export const STORAGE_TABLE = 'docs/evidence/storage-table.md';

/** What is known of a row before its suite ran. */
interface StorageRow {
  /** The entry of core: `@mfa-kit/core/storage/<entry>`. */
  entry: string;
  /** The package of the client, whose installed version the page names; null: none. */
  client: string | null;
  /** What `true` survives, and what to set for it. */
  durability: string;
  /** The folder whose node_modules has the client. Default: that of the tests, or of the repository. */
  installedIn?: string;
  /** Why no suite may have run, where that is no mistake. */
  notRun?: string;
}

const POSTGRES = 'crash of the server, with `fsync`, `full_page_writes` and `synchronous_commit` on (defaults)';
const MYSQL =
  'crash of the server, with `innodb_flush_log_at_trx_commit = 1` (default), and `sync_binlog = 1` where there is a binary log';
const SQLITE = 'crash of the process; a power cut with `synchronous = FULL`';
const REDIS =
  'crash of the server, with `appendonly yes` and `appendfsync always` (not the defaults); a failover only with `waitForReplicas`';

/** Every adapter that the conformance kit runs on, in the order of the page. A suite names its row in `runConformance`. */
export const storageRows = {
  'this process': { entry: 'memory', client: null, durability: 'nothing: for tests and demos, refused in production' },
  'libsql, journal WAL': { entry: 'sqlite', client: '@libsql/client', durability: SQLITE },
  'libsql, journal DELETE': { entry: 'sqlite', client: '@libsql/client', durability: SQLITE },
  'node:sqlite': { entry: 'sqlite', client: null, durability: SQLITE },
  pg: { entry: 'postgres', client: 'pg', durability: POSTGRES },
  'pg behind PgBouncer': { entry: 'postgres', client: 'pg', durability: POSTGRES },
  Drizzle: { entry: 'postgres', client: 'drizzle-orm', durability: POSTGRES },
  Kysely: { entry: 'postgres', client: 'kysely', durability: POSTGRES },
  Knex: { entry: 'sql', client: 'knex', durability: POSTGRES },
  'postgres.js': { entry: 'sql', client: 'postgres', durability: POSTGRES },
  mysql2: { entry: 'mysql', client: 'mysql2', durability: MYSQL },
  'TypeORM on PostgreSQL': { entry: 'typeorm', client: 'typeorm', durability: POSTGRES },
  'TypeORM on MariaDB': { entry: 'typeorm', client: 'typeorm', durability: MYSQL },
  'TypeORM on SQLite': { entry: 'typeorm', client: 'typeorm', durability: SQLITE },
  'Prisma on PostgreSQL': { entry: 'prisma', client: '@prisma/client', installedIn: 'test/apps/prisma', durability: POSTGRES },
  'Prisma on MariaDB': { entry: 'prisma', client: '@prisma/client', installedIn: 'test/apps/prisma', durability: MYSQL },
  'node-redis': { entry: 'redis', client: 'redis', durability: REDIS },
  ioredis: { entry: 'redis', client: 'ioredis', durability: REDIS },
  'node-redis Cluster': { entry: 'redis', client: 'redis', durability: REDIS },
  'ioredis Cluster': { entry: 'redis', client: 'ioredis', durability: REDIS },
  DynamoDB: {
    entry: 'dynamodb',
    client: '@aws-sdk/client-dynamodb',
    durability: 'loss of a zone, by the service; nothing to set. dynalite keeps it in memory',
  },
  MongoDB: {
    entry: 'mongodb',
    client: 'mongodb',
    durability: 'failover: each write waits for a majority and its journal',
    notRun: 'needs `MONGODB_URL`',
  },
} satisfies Record<string, StorageRow>;

export type StorageRowName = keyof typeof storageRows;

/** What the run of a suite adds. */
export interface StorageRun {
  row: StorageRowName;
  /** Its name and version, as it tells itself. */
  server: string;
  /** The names of the tests that are cases of the kit. */
  cases: string[];
  /** What one verification, and one remembered login, costs. */
  calls: string;
}

/** How many cases passed, and by hook how many were skipped since the suite has no such hook. */
export interface CaseCounts {
  passed: number;
  skipped: Record<string, number>;
}

/** The cell of a row, which `countsOf` reads. */
export function casesCell({ passed, skipped }: CaseCounts): string {
  const lacking = Object.entries(skipped);
  const all = lacking.reduce((sum, [, count]) => sum + count, passed);
  return `${passed} of ${all}${lacking.map(([hook, count]) => `, ${count} need \`${hook}\``).join('')}`;
}

/** The cells of the page by the name of the row; none where there is no page yet. */
export function readStorageTable(): Map<string, string[]> {
  const file = path.join(root, STORAGE_TABLE);
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const rows = [...text.matchAll(/^\| (`\w+` .*) \|$/gm)].map(([, row = '']) => row.split(' | '));
  return new Map(rows.map((cells) => [cells[1] ?? '', cells]));
}

/** The whole page. A row whose suite did not run now stays as it was; one that never ran is left out, unless that is no mistake. */
export function storageTablePage(runs: Map<string, StorageRun & CaseCounts>): string {
  const before = readStorageTable();
  const rows = Object.entries<StorageRow>(storageRows).flatMap(([name, row]) => {
    const { entry, client, installedIn, durability, notRun } = row;
    const run = runs.get(name);
    const version = client === null ? '-' : `${client} ${versionOf(client, installedIn)}`;
    if (run) return [[`\`${entry}\``, name, version, run.server, casesCell(run), run.calls, durability]];
    const kept = before.get(name);
    if (kept) return [kept];
    return notRun ? [[`\`${entry}\``, name, version, '-', `not run: ${notRun}`, '-', durability]] : [];
  });
  return [
    '# Storage adapters: what was run',
    '',
    'Made by `npm run storage-table` from a run of the conformance kit ([the kit](../guides/own-storage-adapter.md#test-it)). A test fails when an adapter has no row',
    'here, and `npm run check` says when the kit has other cases by now. The row of `node:sqlite` is made on Node 22.16 and later, and stays as it was on others.',
    '',
    '- *Cases* that "need" something were not run: the suite has no such hook, since what it brings about does not exist there (a lost',
    '  connection to a file, a transaction in Redis), the row before shows it (PgBouncer), or the client never gives up a connection that',
    '  fell silent (postgres.js).',
    '- *Calls* are those of one verification with a code, and as many of one login with a remembered device: counted at the storage, and',
    '  on the wire by a proxy before the server, as round trips.',
    '- *Durability*: what a write that was answered with `true` survives.',
    '',
    '| entry | adapter | client | server | cases passed | calls | durability |',
    '|---|---|---|---|---|---|---|',
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
    '',
  ].join('\n');
}

function versionOf(client: string, folder = 'test'): string {
  const installed = path.join(root, folder, 'node_modules', client, 'package.json');
  const manifest = existsSync(installed) ? installed : path.join(root, 'node_modules', client, 'package.json');
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
