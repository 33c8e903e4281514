import { KEY } from '../key.mjs';
import { codeAt, secretOf } from '../sides/authenticator-app.mjs';
import { wrongCode } from '../sides/kit.mjs';

const LABEL = 'Firefox on Linux';
const HOUR = 3_600_000;

/**
 * The operations of one release on one storage, each `{ id, title, calls, prepare, run }`. `prepare` resets the records
 * and the clock to their state before the last batch, and is not timed; `run` does a batch. Every batch of an operation does the same work.
 *
 * `core` and `testing` are the modules of that release. If the present code has another signature, the call is translated here.
 */
export async function openOperations({ core, testing, storage, users, calls }) {
  const clock = { instant: Date.now(), now: () => clock.instant };
  const options = { issuer: 'Acme', keys: [KEY], storage, clock: clock.now };
  const mfa = core.createMfa(options);
  const named = (name) => Array.from({ length: users }, (_, index) => ({ id: `${name}-${index}`, name: `${index}@example.com` }));
  const operations = [];

  /** `each(index)` makes one call. If the calls write, the records of the users are reset before each batch. */
  async function add({ id, title, writes, given, each, batch = calls }) {
    const records = writes && (await readAll(given));
    const { instant } = clock;
    operations.push({
      id,
      title,
      calls: batch,
      async prepare() {
        clock.instant = instant;
        if (writes) await putBack(given, records);
      },
      async run() {
        for (let index = 0; index < batch; index++) await each(index % users);
      },
    });
  }
  const readAll = (given) => Promise.all(given.map(({ id }) => storage.read(id)));
  const putBack = (given, records) => Promise.all(given.map(({ id }, index) => putBackOne(id, records[index])));
  async function putBackOne(id, record) {
    const found = await storage.read(id);
    if (found?.version === record?.version) return;
    const done = record ? await storage.write(id, record, found?.version ?? null) : await storage.remove(id, found.version);
    if (!done) throw new Error(`${id} was not put back`);
  }

  /** Users with an authenticator and recovery codes, who begin a login an hour later, so that their next code is unused. */
  async function enrolled(name) {
    const people = [];
    for (const user of named(name)) people.push({ user, ...(await testing.verifiedSession(mfa, user)) });
    clock.instant += HOUR;
    for (const person of people) person.pending = (await mfa.beginLogin({ user: person.user })).session;
    return { people, given: people.map(({ user }) => user) };
  }
  const right = ({ user, pending, authenticator }) => ({
    user,
    session: pending,
    code: authenticator.code(clock.now()),
    proof: { kind: 'totp', code: authenticator.code(clock.now()) },
    rememberDevice: true,
    deviceLabel: LABEL,
  });
  const expect = (what, ok) => {
    if (!ok) throw new Error(`${what} had another result than it should have`);
  };

  {
    const { people, given } = await enrolled('verify');
    const inputs = people.map(right);
    const each = async (index) => expect('verify', (await mfa.verify(inputs[index])).ok);
    await add({ id: 'verify', title: 'verify a right code, remember the device', writes: true, given, each });
  }
  {
    const { people, given } = await enrolled('wrong');
    const inputs = people.map((person) => ({
      ...right(person),
      code: wrongCode(person, clock.now()),
      proof: { kind: 'totp', code: wrongCode(person, clock.now()) },
    }));
    const each = async (index) => expect('a wrong code', (await mfa.verify(inputs[index])).reason === 'invalid_code');
    await add({ id: 'wrong-code', title: 'verify a wrong code', writes: true, given, each });
  }
  {
    const { people, given } = await enrolled('recovery');
    const inputs = people.map(({ user, pending, recoveryCodes: [recoveryCode] }) => ({
      user,
      session: pending,
      recoveryCode,
      proof: { kind: 'recovery-code', code: recoveryCode },
      deviceLabel: LABEL,
    }));
    const each = async (index) => expect('a recovery code', (await mfa.verify(inputs[index])).ok);
    await add({ id: 'recovery-code', title: 'verify a recovery code', writes: true, given, each });
  }
  {
    const { people, given } = await enrolled('throttled');
    for (const person of people) {
      const wrong = {
        ...right(person),
        code: wrongCode(person, clock.now()),
        proof: { kind: 'totp', code: wrongCode(person, clock.now()) },
      };
      for (let tries = 0; (await mfa.verify(wrong)).reason !== 'throttled'; tries++) expect('a wrong code', tries < 100);
    }
    const inputs = people.map(right);
    const each = async (index) => expect('a throttled user', (await mfa.verify(inputs[index])).reason === 'throttled');
    await add({ id: 'throttled', title: 'refuse a throttled user', writes: false, given, each });
  }
  {
    const given = named('enroll');
    const pending = [];
    for (const user of given) pending.push((await mfa.beginLogin({ user })).session);
    await add({
      id: 'enroll',
      title: 'start and confirm an enrollment',
      writes: true,
      given,
      async each(index) {
        const started = await mfa.startEnrollment({ user: given[index], session: pending[index] });
        const { id: enrollmentId, manualKey } = started.enrollment;
        const code = codeAt(secretOf(manualKey), clock.now());
        const session = started.session;
        expect(
          'an enrollment',
          (await mfa.confirmEnrollment({ user: given[index], session, enrollmentId, code, proof: { kind: 'totp', code } })).ok,
        );
      },
    });
  }
  {
    const { people, given } = await enrolled('remembered');
    const inputs = [];
    for (const person of people) {
      const verified = await mfa.verify(right(person));
      inputs.push({ user: person.user, deviceToken: verified.device.token });
    }
    clock.instant += HOUR;
    const each = async (index) => expect('a login', (await mfa.beginLogin(inputs[index])).decision.access === 'allow');
    await add({ id: 'remembered-login', title: 'log in with a remembered device', writes: true, given, each });
  }
  {
    const { people, given } = await enrolled('login');
    const inputs = people.map(({ user }) => ({ user }));
    const each = async (index) => expect('a login', (await mfa.beginLogin(inputs[index])).decision.access === 'challenge');
    await add({ id: 'begin-login', title: 'begin a login that asks for a code', writes: false, given, each });
  }
  for (const [id, title, given, batch] of [
    ['guard-with-read', 'guard that reads the profile', mfa, calls * 4],
    // Without storage. These calls take less than a microsecond.
    [
      'guard-without-read',
      'guard within revocationDelaySeconds',
      core.createMfa({ ...options, revocationDelaySeconds: 300 }),
      20_000,
    ],
  ]) {
    const { people } = await enrolled(id);
    const inputs = [];
    for (const person of people) inputs.push({ user: person.user, session: (await mfa.verify(right(person))).session });
    // Release 1 calls it `checkAccess`.
    const ask = given.settings.askAccess ?? given.settings.checkAccess;
    const { instant } = clock;
    const prepare = async () => {
      clock.instant = instant;
    };
    const sync = id === 'guard-without-read';
    const run = sync
      ? () => {
          for (let index = 0; index < batch; index++) expect(id, ask(inputs[index % users]).access === 'allow');
        }
      : async () => {
          for (let index = 0; index < batch; index++) expect(id, (await ask(inputs[index % users])).access === 'allow');
        };
    operations.push({ id, title, calls: batch, prepare, run });
  }
  return operations;
}
