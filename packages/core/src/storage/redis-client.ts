import { MfaError } from '../errors.js';
import { isReopenable, reopeningWhenSilent } from './redis-silence.js';

/** Sends one command to one server. Returns its reply or rejects with its error. */
export type RedisSend = (...args: string[]) => Promise<unknown>;

/** A node-redis client: `createClient(...)`, `createSentinel(...)`, or a compatible client. */
export interface NodeRedisLike {
  readonly isOpen: boolean;
  sendCommand(...args: never[]): Promise<unknown>;
}

/** A node-redis Cluster: `createCluster(...)`. */
export interface NodeRedisClusterLike extends NodeRedisLike {
  readonly masters: readonly unknown[];
  nodeClient(node: never): unknown;
}

/** An ioredis or iovalkey client, with or without Sentinel. */
export interface IoRedisLike {
  readonly status: string;
  call(command: string, ...args: string[]): Promise<unknown>;
}

/** An ioredis or iovalkey Cluster. */
export interface IoRedisClusterLike extends IoRedisLike {
  nodes(role: 'master'): IoRedisLike[];
}

export type RedisClientLike = NodeRedisLike | NodeRedisClusterLike | IoRedisLike | IoRedisClusterLike;

/** What the adapter uses of any client. */
export interface RedisConnection {
  /** Sends to the master that holds the key. */
  send(key: string, args: string[]): Promise<unknown>;
  /** Returns all masters of a Cluster, otherwise the one server. */
  masters(): Promise<RedisSend[]>;
  isCluster: boolean;
  /** Why two consecutive commands may use two connections, which breaks WAIT; null if they cannot. */
  notOneConnection: string | null;
  /** Why a silent connection is not given up within seconds, as a sentence for `unsafeSettings()`; null if it is. */
  staysSilent: string | null;
}

const NODE_REDIS_STAYS_SILENT =
  'createCluster, createSentinel and createClientPool of node-redis keep a connection that fell silent under load until the operating system gives up ' +
  '(net.ipv4.tcp_retries2), and until then users get "unavailable". Use ioredis with socketTimeout, or createClient where there is one server.';
const IOREDIS_STAYS_SILENT =
  'ioredis has no socketTimeout: a connection that fell silent stays until the operating system gives up, and until then users get "unavailable". ' +
  'Set socketTimeout: 2000 (of a Cluster in redisOptions) and commandTimeout: 2000.';

type NodeRedisSend = (args: string[]) => Promise<unknown>;
type NodeRedisSentinelSend = (isReadonly: boolean, args: string[]) => Promise<unknown>;
type NodeRedisClusterSend = (firstKey: string, isReadonly: boolean, args: string[]) => Promise<unknown>;

/** Recognizes a client by its methods, because each kind routes to a master in its own way. */
export function connectionOf(client: unknown): RedisConnection {
  const can = (method: string) =>
    typeof client === 'object' && client !== null && typeof (client as Record<string, unknown>)[method] === 'function';

  if (can('call') && can('nodes')) return ioRedisCluster(client as IoRedisClusterLike);
  if (can('call')) return ioRedis(client as IoRedisLike);
  if (can('sendCommand') && can('nodeClient')) return nodeRedisCluster(client as NodeRedisClusterLike);
  if (can('sendCommand'))
    return nodeRedis(client as NodeRedisLike, { isSentinel: can('getSentinelNode'), isPool: can('execute') });
  throw new MfaError('invalid_option', `redisStorage: client is not a known kind of client. ${HOW_TO_GIVE_A_CLIENT}`);
}

/** For any other client: one function, and for a Cluster one more for each master. */
export function connectionBySend(send: RedisSend, masters?: () => RedisSend[] | Promise<RedisSend[]>): RedisConnection {
  return {
    send: (_, args) => send(...args),
    masters: async () => (masters ? masters() : [send]),
    isCluster: masters !== undefined,
    notOneConnection: masters ? 'with masters, sendCommand has a connection for each of them' : null,
    // Only the application knows its client.
    staysSilent: null,
  };
}

