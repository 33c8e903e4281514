import pg from 'pg';
import { compare, ratioOf } from '../measure.mjs';
import { startRedis } from '../servers.mjs';
import { createBetterAuth } from '../sides/better-auth.mjs';
import { createTunedBetterAuth } from '../sides/better-auth-tuned.mjs';
import { createFloor } from '../sides/floor.mjs';
import { createKit } from '../sides/kit.mjs';
import { atLeast, atMost } from './goals.mjs';

const OPERATIONS = [
  { id: 'verify', title: 'Verify a right code and remember the device' },
  { id: 'verifyWrong', title: 'Verify a wrong code' },
  { id: 'enroll', title: 'Enroll and confirm' },
];
const FLOOR_BOUND = { 1: 1.35, 16: 1.6 };

/**
 * Login flows on one PostgreSQL: the kit, better-auth's two-factor plugin, and the floor. `withTuned` adds the tuned peer, for which
 * there is no goal.
 */
export async function* measureLoginFlows({ postgres, withTuned, one, sixteen, seconds }) {
  const { count } = sixteen;
  // Redis as it is usually run for sessions, with a sync to disk once a second.
  const redis = withTuned ? await startRedis('everysec') : null;
  try {
    const sides = {
      kit: await createKit({ pool: postgres.pool(), count }),
      peer: await createBetterAuth({ pool: postgres.pool(), count }),
      floor: await createFloor({ pool: postgres.pool(), count }),
      libraries: await createFloor({ pool: postgres.pool(), count, table: 'library_profiles', withLibraries: true }),
      host: await hostSessions(postgres.pool()),
      redis,
      ...(redis ? { tuned: await createTunedBetterAuth({ postgres, redis, count }) } : {}),
    };
    for (const [inFlight, size] of [
      [1, one],
      [16, sixteen],
    ]) {
      const given = { ...size, inFlight, seconds };
      for (const operation of OPERATIONS) yield await flow(operation, sides, given);
      yield await rememberedLogin(sides, given);
    }
  } finally {
    await redis?.stop();
  }
}

async function flow({ id, title }, { kit, peer, tuned, floor, libraries, host, redis }, given) {
  const sides = [kit[id]('mfa-kit'), peer[id]('better-auth'), floor[id]('floor'), libraries[id]('floor by libraries')];
  if (id === 'verify') {
    sides.push(kit.verify('mfa-kit + session row', host), floor.verify('floor + session row', host));
    sides.push(libraries.verify('floor by libraries + session row', host));
  }
  if (tuned) sides.push(tuned[id]('better-auth, tuned'));
  const { inFlight } = given;
  const statements = inFlight === 1 ? await countStatements(sides, redis) : undefined;
  const costs = await compare(sides, given);
  return {
    id: `${id}.${inFlight}`,
    title: `${title}, ${inFlight} in flight`,
    costs,
    statements,
    goals: goalsOf(id, inFlight, costs),
  };
}

function goalsOf(id, inFlight, costs) {
  const floor = atMost(`${id}.${inFlight}.over-floor`, ratioOf(costs, 'mfa-kit', 'floor'), FLOOR_BOUND[inFlight]);
  const quicker = (name, side, bound) => ({
    ...atLeast(`${id}.${inFlight}.${name}`, ratioOf(costs, 'better-auth', side), bound),
    atTheFloor: ratioOf(costs, 'better-auth', side.replace('mfa-kit', 'floor')),
    atTheLibraries: ratioOf(costs, 'better-auth', side.replace('mfa-kit', 'floor by libraries')),
  });
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

/** The cost on top of a plain sign-in: for better-auth the difference of two sign-ins, for us all of `beginLogin`. */
async function rememberedLogin({ kit, peer, tuned, floor, libraries, redis }, given) {
  const sides = [
    kit.rememberedLogin('mfa-kit'),
    peer.rememberedSignIn('better-auth, remembered'),
    peer.plainSignIn('better-auth, plain'),
    floor.rememberedLogin('floor'),
    libraries.rememberedLogin('floor by libraries'),
  ];
  if (tuned) sides.push(tuned.rememberedSignIn('better-auth, tuned, remembered'), tuned.plainSignIn('better-auth, tuned, plain'));
  const { inFlight } = given;
  const statements = inFlight === 1 ? await countStatements(sides, redis) : undefined;
  const costs = await compare(sides, given);
  for (const name of tuned ? ['better-auth', 'better-auth, tuned'] : ['better-auth']) {
    const plain = costs.get(`${name}, plain`);
    costs.set(
      `${name}, difference`,
      costs.get(`${name}, remembered`).map((cost, round) => cost - plain[round]),
    );
  }
  const id = `remembered.${inFlight}`;
  return {
    id,
    title: `Login with a remembered device, over a plain sign-in, ${inFlight} in flight`,
    costs,
    statements,
    goals: [
      {
        ...atLeast(`${id}.quicker`, ratioOf(costs, 'better-auth, difference', 'mfa-kit'), 3),
        atTheFloor: ratioOf(costs, 'better-auth, difference', 'floor'),
        atTheLibraries: ratioOf(costs, 'better-auth, difference', 'floor by libraries'),
      },
      atMost(`${id}.over-floor`, ratioOf(costs, 'mfa-kit', 'floor'), FLOOR_BOUND[inFlight]),
    ],
  };
}

/** The session row that a host writes after a login. better-auth writes one too. */
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

/** The SQL statements and Redis commands of one operation of each side. Not the first one, which may clean up more. */
async function countStatements(sides, redis) {
  const counted = {};
  for (const side of sides) {
    await countOne(side, redis);
    const { statements, commands } = await countOne(side, redis);
    counted[side.name] = commands > 0 ? `${statements} SQL, ${commands} Redis` : `${statements} SQL`;
  }
  return counted;
}

async function countOne(side, redis) {
  await side.prepare?.(1);
  const { query } = pg.Client.prototype;
  let statements = 0;
  pg.Client.prototype.query = function count(...given) {
    statements++;
    return query.apply(this, given);
  };
  const before = await commandsOf(redis);
  try {
    await side.run(0);
  } finally {
    pg.Client.prototype.query = query;
  }
  // The INFO command of the second reading counts itself.
  return { statements, commands: (await commandsOf(redis)) - before - 1 };
}

async function commandsOf(redis) {
  if (!redis) return 0;
  return Number(/total_commands_processed:(\d+)/.exec(await redis.client.info('stats'))[1]);
}
