import type { MfaStorage } from '@mfa-kit/core';
import { dynamodbStorage } from '@mfa-kit/core/storage/dynamodb';
import { mysqlStorage } from '@mfa-kit/core/storage/mysql';
import { redisStorage } from '@mfa-kit/core/storage/redis';

/** A storage for profiles only, next to the application's own database. */
export interface ProfileStore {
  storage: MfaStorage;
  close(): Promise<void>;
}

/**
 * Opens `mysql://user@host/database`, `redis://host:port` (of a Cluster `redis://host:port,host:port`) or
 * `dynamodb:TABLE?region=...&endpoint=...`; null for other URLs. Each client is loaded only when it is chosen.
 */
export async function openProfileStore(url: string): Promise<ProfileStore | null> {
  if (url.startsWith('mysql://')) return openMysql(url);
  if (/^rediss?:\/\//.test(url)) return openRedis(url);
  if (url.startsWith('dynamodb:')) return openDynamoDB(url);
  return null;
}

async function openMysql(url: string): Promise<ProfileStore> {
  const { createPool } = await import('mysql2/promise');
  const pool = createPool({ uri: url, connectTimeout: 2000 });
  const storage = mysqlStorage(pool);
  await storage.createTable();
  return { storage, close: () => pool.end() };
}

async function openRedis(url: string): Promise<ProfileStore> {
  const { createClient, createCluster } = await import('redis');
  const [scheme = '', hosts = ''] = url.split('://');
  const addresses = hosts.split(',').map((host) => `${scheme}://${host}`);
  // Fails at once while the server is away, and detects a dead connection.
  const options = { disableOfflineQueue: true, pingInterval: 1000, socket: { connectTimeout: 2000, socketTimeout: 2000 } };
  const client =
    addresses.length > 1
      ? createCluster({ rootNodes: addresses.map((address) => ({ url: address })), defaults: options })
      : createClient({ url, ...options });
  // Without a listener the process would end if the server goes away.
  client.on('error', (error: Error) => console.error(`redis: ${error.message}`));
  await client.connect();
  return { storage: redisStorage({ client }), close: async () => void (await client.close()) };
}

async function openDynamoDB(url: string): Promise<ProfileStore> {
  const { DynamoDB, waitUntilTableExists } = await import('@aws-sdk/client-dynamodb');
  const { pathname, searchParams } = new URL(url);
  const table = pathname || 'mfa_profiles';
  const client = new DynamoDB({
    ...Object.fromEntries(searchParams),
    requestHandler: { connectionTimeout: 1000, requestTimeout: 1500, throwOnRequestTimeout: true },
  });
  const storage = dynamodbStorage(client, { table });
  await storage.createTable();
  await waitUntilTableExists({ client, maxWaitTime: 60 }, { TableName: table });
  return { storage, close: async () => client.destroy() };
}
