// Compares the present code with release 1 in turn: `npm run bench -- release-1`. See docs/evidence/speed.md.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { release1Folder } from '../../upgrade/release-1.mjs';
import { openClient, requestText } from '../http-load.mjs';
import { atOnce } from '../measure.mjs';
import { startPostgres } from '../servers.mjs';
import { estimate, measurePairs } from './pairs.mjs';

/** "Not slower" means that the present code makes at least this many calls while release 1 makes one. */
const BOUND = 0.97;
const STORAGES = ['memory', 'sqlite', 'postgres'];
const FRAMEWORKS = { express: 'Express 5', 'nest-express': 'Nest on Express', 'nest-fastify': 'Nest on Fastify' };

const given = process.argv.slice(2);
const quick = given.includes('--quick');
/** Operations, storages or frameworks to compare, for example `verify`, `memory` or `express`. Default: all. */
const named = given.filter((name) => !name.startsWith('--'));
const chosen = (names) => {
  const found = names.filter((name) => named.includes(name));
  return found.length > 0 ? found : undefined;
};
const storages = chosen(STORAGES);
const frameworks = chosen(Object.keys(FRAMEWORKS));
const operations = named.filter((name) => !storages?.includes(name) && !frameworks?.includes(name));

const pairs = 10;
/** A batch takes a few milliseconds, so that some batches are not interrupted even on a busy machine. */
const SIZES = quick
  ? {
      memory: { calls: 16, pairs, batches: 8, warmup: 1500 },
      sqlite: { calls: 4, pairs, batches: 4, warmup: 40 },
      postgres: { calls: 4, pairs, batches: 4, warmup: 40 },
      http: { calls: 32, pairs, batches: 8, warmup: 1000 },
    }
  : {
      memory: { calls: 16, pairs, batches: 32, warmup: 8000 },
      sqlite: { calls: 4, pairs, batches: 16, warmup: 800 },
      postgres: { calls: 4, pairs, batches: 16, warmup: 800 },
      http: { calls: 32, pairs, batches: 32, warmup: 4000 },
    };
/** The place of the code in memory is random and affects speed, so there are two processes, and each loads another release first. */
const ORDERS = quick ? [false] : [false, true];

const folder = mkdtempSync(path.join(tmpdir(), 'mfa-kit-release-1-'));
release1Folder();
let short = 0;
const wantsFlows = storages || !frameworks;
const postgres = wantsFlows && (storages ?? STORAGES).includes('postgres') ? await startPostgres() : undefined;
try {
  console.log(`present code / release 1, calls in the same time; median (95 % interval), bound ${BOUND}`);
  if (wantsFlows)
    for (const storage of storages ?? STORAGES) {
      const by = storage === 'memory' ? 'processor' : 'elapsed';
      print(storage, await measureFlows(storage), by);
    }
  if (frameworks || (!storages && operations.length === 0)) {
    for (const framework of frameworks ?? Object.keys(FRAMEWORKS))
      print(FRAMEWORKS[framework], await measureGuards(framework), 'processor');
  }
} finally {
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(short > 0 ? 1 : 0);

/** `by` is the ratio that decides: elapsed time if a database takes part, otherwise CPU time, which other load does not disturb. */
function print(title, rows, by) {
  console.log(`\n${title}`);
  for (const { title: name, ratios } of rows.values()) {
    const ok = estimate(ratios[by]).median >= BOUND;
    if (!ok) short++;
    const order = by === 'processor' ? ['processor', 'elapsed'] : ['elapsed', 'processor'];
    const [first, second] = order.map((one) => `${one} ${text(estimate(ratios[one]))}`);
    console.log(`  ${ok ? 'ok   ' : 'SHORT'} ${name.padEnd(42)} ${first}, ${second}, ${ratios[by].length} pairs`);
  }
}

function text({ median, low, high }) {
  return `${median.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}

async function measureFlows(storage) {
  const rows = new Map();
  for (const presentFirst of ORDERS) {
    const input = { storage, presentFirst, size: SIZES[storage], file: path.join(folder, 'db'), postgres: postgres?.address };
    if (operations.length > 0) input.only = operations;
    const script = fileURLToPath(new URL('./flows.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(input)]);
    for (const line of stdout.split('\n').filter(Boolean)) keep(rows, JSON.parse(line));
  }
  return rows;
}

/** Requests to a guarded route of two applications in one process, sixteen in flight. */
async function measureGuards(framework) {
  const rows = new Map();
  for (const reads of [true, false]) {
    for (const presentFirst of ORDERS) {
      const input = JSON.stringify({ framework, presentFirst, reads });
      const stdio = ['ignore', 'ignore', 'pipe', 'ipc'];
      const child = fork(new URL('./host.mjs', import.meta.url), [input], { execArgv: [], stdio });
      let printed = '';
      child.stderr.setEncoding('utf8').on('data', (text) => {
        printed = (printed + text).slice(-4000);
      });
      const failed = once(child, 'exit').then(() => Promise.reject(new Error(`The host did not start.\n${printed}`)));
      failed.catch(() => undefined);
      const [ports] = await Promise.race([once(child, 'message'), failed]);
      const [before, after] = [await sideOf(ports['release-1']), await sideOf(ports.present)];
      const ratios = await measurePairs(before, after, SIZES.http, async () => {
        child.send('cpu');
        return (await once(child, 'message'))[0];
      });
      keep(rows, {
        id: String(reads),
        title: reads ? 'guard that reads the profile' : 'guard within revocationDelaySeconds',
        ratios,
      });
      child.disconnect();
    }
  }
  return rows;
}

async function sideOf(port) {
  const request = await openClient(port);
  const cookie = /^set-cookie: ([^;\r]+)/im.exec(await request(requestText('/login')))?.[1];
  if (!cookie) throw new Error('The host gave no session.');
  const text = requestText('/guarded', { cookie });
  const { calls } = SIZES.http;
  const side = {
    async run() {
      const answer = await request(text);
      if (!answer.startsWith('HTTP/1.1 200 ')) throw new Error(`/guarded: ${answer}`);
    },
  };
  return { calls, prepare: async () => undefined, run: () => atOnce(side, calls, 16) };
}

function keep(rows, { id, title, ratios }) {
  const row = rows.get(id) ?? { title, ratios: { elapsed: [], processor: [] } };
  for (const [name, values] of Object.entries(ratios)) row.ratios[name].push(...values);
  rows.set(id, row);
}
