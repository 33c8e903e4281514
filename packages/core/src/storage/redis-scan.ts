import { MfaError } from '../errors.js';
import type { RedisConnection, RedisSend } from './redis-client.js';
import { infoOf } from './redis-settings.js';

/** Where a list continues, and what must be unchanged by then. */
interface Position {
  /** Which master, in the order of the layout. */
  master: number;
  /** SCAN's own cursor there. */
  scan: string;
  /** The run of that server. Another run hashes differently, so its cursors mean something else. */
  run: string;
  /** Which master of a Cluster holds which slots; empty without a Cluster. */
  layout: string;
}

const PAGE_SIZE = 200;
/** A page may find few keys, or none, among many others, but must not take for ever. */
const SCANS_A_PAGE = 20;
const ALL_SLOTS = 16_384;

/**
 * Lists the keys with this prefix, page by page, with SCAN on each master. SCAN returns every key that is there throughout, some of them
 * twice, as long as the server is the same and no slot moves. If that changes between two pages, this throws.
 */
export async function scanKeys(
  connection: RedisConnection,
  begin: string,
  cursor?: string,
): Promise<{ keys: string[]; cursor?: string }> {
  const masters = await connection.masters();
  if (!connection.isCluster) await checkSingle(masters[0] as RedisSend, begin);
  const { sends, layout } = connection.isCluster ? await layoutOf(masters) : { sends: masters, layout: '' };
  const from: Position | null = cursor === undefined ? null : (JSON.parse(cursor) as Position);
  if (from && from.layout !== layout) throw changed('slots of the Cluster moved');

  const master = from?.master ?? 0;
  const send = sends[master] as RedisSend;
  const run = await runOf(send);
  if (from && from.scan !== '0' && from.run !== run) throw changed('the server restarted, or another took its place');

  const keys = new Set<string>();
  let scan = from?.scan ?? '0';
  for (let scans = 0; scans < SCANS_A_PAGE && keys.size < PAGE_SIZE; scans++) {
    const reply = await send('SCAN', scan, 'MATCH', `${begin}*`, 'COUNT', String(PAGE_SIZE));
    if (!Array.isArray(reply) || !Array.isArray(reply[1])) throw new TypeError('SCAN must give a cursor and keys');
    for (const key of reply[1]) keys.add(String(key));
    scan = String(reply[0]);
    if (scan === '0') break;
  }

  if ((await runOf(send)) !== run) throw changed('the server restarted, or another took its place');
  if (connection.isCluster && (await layoutOf(masters)).layout !== layout) throw changed('slots of the Cluster moved');
  const next = scan === '0' ? master + 1 : master;
  if (next === sends.length) return { keys: [...keys] };
  return { keys: [...keys], cursor: JSON.stringify({ master: next, scan, run, layout } satisfies Position) };
}

/** The one server must hold all keys, and its keys must have the expected prefix. */
async function checkSingle(send: RedisSend, begin: string): Promise<void> {
  const info = await infoOf(send);
  if (info.get('role') === 'slave')
    throw new Error('redisStorage: the connection leads to a replica, whose list may lack users.');
  if (info.get('cluster_enabled') === '1') {
    throw new MfaError(
      'invalid_option',
      'redisStorage: this is a Redis Cluster, and the list of one node lacks the users of the others. Give masters: () => [...], one ' +
        'sendCommand for each master, or give the Cluster client as client.',
    );
  }
  const key = `${begin}probe`;
  if (String(await send('EVAL', 'return KEYS[1]', '1', key)) === key) return;
  throw new MfaError(
    'invalid_option',
    'redisStorage: sendCommand changes keys, which SCAN does not know. Set the option prefix instead.',
  );
}

/** Returns the masters in the order of their ids, and which slots they hold. Throws while slots are moving, or if a master is missing. */
async function layoutOf(masters: RedisSend[]): Promise<{ sends: RedisSend[]; layout: string }> {
  const nodes = await Promise.all(
    masters.map(async (send) => {
      const lines = String(await send('CLUSTER', 'NODES')).split('\n');
      const [id = '', , flags = '', , , , epoch = '', , ...slots] = (lines.find((line) => line.includes('myself')) ?? '').split(
        ' ',
      );
      if (!flags.includes('master')) throw changed('a master became a replica');
      if (slots.some((slot) => slot.startsWith('['))) throw changed('slots of the Cluster are moving');
      return { send, slots, name: `${id} ${epoch} ${slots.join(' ')}` };
    }),
  );
  nodes.sort((one, other) => (one.name < other.name ? -1 : 1));
  const held = nodes.flatMap(({ slots }) => slots).reduce((sum, range) => sum + sizeOf(range), 0);
  if (held !== ALL_SLOTS) throw changed(`the masters that the client knows hold ${held} of ${ALL_SLOTS} slots`);
  return { sends: nodes.map(({ send }) => send), layout: nodes.map(({ name }) => name).join(', ') };
}

function sizeOf(range: string): number {
  const [first, last = first] = range.split('-').map(Number);
  return (last ?? 0) - (first ?? 0) + 1;
}

async function runOf(send: RedisSend): Promise<string> {
  const run = (await infoOf(send)).get('run_id');
  if (run === undefined) throw new Error('redisStorage: INFO gives no run_id here, so a list cannot tell whether it is whole.');
  return run;
}

function changed(what: string): Error {
  return new Error(`redisStorage: ${what}, so the list may lack users. Begin it again.`);
}
