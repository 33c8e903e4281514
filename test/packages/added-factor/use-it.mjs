// Uses the sources of core to which the counter code was added, as an application does: over the endpoints and their pages.
// Arguments: the folder of the compiled copy.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const built = (file) => import(pathToFileURL(`${process.argv[2]}/${file}`).href);
const { createMfa } = await built('index.js');
const { answerEndpoint, createHttpKit } = await built('http/index.js');
const { memoryStorage } = await built('storage/memory.js');

const user = { id: 'ada', name: 'ada@example.com' };
const events = [];
const mfa = createMfa({
  issuer: 'Acme',
  storage: memoryStorage(),
  keys: [{ id: 'k1', secret: randomBytes(32).toString('base64') }],
  policy: () => ({ mfa: 'optional' }),
  onEvent: (event) => void events.push(event),
});
const kit = createHttpKit(mfa, { loginUrl: '/login' });

let state;
const session = {
  read: () => state,
  async write(next) {
    state = next;
  },
};

async function request(method, path, { body, accept = 'application/json' } = {}) {
  const headers = { accept, 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', host: 'app.example' };
  const exchange = {
    request: {},
    method,
    url: `/mfa${path}`,
    header: (name) => headers[name],
    body: async () => body,
    user: async () => user,
    session,
    eventContext: () => undefined,
    setCookie: () => {},
  };
  const answer = await answerEndpoint(kit, exchange, path.split('?')[0]);
  return { status: answer.status, body: accept === 'text/html' ? answer.body : answer.body && JSON.parse(answer.body) };
}
const post = (path, body) => request('POST', path, { body });
const page = async (path) => (await request('GET', path, { accept: 'text/html' })).body;
async function logIn() {
  ({ session: state } = await mfa.beginLogin({ user, loggedInAt: Date.now() }));
}

await logIn();
assert.match(await page('/enroll'), /name="code"/, 'without a kind, the first one is set up');
const started = await post('/enroll', { kind: 'counter-code' });
assert.equal(started.status, 201);
assert.equal(started.body.kind, 'counter-code');
const { enrollmentId, base } = started.body;
assert.match(await page('/enroll'), new RegExp(`<code>${base}</code>.*name="counterCode"`, 's'));
assert.equal((await post('/enroll/confirm', { enrollmentId, counterCode: `${base}-x` })).status, 422);
const confirmed = await post('/enroll/confirm', { enrollmentId, counterCode: `${base}-1` });
assert.equal(confirmed.status, 200);
assert.deepEqual(confirmed.body.assurance.amr, ['counter', 'mfa']);
console.log('enrolled');

await logIn();
assert.deepEqual((await request('GET', '/challenge')).body.challenge.factors, ['counter-code', 'recovery-code']);
assert.equal((await post('/verify', { counterCode: `${base}-1` })).status, 422, 'a code that was used');
assert.equal((await post('/verify', { counterCode: `${'0'.repeat(32)}-2` })).status, 422, 'a wrong code');
const wrong = events.filter(({ name }) => name === 'verification_failed').map(({ factor, why }) => [factor, why]);
assert.deepEqual(wrong.at(-1), ['counter-code', 'wrong']);
assert.equal((await post('/verify', { counterCode: `${base}-2` })).status, 200);
assert.equal(state.assurance.via, 'counter');
console.log('proven');

assert.deepEqual(
  (await request('GET', '')).body.authenticators.map(({ kind, name }) => [kind, name]),
  [['counter-code', 'Counter']],
);
console.log('listed');

const overview = await page('');
assert.match(overview, /<span>Counter code<\/span>/);
assert.match(overview, /Add a counter.*<input type="hidden" name="kind" value="counter-code">/s);
await logIn();
assert.match(await page('/challenge'), /<h1>Counter code<\/h1>.*name="counterCode"/s);
assert.match(await page('/challenge?use=recovery-code'), /<a href="\/mfa\/challenge">Use a counter code<\/a>/);
console.log('drawn');

// A check may take its time, and one that does not end, or fails, proves nothing.
const { counterCodeFactor } = await built('factors/counter-code/counter-code.js');
const { check } = counterCodeFactor;
counterCodeFactor.check = async (...given) => {
  await setTimeout(5);
  return check(...given);
};
assert.equal((await post('/verify', { counterCode: `${base}-3` })).status, 200);
await logIn();
counterCodeFactor.check = () => new Promise(() => {});
const late = await post('/verify', { counterCode: `${base}-4` });
assert.deepEqual([late.status, late.body.reason], [503, 'busy']);
counterCodeFactor.check = () => Promise.reject(new Error('no such curve'));
await assert.rejects(post('/verify', { counterCode: `${base}-4` }), /no such curve/);
assert.equal(state.state, 'pending');
counterCodeFactor.check = check;
assert.equal((await post('/verify', { counterCode: `${base}-4` })).status, 200, 'the code was not used up');
console.log('awaited');

const [{ id }] = (await request('GET', '')).body.authenticators;
assert.equal((await post('/authenticators/remove', { id })).status, 204);
assert.deepEqual((await mfa.getStatus({ user })).status.authenticators, []);
console.log('removed');
