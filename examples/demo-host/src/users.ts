import type { MfaUser } from '@mfa-kit/core';
import type { HostDatabase, Row } from './database.js';
import { decoyHash, hashPassword, type PasswordCost, verifyPassword } from './password.js';

/** A user of the demo. It is an `MfaUser` with more fields, which the kit passes on to `policy`. */
export interface DemoUser extends MfaUser {
  username: string;
  displayName: string;
  mfa: 'required' | 'optional';
  /** Epoch milliseconds. */
  enrollBy?: number;
  enrolled: boolean;
}

export interface DemoUsers {
  findById(id: string): Promise<DemoUser | null>;
  findByUsername(username: string): Promise<DemoUser | null>;
  /** Returns the user if the password is right. An unknown user takes as long as a wrong password. */
  checkPassword(username: unknown, password: unknown): Promise<DemoUser | null>;
  /** Checks the current password and whether the new one is allowed; returns why not. Stores nothing. */
  checkNewPassword(
    user: DemoUser,
    current: unknown,
    next: unknown,
  ): Promise<{ ok: true; next: string } | { ok: false; why: string }>;
  storePassword(user: DemoUser, next: string): Promise<void>;
  /** The kit's `markEnrolled`: stores in the application's own table who has MFA. */
  setMfaEnrolled(id: string, enrolled: boolean): Promise<void>;
  /** Usernames of people who no longer use the demo password. */
  withOwnPassword(): Promise<string[]>;
  /** Sets a user's password back to the demo password. */
  restoreDemoPassword(id: string): Promise<void>;
}

const PEOPLE = [
  { username: 'ada', displayName: 'Ada Byron', mfa: 'required', graceDays: 0 },
  { username: 'grace', displayName: 'Grace Murray', mfa: 'optional', graceDays: 0 },
  { username: 'alan', displayName: 'Alan Mathison', mfa: 'required', graceDays: 14 },
] as const;

const DAY = 24 * 60 * 60 * 1000;

/** The options of {@link openUsers}. */
export interface UsersOptions {
  database: HostDatabase;
  demoPassword: string;
  passwordCost: PasswordCost;
  now(): number;
}

/** Opens the table of users. Creates the demo's users at the first start, and updates their demo password if it has changed. */
export async function openUsers({ database, demoPassword, passwordCost, now }: UsersOptions): Promise<DemoUsers> {
  const readOne = async (column: 'id' | 'username', value: string): Promise<Row | undefined> =>
    (await database.query(`SELECT * FROM demo_users WHERE ${column} = ?`, [value]))[0];

  const storePassword = async (id: string, password: string, changed: boolean): Promise<void> => {
    const hash = await hashPassword(password, passwordCost);
    await database.query('UPDATE demo_users SET password_hash = ?, password_changed = ? WHERE id = ?', [
      hash,
      changed ? 1 : 0,
      id,
    ]);
  };

  await seed(database, { demoPassword, passwordCost, now });

  const checkPassword: DemoUsers['checkPassword'] = async (username, password) => {
    if (typeof username !== 'string' || typeof password !== 'string') return null;
    const row = await readOne('username', username.trim().toLowerCase());
    const right = await verifyPassword(password, row ? String(row.password_hash) : decoyHash(passwordCost));
    return right ? toUser(row) : null;
  };

  return {
    findById: async (id) => toUser(await readOne('id', id)),
    findByUsername: async (username) => toUser(await readOne('username', username)),
    checkPassword,
    async checkNewPassword(user, current, next) {
      if (!(await checkPassword(user.username, current))) return { ok: false, why: 'The current password is wrong.' };
      if (typeof next !== 'string' || next.length < 10) return { ok: false, why: 'The new password needs 10 characters.' };
      return { ok: true, next };
    },
    storePassword: (user, next) => storePassword(user.id, next, true),
    async setMfaEnrolled(id, enrolled) {
      await database.query('UPDATE demo_users SET mfa_enrolled = ? WHERE id = ?', [enrolled ? 1 : 0, id]);
    },
    async withOwnPassword() {
      const rows = await database.query('SELECT username FROM demo_users WHERE password_changed = 1 ORDER BY username');
      return rows.map((row) => String(row.username));
    },
    restoreDemoPassword: (id) => storePassword(id, demoPassword, false),
  };
}

/** Creates missing users, and sets the current demo password for those who use it. All share one hash. */
async function seed(database: HostDatabase, options: Omit<UsersOptions, 'database'>): Promise<void> {
  const { demoPassword, passwordCost, now } = options;
  const rows = await database.query('SELECT username, password_hash FROM demo_users WHERE password_changed = 0');
  const missing = PEOPLE.length > (await database.query('SELECT id FROM demo_users')).length;
  const kept = rows[0] ? String(rows[0].password_hash) : undefined;
  const current = kept !== undefined && (await verifyPassword(demoPassword, kept));
  if (current && !missing) return;
  const hash = current ? kept : await hashPassword(demoPassword, passwordCost);
  await database.query('UPDATE demo_users SET password_hash = ? WHERE password_changed = 0', [hash]);
  for (const { username, displayName, mfa, graceDays } of PEOPLE) {
    const enrollBy = graceDays > 0 ? now() + graceDays * DAY : null;
    await database.query('INSERT INTO demo_users VALUES (?, ?, ?, ?, ?, 0, ?, 0, ?) ON CONFLICT DO NOTHING', [
      `user-${username}`,
      username,
      `${username}@larkfield.example`,
      displayName,
      hash,
      mfa,
      enrollBy,
    ]);
  }
}

function toUser(row: Row | undefined): DemoUser | null {
  if (!row) return null;
  return {
    id: String(row.id),
    name: String(row.email),
    username: String(row.username),
    displayName: String(row.display_name),
    mfa: row.mfa_policy === 'optional' ? 'optional' : 'required',
    enrolled: Boolean(row.mfa_enrolled),
    // PostgreSQL returns a BIGINT as text.
    ...(row.enroll_by === null ? {} : { enrollBy: Number(row.enroll_by) }),
  };
}
