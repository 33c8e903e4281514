// One process of a race, with the real core on a real store. The parent sends the operations; see processes.ts.
import { openStore } from './open-store.mjs';

const [coreFolder, url, key] = process.argv.slice(2);
const { createMfa } = await import(`${coreFolder}/index.js`);
const { storage, leaveOpen } = await openStore(url, (name) => import(`${coreFolder}/storage/${name}.js`));

let now = Date.now();
let crash = { at: 0, when: 'before' };
let calls = 0;
let events = [];

/** Ends the process like a power failure, before or after the n-th storage call. */
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

/** Milliseconds on the machine's common clock. */
function monotonic() {
  return Number(process.hrtime.bigint()) / 1e6;
}

const mfa = createMfa({
  issuer: 'Acme',
  keys: [JSON.parse(key)],
  storage: crashing(storage),
  onEvent: (event) => {
    events.push(event);
  },
  clock: () => now,
});

/** Calls that end access throw if they fail. Turns that into an answer, because the parent compares answers. */
function refusalOf(error) {
  if (error.code !== 'not_done') throw error;
  return { ok: false, reason: error.cause?.message === 'busy' ? 'busy' : 'unavailable' };
}

process.on('message', async (order) => {
  now = order.now;
  crash = order.crash ?? { at: 0, when: 'before' };
  calls = 0;
  events = [];
  if (order.leaveOpen) await leaveOpen();
  const spans = [];
  const make = async (input, index) => {
    const invokedAt = monotonic();
    const answer = await mfa[order.method](input).catch(refusalOf);
    spans[index] = { invokedAt, returnedAt: monotonic() };
    return answer;
  };
  const answers = await Promise.all(order.inputs.map(make));
  process.send({ answers, events, spans });
});
process.on('disconnect', () => process.exit(0));
process.send('ready');
