// The modules of the application that README.md changes: its database, its users and its login, with faults that a test asks for.
import passport from 'passport';
import { Strategy } from 'passport-local';
import pg from 'pg';

const connectionString = process.env.DATABASE_URL;

/** What the application gives to the kit. */
export const pool = new pg.Pool({ connectionString, application_name: 'mfa' });
pool.on('error', () => {});
const own = new pg.Pool({ connectionString });

/** How many more reads of a user succeed before one fails. */
let readsLeft = Number.POSITIVE_INFINITY;

/** A row of the application, whose columns may fail to load once. */
function toUser({ id, email, mfa_enrolled: mfaEnrolled }) {
  return {
    id,
    mfaEnrolled,
    get email() {
      if (readsLeft-- > 0) return email;
      readsLeft = Number.POSITIVE_INFINITY;
      throw new Error('the user could not be read');
    },
  };
}

export const users = {
  async setMfaEnrolled(id, enrolled) {
    await own.query('UPDATE users SET mfa_enrolled = $2 WHERE id = $1', [id, enrolled]);
  },
  async setPassword(id, password) {
    await own.query('UPDATE users SET password = $2 WHERE id = $1', [id, password]);
  },
};

async function find(column, value) {
  const { rows } = await own.query(`SELECT * FROM users WHERE ${column} = $1`, [value]);
  return rows[0];
}

passport.use(
  new Strategy((username, password, done) => {
    find('email', username).then((row) => done(null, row?.password === password ? toUser(row) : false), done);
  }),
);
passport.serializeUser((user, done) => done(null, user.id));
passport.deserializeUser((id, done) => {
  find('id', id).then((row) => done(null, row ? toUser(row) : false), done);
});

globalThis.pay = (_req, res) => res.sendStatus(201);

await own.query(
  'CREATE TABLE IF NOT EXISTS users (id text PRIMARY KEY, email text, password text, mfa_enrolled boolean NOT NULL DEFAULT false)',
);
await own.query("INSERT INTO users (id, email, password) VALUES ('u-1', 'ada@example.com', 'first') ON CONFLICT DO NOTHING");

const FAULTS = {
  async user() {
    readsLeft = 0;
  },
  async 'user after the guard'() {
    readsLeft = 1;
  },
  async away() {
    pool.options.connectionString = connectionString.replace(/:\d+\//, ':1/');
    await own.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mfa'");
  },
  async back() {
    pool.options.connectionString = connectionString;
  },
  async 'no table'() {
    await own.query('ALTER TABLE mfa_profiles RENAME TO away');
  },
  async table() {
    await own.query('ALTER TABLE away RENAME TO mfa_profiles');
  },
};
process.on('message', async (name) => {
  await FAULTS[name]();
  process.send('done');
});
