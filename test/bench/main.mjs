import { readFileSync, writeFileSync } from 'node:fs';
import { drawChart } from './chart.mjs';
import { markdownOf, printRow, quickLines, summarize } from './report.mjs';
import { measureChecks } from './rows/checks.mjs';
import { measureGuards } from './rows/guards.mjs';
import { measureLoginFlows } from './rows/login-flows.mjs';
import { measureQuietLoop } from './rows/quiet-loop.mjs';
import { measureScale } from './rows/scale.mjs';
import { measureScaleOnRedis } from './rows/scale-redis.mjs';
import { measureStartUp } from './rows/start-up.mjs';
import { startPostgres, startRedis } from './servers.mjs';

const given = process.argv.slice(2);
const quick = given.includes('--quick');
/** Groups to measure; none named: all. */
const named = given.filter((name) => !name.startsWith('--'));
const size = (whole, little) => (quick ? little : whole);

const CHART = '![Milliseconds an operation on PostgreSQL, one in flight](speed.svg)';

/** What is measured, each group with how often: in whole, and in a minute. */
const groups = {
  checks: () => measureChecks({ rounds: size(2000, 300) }),
  flows: (servers) => measureLoginFlows({ ...servers, rounds: size(15, 3), count: size(96, 16) }),
  guards: (servers) => measureGuards({ ...servers, rounds: size(31, 5), count: size(1500, 300) }),
  scale: (servers) => measureScale({ ...servers, rounds: size(15, 3), count: size(96, 16), most: size(1_000_000, 50_000) }),
  'scale-redis': () => measureScaleOnRedis({ rounds: size(15, 3), count: size(96, 16), most: size(1_000_000, 50_000) }),
  loop: () => measureQuietLoop({ rounds: size(9, 1) }),
  startup: () => measureStartUp({ rounds: size(21, 3) }),
};

for (const name of named)
  if (!Object.hasOwn(groups, name)) throw new Error(`no group "${name}"; there are: ${Object.keys(groups).join(', ')}`);

const servers = { postgres: await startPostgres(), redis: await startRedis() };
if (!servers.redis) console.error('Redis is left out: apt-get install redis-server');
const results = [];
try {
  for (const [name, measure] of Object.entries(groups)) {
    if (named.length > 0 && !named.includes(name)) continue;
    for await (const row of measure(servers)) {
      const result = summarize(row);
      results.push(result);
      if (quick) for (const line of quickLines(result)) console.log(line);
      else printRow(result);
    }
  }
} finally {
  await servers.redis?.stop();
  await servers.postgres.stop();
}
if (!quick && named.length === 0) writeDocuments();
process.exit();

/** The figures as JSON, and what the documentation shows of them. */
function writeDocuments() {
  const path = (name) => new URL(`../../${name}`, import.meta.url);
  writeFileSync(path('test/bench/results.json'), `${JSON.stringify({ node: process.version, results }, null, 2)}\n`);
  writeFileSync(path('docs/speed.svg'), drawChart(results));
  const page = readFileSync(path('docs/speed.md'), 'utf8');
  const [before, after] = [page.split('<!-- figures -->')[0], page.split('<!-- end of figures -->')[1]];
  writeFileSync(
    path('docs/speed.md'),
    `${before}<!-- figures -->\n\n${CHART}\n\n${markdownOf(results)}\n<!-- end of figures -->${after}`,
  );
}
