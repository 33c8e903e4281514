// One process of a race: the real core on a real PostgreSQL. The parent says what to do; see processes.ts.
import pg from 'pg';

const [coreFolder, connectionString, key] = process.argv.slice(2);
const { createMfa } = await import(`${coreFolder}/index.js`);
const { postgresStorage } = await import(`${coreFolder}/storage/postgres.js`);

const pool = new pg.Pool({ connectionString, max: 8 });
pool.on('error', () => {});

let now = 0;
let crash = { at: 0, when: 'before' };
let calls = 0;
let events = [];

/** Ends the process like a power cut, before or after the n-th storage call. */
function crashing(storage) {
  const around = async (call) => {
    calls += 1;
    if (calls === crash.at && crash.when === 'before') process.kill(process.pid, 'SIGKILL');
    const result = await call();
    if (calls === crash.at && crash.when === 'after') process.kill(process.pid, 'SIGKILL');
    return result;
  };
  return {
    read: (userId) => around(() => storage.read(userId)),
    write: (userId, next, expected) => around(() => storage.write(userId, next, expected)),
    remove: (userId, expected) => around(() => storage.remove(userId, expected)),
    listUserIds: (cursor) => storage.listUserIds(cursor),
  };
}

/** Milliseconds on the clock that all processes of a machine share. */
function monotonic() {
  return Number(process.hrtime.bigint()) / 1e6;
}

const mfa = createMfa({
  issuer: 'Acme',
  keys: [JSON.parse(key)],
  storage: crashing(postgresStorage(pool)),
  onEvent: (event) => {
    events.push(event);
  },
  clock: () => now,
});

process.on('message', async (order) => {
  now = order.now;
  crash = order.crash ?? { at: 0, when: 'before' };
  calls = 0;
  events = [];
  const spans = [];
  const make = async (input, index) => {
    const invokedAt = monotonic();
    const answer = await mfa[order.method](input);
    spans[index] = { invokedAt, returnedAt: monotonic() };
    return answer;
  };
  const answers = await Promise.all(order.inputs.map(make));
  process.send({ answers, events, spans });
});
process.on('disconnect', () => process.exit(0));
// The connections are there, as in a process that has served others.
await Promise.all(Array.from({ length: 8 }, () => pool.query('SELECT pg_sleep(0.02)')));
process.send('ready');
