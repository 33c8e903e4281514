import { openStore } from '../races/open-store.mjs';
import { mysqlDatabase } from './mysql.js';
import { postgresDatabase } from './postgres.js';
import { serverUrl } from './server-url.js';

/** An empty place of its own in a store. In Redis it is not empty: there the ids of users are its own. */
export interface Place {
  url: string;
  drop(): Promise<void>;
}

const inRedis = (url: string | null): Place | null => (url === null ? null : { url, drop: async () => undefined });

/** Every kind of store that several processes can share; null where its server cannot start. */
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

const doors = {
  postgres: () => import('@mfa-kit/core/storage/postgres'),
  mysql: () => import('@mfa-kit/core/storage/mysql'),
  redis: () => import('@mfa-kit/core/storage/redis'),
};

/** The storage at this place, with a table where it needs one, over connections of its own that are there already. */
export async function openPlace({ url }: Pick<Place, 'url'>) {
  const opened = await openStore(url, (name) => doors[name]());
  await opened.storage.createTable?.();
  return opened;
}
