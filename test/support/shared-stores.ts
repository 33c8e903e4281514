import { openStore } from '../races/open-store.mjs';
import { mysqlDatabase } from './mysql.js';
import { postgresDatabase } from './postgres.js';
import { serverUrl } from './server-url.js';

/** An empty, separate place in a store. In Redis it is not empty, but its user ids are separate. */
export interface Place {
  url: string;
  drop(): Promise<void>;
}

const inRedis = (url: string | null): Place | null => (url === null ? null : { url, drop: async () => undefined });

/** Every kind of store that several processes can share; null if its server cannot start. */
export const sharedStores: readonly { name: string; open(): Promise<Place | null> }[] = [
  {
    name: 'PostgreSQL',
    async open() {
      const database = await postgresDatabase();
      return database && { url: database.connectionString, drop: database.drop };
    },
  },
  { name: 'MariaDB', open: mysqlDatabase },
  { name: 'Redis', open: async () => inRedis(await serverUrl('redis')) },
  { name: 'Redis Cluster', open: async () => inRedis(await serverUrl('redis-cluster')) },
];

const adapters = {
  postgres: () => import('@mfa-kit/core/storage/postgres'),
  mysql: () => import('@mfa-kit/core/storage/mysql'),
  redis: () => import('@mfa-kit/core/storage/redis'),
};

/** Opens the storage at this place, with a table if needed, on separate connections that are already open. */
export async function openPlace({ url }: Pick<Place, 'url'>) {
  const opened = await openStore(url, (name) => adapters[name]());
  await opened.storage.createTable?.();
  return opened;
}
