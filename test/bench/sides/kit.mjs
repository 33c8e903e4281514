import { createMfa } from '@mfa-kit/core';
import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import { createAuthenticator, verifiedSession } from '@mfa-kit/core/testing';
import { KEY } from '../key.mjs';
import { codeAt, secretOf } from './authenticator-app.mjs';

const LABEL = 'Firefox on Linux';

/**
 * The kit on one pool: `count` enrolled users, each with the given numbers of authenticators and devices, and as many users who are not
 * enrolled. `others` is the number of records of users who never log in.
 */
export async function createKit({ pool, count, table = 'mfa_profiles', authenticators = 1, devices = 0, others = 0 }) {
  const clock = { ahead: 0, now: () => Date.now() + clock.ahead };
  const storage = postgresStorage(pool, { table });
  await storage.createTable();
  const mfa = createMfa({ issuer: 'Acme', keys: [KEY], storage, clock: clock.now });
  const people = [];
  for (let index = 0; index < count; index++) {
    const user = { id: `user-${index}`, name: `user-${index}@example.com` };
    const enrolled = await verifiedSession(mfa, user);
    for (let more = 1; more < authenticators; more++) await enrollAnother(user, enrolled.session);
    for (let more = 0; more < devices; more++) await addDevice(user, enrolled.authenticator);
    people.push({ user, authenticator: enrolled.authenticator });
  }
  if (others > 0) await addOthers();
  await pool.query(`CREATE TABLE ${table}_before AS SELECT * FROM ${table} WHERE user_id LIKE 'user-%'`);
  await pool.query(`ANALYZE ${table}_before`);
  const restoreAmongOthers = `DELETE FROM ${table} WHERE user_id LIKE 'new-%';
    UPDATE ${table} AS changed SET version = before.version, value = before.value
    FROM ${table}_before AS before WHERE changed.user_id = before.user_id`;
  const newcomers = people.map(({ user }) => ({ id: `new-${user.id}`, name: user.name }));

  async function enrollAnother(user, session) {
    const started = await mfa.startEnrollment({ user, session });
    const code = createAuthenticator(started.enrollment.manualKey).code(clock.now());
    const given = { user, session: started.session, enrollmentId: started.enrollment.id, proof: { kind: 'totp', code } };
    const confirmed = await mfa.confirmEnrollment(given);
    if (!confirmed.ok) throw new Error(`confirm: ${confirmed.reason}`);
  }

  async function addDevice(user, authenticator) {
    clock.ahead += 300_000;
    const { session } = await mfa.beginLogin({ user });
    const verified = await mfa.verify({
      user,
      session,
      proof: { kind: 'totp', code: authenticator.code(clock.now()) },
      rememberDevice: true,
    });
    if (!verified.ok) throw new Error(`verify: ${verified.reason}`);
  }

  /** Records of the same length that are never opened. */
  async function addOthers() {
    await pool.query(
      `INSERT INTO ${table} (user_id, version, value)
       SELECT 'other-' || md5(number::text), before.version, before.value
       FROM generate_series(1, ${others}) AS number, (SELECT * FROM ${table} LIMIT 1) AS before`,
    );
    await pool.query(`VACUUM (ANALYZE) ${table}`);
    await pool.query('CHECKPOINT');
  }

  /** Restores every record to its state after the enrollments. The clock has moved on, so the codes are new ones. */
  async function restore() {
    await pool.query(others > 0 ? restoreAmongOthers : `TRUNCATE ${table}; INSERT INTO ${table} SELECT * FROM ${table}_before`);
    clock.ahead += 300_000;
  }

  async function sessions(users) {
    return Promise.all(users.map(async (user) => (await mfa.beginLogin({ user })).session));
  }

  /** A batch of verifications. `code` returns a user's code at a given time. `insertSession` is the host's own write. */
  function verifying(name, { code, ok, rememberDevice, insertSession }) {
    let prepared = [];
    return {
      name,
      async prepare(batch = count) {
        await restore();
        const chosen = people.slice(0, batch);
        const pending = await sessions(chosen.map(({ user }) => user));
        prepared = chosen.map((person, index) => ({
          user: person.user,
          session: pending[index],
          proof: { kind: 'totp', code: code(person, clock.now()) },
        }));
      },
      async run(index) {
        const given = prepared[index % count];
        const verified = await mfa.verify({ ...given, rememberDevice, deviceLabel: LABEL });
        if (verified.ok !== ok) throw new Error(`verify: ${verified.reason ?? 'accepted'}`);
        if (insertSession) await insertSession(given.user.id);
      },
    };
  }

  const right = ({ authenticator }, now) => authenticator.code(now);

  return {
    mfa,
    people,
    clock,
    verify: (name, insertSession) => verifying(name, { code: right, ok: true, rememberDevice: true, insertSession }),
    verifyWrong: (name) => verifying(name, { code: wrongCode, ok: false, rememberDevice: true }),

    enroll(name) {
      let pending = [];
      return {
        name,
        async prepare(batch = count) {
          await restore();
          pending = await sessions(newcomers.slice(0, batch));
        },
        async run(index) {
          const user = newcomers[index % count];
          const started = await mfa.startEnrollment({ user, session: pending[index % count] });
          const code = codeAt(secretOf(started.enrollment.manualKey), clock.now());
          const given = { user, session: started.session, enrollmentId: started.enrollment.id, proof: { kind: 'totp', code } };
          const confirmed = await mfa.confirmEnrollment(given);
          if (!confirmed.ok) throw new Error(`confirm: ${confirmed.reason}`);
        },
      };
    },

    /** A login with a remembered device, whose token rotates. */
    rememberedLogin(name) {
      let tokens = [];
      return {
        name,
        async prepare(batch = count) {
          await restore();
          const chosen = people.slice(0, batch);
          const pending = await sessions(chosen.map(({ user }) => user));
          tokens = [];
          for (const [index, person] of chosen.entries()) {
            const code = right(person, clock.now());
            const given = { user: person.user, session: pending[index], proof: { kind: 'totp', code }, rememberDevice: true };
            const verified = await mfa.verify(given);
            if (!verified.ok) throw new Error(`verify: ${verified.reason}`);
            tokens.push(verified.device.token);
          }
          clock.ahead += 300_000;
        },
        async run(index) {
          const { user } = people[index % count];
          const begun = await mfa.beginLogin({ user, deviceToken: tokens[index % count] });
          if (begun.decision.access !== 'allow' || !begun.device) throw new Error(`login: ${begun.decision.access}`);
        },
      };
    },
  };
}

/** Six digits that are wrong at every step near this time. */
export function wrongCode({ authenticator }, now) {
  const near = new Set([-2, -1, 0, 1, 2].map((step) => authenticator.code(now + step * 30_000)));
  for (let code = 0; ; code++) {
    const text = String(code).padStart(6, '0');
    if (!near.has(text)) return text;
  }
}