/** The two shapes of options, for messages. */
export const HOW_TO_GIVE_A_CLIENT =
  'Give redisStorage({ client }) a connected client of redis (createClient, createSentinel, createCluster), ioredis or iovalkey ' +
  '(new Redis, new Cluster). Of any other give redisStorage({ sendCommand: (...args) => ... }), which sends one command to the ' +
  'master; with @valkey/valkey-glide: sendCommand: (...args) => client.customCommand(args). In a Cluster sendCommand must find the ' +
  'master by the key, and masters: () => [...] must give one such function for each master.';

function nodeRedis(client: NodeRedisLike, { isSentinel, isPool }: { isSentinel: boolean; isPool: boolean }): RedisConnection {
  const send: RedisSend = isSentinel
    ? (...args) => (client.sendCommand as unknown as NodeRedisSentinelSend).call(client, false, args)
    : isReopenable(client) && !isPool
      ? reopeningWhenSilent(client, nodeRedisSend(client))
      : nodeRedisSend(client);
  return {
    send: (_, args) => send(...args),
    masters: async () => [send],
    isCluster: false,
    notOneConnection: isSentinel || isPool ? 'createSentinel and createClientPool keep several' : null,
    staysSilent: isSentinel || isPool ? NODE_REDIS_STAYS_SILENT : null,
  };
}

function nodeRedisCluster(cluster: NodeRedisClusterLike): RedisConnection {
  return {
    // Not readonly: with `useReplicas` a readonly command would go to a replica.
    send: (key, args) => (cluster.sendCommand as unknown as NodeRedisClusterSend).call(cluster, key, false, args),
    masters: () =>
      Promise.all(cluster.masters.map(async (node) => nodeRedisSend((await cluster.nodeClient(node as never)) as NodeRedisLike))),
    isCluster: true,
    notOneConnection: null,
    staysSilent: NODE_REDIS_STAYS_SILENT,
  };
}

function ioRedis(client: IoRedisLike): RedisConnection {
  const { options } = client as {
    options?: { keyPrefix?: string; autoResendUnfulfilledCommands?: boolean; socketTimeout?: number };
  };
  refuseKeyPrefix(options?.keyPrefix);
  const send = ioRedisSend(client);
  return {
    send: (_, args) => send(...args),
    masters: async () => [send],
    isCluster: false,
    notOneConnection:
      options?.autoResendUnfulfilledCommands === false
        ? null
        : 'ioredis sends it again on a new connection unless autoResendUnfulfilledCommands is false',
    staysSilent: options?.socketTimeout ? null : IOREDIS_STAYS_SILENT,
  };
}

function ioRedisCluster(cluster: IoRedisClusterLike): RedisConnection {
  const { options } = cluster as {
    options?: { keyPrefix?: string; redisOptions?: { keyPrefix?: string; socketTimeout?: number } };
  };
  refuseKeyPrefix(options?.keyPrefix ?? options?.redisOptions?.keyPrefix);
  return {
    send: (_, [command = '', ...args]) => cluster.call(command, ...args),
    masters: async () => cluster.nodes('master').map(ioRedisSend),
    isCluster: true,
    notOneConnection: 'an ioredis Cluster sends a command without a key to any node',
    staysSilent: options?.redisOptions?.socketTimeout ? null : IOREDIS_STAYS_SILENT,
  };
}

function nodeRedisSend(client: NodeRedisLike): RedisSend {
  return (...args) => (client.sendCommand as unknown as NodeRedisSend).call(client, args);
}

function ioRedisSend(client: IoRedisLike): RedisSend {
  return (command = '', ...args) => client.call(command, ...args);
}

/** ioredis adds it to keys but not to the pattern of SCAN, so the list would be empty. */
function refuseKeyPrefix(keyPrefix: string | undefined): void {
  if (!keyPrefix) return;
  throw new MfaError(
    'invalid_option',
    'redisStorage: the client has a keyPrefix, which SCAN does not know. Give mfa-kit a client without it (client.duplicate({ keyPrefix: "" })) ' +
      'and set the option prefix of redisStorage.',
  );
}
