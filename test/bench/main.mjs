import { writeDocuments } from './documents.mjs';
import { printRow, quickLines, summarize } from './report.mjs';
import { measureCapacity } from './rows/capacity.mjs';
import { measureChecks } from './rows/checks.mjs';
import { measureColdStart } from './rows/cold-start.mjs';
import { measureGuards } from './rows/guards.mjs';
import { measureInstructions } from './rows/instructions.mjs';
import { measureLoginFlows } from './rows/login-flows.mjs';
import { measureMemory } from './rows/memory.mjs';
import { measureQuietLoop } from './rows/quiet-loop.mjs';
import { measureScale } from './rows/scale.mjs';
import { measureScaleOnRedis } from './rows/scale-redis.mjs';
import { measureStartUp } from './rows/start-up.mjs';
import { startPostgres, startRedis } from './servers.mjs';

const given = process.argv.slice(2);
const quick = given.includes('--quick');
/** Groups to measure. Default: all, or with `--quick` those with goals. */
const named = given.filter((name) => !name.startsWith('--'));
const size = (whole, little) => (quick ? little : whole);
const most = size(1_000_000, 20_000);
/** The time limit of one comparison, so that a quick run ends in time on a slow machine too. */
const seconds = (little) => size(Infinity, little);

/** The groups, each with its sizes for a full and for a quick run. */
const groups = {
  checks: () => measureChecks({ rounds: size(2000, 150) }),
  flows: (servers) =>
    measureLoginFlows({
      ...servers,
      // Eight thousand calls, because after two thousand V8 can still save a sixth of the cost of a call.
      one: { rounds: size(45, 15), count: size(32, 7), warmup: size({ rounds: 56, count: 144, inFlight: 16 }, 18) },
      // Large batches, so that their beginning and end matter little. The functions are already warm.
      sixteen: { rounds: size(30, 5), count: size(144, 20), warmup: 1 },
      seconds: seconds(0.7),
      withTuned: !quick,
    }),
  guards: (servers) =>
    measureGuards({
      ...servers,
      processes: size(3, 1),
      // Many short batches, so that short-term load on the machine affects both sides of a ratio equally.
      rounds: size(128, 5),
      count: size(40, 96),
      warmup: size(100, 4),
      seconds: seconds(0.4),
      withLoader: !quick,
    }),
  scale: (servers) =>
    measureScale({ ...servers, rounds: size(15, 5), count: size(96, 12), warmup: size(4, 6), seconds: seconds(0.7), most }),
  'scale-redis': () =>
    measureScaleOnRedis({ rounds: size(15, 5), count: size(96, 24), warmup: size(4, 6), seconds: seconds(0.7), most }),
  loop: () => measureQuietLoop({ rounds: size(9, 1) }),
  startup: () => measureStartUp({ rounds: size(21, 3) }),
  memory: () => measureMemory({ rounds: size(3, 1), users: size(10_000, 500) }),
  'cold-start': () => measureColdStart({ rounds: size(21, 3) }),
  instructions: () => measureInstructions(),
  capacity: (servers) => measureCapacity({ ...servers, rounds: size(9, 3), count: 500, commands: size(20_000, 5000) }),
};
const WITHOUT_GOALS = ['cold-start', 'instructions', 'capacity'];
const NEED_SERVERS = ['flows', 'guards', 'scale', 'capacity'];

for (const name of named)
  if (!Object.hasOwn(groups, name)) throw new Error(`no group "${name}"; there are: ${Object.keys(groups).join(', ')}`);

const chosen = Object.keys(groups).filter((name) =>
  named.length > 0 ? named.includes(name) : !(quick && WITHOUT_GOALS.includes(name)),
);
const servers = chosen.some((name) => NEED_SERVERS.includes(name)) ? await startServers() : undefined;
const results = [];
try {
  for (const name of chosen) {
    const started = performance.now();
    for await (const row of groups[name](servers)) {
      const result = summarize(row);
      results.push(result);
      if (quick) for (const line of quickLines(result)) console.log(line);
      else printRow(result);
    }
    if (quick) continue;
    console.log(`\n(${name}: ${Math.round((performance.now() - started) / 1000)} s)`);
    writeDocuments(results);
  }
} finally {
  await servers?.redis?.stop();
  await servers?.postgres.stop();
}
process.exit();

async function startServers() {
  const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  if (!redis) console.error('Skipping Redis, because redis-server is missing: apt-get install redis-server');
  return { postgres, redis };
}
