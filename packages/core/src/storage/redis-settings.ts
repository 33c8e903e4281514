import type { RedisSend } from './redis-client.js';

/** Reads the fields of INFO from one server. */
export async function infoOf(send: RedisSend): Promise<Map<string, string>> {
  const info = String(await send('INFO'));
  return new Map(
    info.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf(':');
      return line.startsWith('#') || at === -1 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
}

/** Lists the settings of one server that weaken the contract, one sentence each. Says so if a setting cannot be read. */
export async function unsafeSettingsOf(send: RedisSend): Promise<string[]> {
  const info = await infoOf(send);
  const appendOnly = info.get('aof_enabled');
  const policy = info.get('maxmemory_policy');
  return [
    ...(appendOnly === '0'
      ? ['appendonly is no: a crash undoes all writes since the last snapshot, and with them used codes. Set it to yes.']
      : []),
    ...(appendOnly === '1' ? await unsafeFsync(send) : []),
    // An evicting policy is harmful even without maxmemory, because nobody will remember it when maxmemory is set one day.
    ...(policy !== undefined && policy !== 'noeviction'
      ? [
          `maxmemory-policy is ${policy}: where memory is short Redis deletes keys, and with them the MFA of users. Set it to noeviction.`,
        ]
      : []),
    ...(info.get('role') === 'slave' ? ['The connection leads to a replica: reads would be stale. Connect to the master.'] : []),
    ...(appendOnly === undefined || policy === undefined || info.get('role') === undefined
      ? [
          'INFO does not tell appendonly, maxmemory-policy or role here, so they are unknown: see that they are yes, noeviction, master.',
        ]
      : []),
  ];
}

async function unsafeFsync(send: RedisSend): Promise<string[]> {
  const ask = async () => fieldOf(await send('CONFIG', 'GET', 'appendfsync'), 'appendfsync');
  const appendFsync = await ask().catch(async () => {
    // A broken connection is not a refusal. This throws while it is down, and then nothing was learned.
    await send('PING');
    // Managed services and strict ACLs forbid CONFIG.
    return ask().catch(() => undefined);
  });
  if (appendFsync === 'always') return [];
  if (appendFsync === undefined)
    return ['appendfsync is unknown, because CONFIG GET is not permitted here: see that it is always.'];
  return [
    `appendfsync is ${appendFsync}: a power cut undoes the writes of the last second or more, and with them used codes. Set it to always.`,
  ];
}

/** CONFIG GET returns a list, a Map or an object, depending on protocol and client. */
function fieldOf(reply: unknown, name: string): string | undefined {
  const fields = Array.isArray(reply)
    ? new Map(
        reply.flatMap((key, index) => (index % 2 === 0 ? [[String(key), reply[index + 1] as unknown]] : [])) as [
          string,
          unknown,
        ][],
      )
    : new Map(reply instanceof Map ? reply : Object.entries(reply ?? {}));
  const value = fields.get(name);
  return value === undefined ? undefined : String(value);
}
