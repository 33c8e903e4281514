import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { eventPrinter, noticePrinter } from './audit.js';
import { type HostDatabase, openDatabase } from './database.js';
import { keepSecret } from './kept-secret.js';
import { PASSWORD_COST, type PasswordCost } from './password.js';
import { openSessions, type SessionTable } from './sessions.js';
import { type DemoUser, type DemoUsers, openUsers } from './users.js';

/** The application that "already has a login". The examples share it. */
export interface DemoHost {
  users: DemoUsers;
  sessions: SessionTable;
  database: HostDatabase;
  /** Signs the session cookie. */
  sessionSecret: string;
  /** True if `NODE_ENV=production`; cookies are then sent only over https. */
  production: boolean;
  demoPassword: string;
  /** What the operator should know, one sentence each. */
  warnings: string[];
  /** The options of `createMfa` that come from the environment. */
  mfa: {
    keys: { id: string; secret: string }[];
    storage: HostDatabase['mfaStorage'];
    policy(user: DemoUser): { mfa: 'required' | 'optional'; enrollBy?: number };
    markEnrolled(userId: string, enrolled: boolean): Promise<void>;
    onEvent: ReturnType<typeof eventPrinter>;
    notify: ReturnType<typeof noticePrinter>;
  };
  close(): Promise<void>;
}

/** What tests may set instead of taking it from the process. */
export interface DemoHostOptions {
  env?: NodeJS.ProcessEnv;
  /** The folder for the demo's files; default `.mfa-kit` in the working directory. */
  directory?: string;
  now?: () => number;
  /** Use less than the default only in tests. */
  passwordCost?: PasswordCost;
}

/** Opens the database, users and sessions from `MFA_STORAGE`, `MFA_KEY`, `DEMO_PASSWORD` and `MFA_EVENTS`. */
export async function createDemoHost(options: DemoHostOptions = {}): Promise<DemoHost> {
  const { env = process.env, directory = resolve('.mfa-kit'), now = Date.now, passwordCost = PASSWORD_COST } = options;
  const warnings: string[] = [];

  const key = env.MFA_KEY ? undefined : keepSecret(directory, 'mfa.key', () => randomBytes(32).toString('base64url'));
  if (key)
    warnings.push(
      `MFA_KEY is not set: using a key kept in ${key.file}. Use it only for a demo, because it can decrypt every secret.`,
    );
  const password = env.DEMO_PASSWORD || keepSecret(directory, 'demo-password', makePassword).value;
  const sessionSecret = keepSecret(directory, 'session.key', () => randomBytes(32).toString('base64url')).value;

  const file = `file:${resolve(directory, 'demo.sqlite')}`;
  const database = await openDatabase(env.MFA_STORAGE || file, file);
  const users = await openUsers({ database, demoPassword: password, passwordCost, now });
  const printing = env.MFA_EVENTS === '1';
  return {
    users,
    sessions: openSessions(database),
    database,
    sessionSecret,
    production: env.NODE_ENV === 'production',
    demoPassword: password,
    warnings,
    mfa: {
      keys: [{ id: 'demo-1', secret: env.MFA_KEY || (key?.value ?? '') }],
      storage: database.mfaStorage,
      policy: ({ mfa, enrollBy }) => ({ mfa, ...(enrollBy === undefined ? {} : { enrollBy }) }),
      markEnrolled: users.setMfaEnrolled,
      onEvent: eventPrinter(printing),
      notify: noticePrinter(printing),
    },
    close: () => database.close(),
  };
}

// Four groups of two syllables, about 50 bits, which can be read aloud and typed.
function makePassword(): string {
  const syllables = [...randomBytes(8)].map((byte) => 'bdfghjklmnprstvz'[byte >> 4]! + 'aeiouaeiouaeiouy'[byte & 15]!);
  return [0, 2, 4, 6].map((start) => syllables.slice(start, start + 2).join('')).join('-');
}
