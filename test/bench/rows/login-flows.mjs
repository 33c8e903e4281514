import pg from 'pg';
import { compare, ratioOf } from '../measure.mjs';
import { createBetterAuth } from '../sides/better-auth.mjs';
import { createFloor } from '../sides/floor.mjs';
import { createKit } from '../sides/kit.mjs';
import { atLeast, atMost } from './goals.mjs';

const OPERATIONS = [
  { id: 'verify', title: 'Verify a right code and remember the device' },
  { id: 'verifyWrong', title: 'Verify a wrong code' },
  { id: 'enroll', title: 'Enroll and confirm' },
];
const FLOOR_BOUND = { 1: 1.35, 16: 1.6 };

/** Login flows on one PostgreSQL: the kit, better-auth's two-factor plugin, and the floor. */
export async function* measureLoginFlows({ postgres, rounds, count }) {
  const [kit, peer, floor] = await Promise.all([
    createKit({ pool: postgres.pool(), count }),
    createBetterAuth({ pool: postgres.pool(), count }),
    createFloor({ pool: postgres.pool(), count }),
  ]);
  const host = await hostSessions(postgres.pool());
  for (const inFlight of [1, 16]) {
    for (const { id, title } of OPERATIONS) {
      const sides = [kit[id]('mfa-kit'), peer[id]('better-auth'), floor[id]('floor')];
      if (id === 'verify') sides.push(kit.verify('mfa-kit + session row', host), floor.verify('floor + session row', host));
      const statements = inFlight === 1 ? await countStatements(sides) : undefined;
      const costs = await compare(sides, { rounds, count, inFlight });
      yield {
        id: `${id}.${inFlight}`,
        title: `${title}, ${inFlight} in flight`,
        costs,
        statements,
        goals: goalsOf(id, inFlight, costs),
      };
    }
    yield rememberedLogin({ kit, peer, floor }, { rounds, count, inFlight });
  }
}

function goalsOf(id, inFlight, costs) {
  const floor = atMost(`${id}.${inFlight}.over-floor`, ratioOf(costs, 'mfa-kit', 'floor'), FLOOR_BOUND[inFlight]);
  const quicker = (name, side, bound) => atLeast(`${id}.${inFlight}.${name}`, ratioOf(costs, 'better-auth', side), bound);
  if (id !== 'verify') return [quicker('quicker', 'mfa-kit', 8), floor];
  return [
    quicker('like-for-like', 'mfa-kit + session row', inFlight === 1 ? 6 : 7.5),
    quicker('as-it-stands', 'mfa-kit', 10),
    floor,
    atMost(
      `verify.${inFlight}.over-floor.with-session`,
      ratioOf(costs, 'mfa-kit + session row', 'floor + session row'),
      FLOOR_BOUND[inFlight],
    ),
  ];
}

/** Over a plain sign-in: better-auth's part is the difference of two sign-ins, ours is the whole of `beginLogin`. */
async function rememberedLogin({ kit, peer, floor }, { rounds, count, inFlight }) {
  const sides = [
    kit.rememberedLogin('mfa-kit'),
    peer.rememberedSignIn('better-auth, remembered'),
    peer.plainSignIn('better-auth, plain'),
    floor.rememberedLogin('floor'),
  ];
  const statements = inFlight === 1 ? await countStatements(sides) : undefined;
  const costs = await compare(sides, { rounds, count, inFlight });
  const plain = costs.get('better-auth, plain');
  const over = costs.get('better-auth, remembered').map((cost, round) => cost - plain[round]);
  costs.set('better-auth, difference', over);
  const id = `remembered.${inFlight}`;
  return {
    id,
    title: `Login with a remembered device, over a plain sign-in, ${inFlight} in flight`,
    costs,
    statements,
    goals: [
      atLeast(`${id}.quicker`, ratioOf(costs, 'better-auth, difference', 'mfa-kit'), 3),
      atMost(`${id}.over-floor`, ratioOf(costs, 'mfa-kit', 'floor'), FLOOR_BOUND[inFlight]),
    ],
  };
}

/** The row that a host writes when a login is complete, as better-auth writes it too. */
async function hostSessions(pool) {
  await pool.query(
    `CREATE TABLE host_sessions (id text PRIMARY KEY, token text NOT NULL UNIQUE, user_id text NOT NULL, ip_address text, user_agent text,
     expires_at timestamptz NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
     CREATE INDEX ON host_sessions (user_id)`,
  );
  const text = `INSERT INTO host_sessions VALUES ($1, $2, $3, '', '', now() + interval '7 days', now(), now())`;
  return async (userId) => {
    const values = [crypto.randomUUID(), crypto.randomUUID(), userId];
    await pool.query({ name: 'host_session', text, values });
  };
}

/** SQL statements of one operation of each side. */
async function countStatements(sides) {
  const counted = {};
  const { query } = pg.Client.prototype;
  for (const side of sides) {
    await side.prepare?.(1);
    let statements = 0;
    pg.Client.prototype.query = function count(...given) {
      statements++;
      return query.apply(this, given);
    };
    try {
      await side.run(0);
    } finally {
      pg.Client.prototype.query = query;
    }
    counted[side.name] = statements;
  }
  return counted;
}
