import type { MfaStorage } from '@mfa-kit/core';
import { createAuthenticator, createClock, type TestClock, type VirtualAuthenticator } from '@mfa-kit/core/testing';
import {
  type Answer,
  type Decision,
  type Event,
  type Flows,
  type Grant,
  type Options,
  present,
  type Release,
  release1,
  type SessionState,
  type Status,
  type User,
} from './releases.js';
import { type Key, openRow, type Row, sealRow } from './sealed.js';
import type { Place } from './stores.js';

export const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];
export const KEY: Key = { id: '2026-11', secret: 'q1W0nE7gk5RrJ9sZbX2mVtYp8uLcA4dFhGiKoN3wT6E=' };
export const OTHER_KEY: Key = { id: '2026-12', secret: 'Zb8kQ2xV7nR4tY1mW6pL9sD3fG5hJ0aCeUiOoPzXcBw=' };
export const NOON = 1_800_000_000_000;

/** A process of one release. */
export interface Side extends Flows {
  release: Release;
}

/** One process of each release, on one storage, with the same keys and one clock. */
export interface Pair {
  old: Side;
  now: Side;
  clock: TestClock;
  events: Event[];
  notices: Event[];
  /** The adapter of each release. */
  storages: { old: MfaStorage; now: MfaStorage };
  /** Another process of the same storage and clock, with other options. */
  process(release: Release, options: Partial<Options>): Side;
  /** The stored row of a user. */
  row(userId: string): Promise<Row>;
  /** The opened profile. */
  stored(userId: string): Promise<Record<string, unknown>>;
  /** Stores a profile directly. */
  plant(userId: string, change: (profile: Record<string, unknown>) => unknown): Promise<void>;
}

/** The orders of a test that alternates: the release that begins, and the one that continues. */
export const orders = [
  { first: 'old', second: 'now' },
  { first: 'now', second: 'old' },
] as const;

export async function createPair(place: Place, options: Partial<Options> = {}): Promise<Pair> {
  const clock = createClock(NOON);
  const [events, notices]: [Event[], Event[]] = [[], []];
  const storages = { old: await place.storageOf(release1), now: await place.storageOf(present) };
  const storage = storages.old;
  const process = (release: Release, more: Partial<Options>): Side => ({
    ...release.createMfa({
      issuer: 'Acme',
      keys: [KEY],
      storage: release === release1 ? storages.old : storages.now,
      policy: ({ id }) => ({ mfa: id.startsWith('optional') ? 'optional' : 'required' }),
      onEvent: (event) => void events.push(event),
      notify: (notice) => void notices.push(notice),
      clock: clock.now,
      ...options,
      ...more,
    }),
    release,
  });
  const row = async (userId: string) => ({ userId, ...((await storage.read(userId)) ?? { version: '', value: '' }) });
  return {
    old: process(release1, {}),
    now: process(present, {}),
    clock,
    events,
    notices,
    storages,
    process,
    row,
    stored: async (userId) => openRow(await row(userId), KEY).profile,
    async plant(userId, change) {
      const { profile } = openRow(await row(userId), KEY);
      const next = sealRow(change(profile), { userId, version: `planted-${Math.floor(clock.now())}` }, KEY);
      if (!(await storage.write(userId, next, (await row(userId)).version))) throw new Error('not planted');
    },
  };
}

let users = 0;

/** A user without stored data, in any store. */
export function somebody(prefix = 'user'): User {
  return { id: `${prefix}-${process.pid}-${process.env.VITEST_WORKER_ID ?? 0}-${++users}`, name: 'ada@example.com' };
}

/** Fails unless the answer is ok, and returns it. */
export function expectOk<Given extends { ok: boolean; reason?: string }>(answer: Given): Given & { ok: true } {
  if (!answer.ok) throw new Error(`refused: ${answer.reason}`);
  return answer as Given & { ok: true };
}

/** The reason of a refusal, or 'ok'. */
export function said(answer: { ok: boolean; reason?: string }): string {
  return answer.ok ? 'ok' : String(answer.reason);
}

/** The guard's answer in words. */
export function word({ access, via, because, reason }: Decision): string {
  return [access, via ?? because ?? reason].filter(Boolean).join(': ');
}

/** Plain data, as in a session store. */
export function throughStore<State>(state: State): State {
  return JSON.parse(JSON.stringify(state)) as State;
}

/** A user with an authenticator, and the releases at which it was enrolled. */
export interface Person {
  user: User;
  app: VirtualAuthenticator;
  session: SessionState;
  recoveryCodes: string[];
}

/** Logs in with the password and returns the pending session. */
export async function begin(side: Side, user: User, deviceToken?: string): Promise<SessionState> {
  const { session, decision } = await side.beginLogin({ user, ...(deviceToken === undefined ? {} : { deviceToken }) });
  if (!session) throw new Error(`no state: ${word(decision)}`);
  return throughStore(session);
}

/** Enrolls a user, a minute ago. `confirms` is the release that confirms what `side` began. */
export async function enroll(pair: Pair, side: Side, { user = somebody(), confirms = side } = {}): Promise<Person> {
  const started = expectOk(await side.startEnrollment({ user, session: await begin(side, user) }));
  const app = createAuthenticator(started.enrollment?.uri ?? '');
  const confirmed = expectOk(
    await confirms.confirmEnrollment({
      user,
      session: throughStore(started.session),
      enrollmentId: started.enrollment?.id ?? '',
      code: app.code(pair.clock.now()),
    }),
  );
  pair.clock.advance(MINUTE);
  return { user, app, session: sessionOf(confirmed), recoveryCodes: confirmed.recoveryCodes ?? [] };
}

/** Enrolls another authenticator with a fresh session. */
export async function enrollAnother(
  pair: Pair,
  side: Side,
  { user, session }: Pick<Person, 'user' | 'session'>,
): Promise<Person & { id: string }> {
  const started = expectOk(await side.startEnrollment({ user, session }));
  const app = createAuthenticator(started.enrollment?.uri ?? '');
  const confirmed = expectOk(
    await side.confirmEnrollment({
      user,
      session: sessionOf(started),
      enrollmentId: started.enrollment?.id ?? '',
      code: app.code(pair.clock.now()),
    }),
  );
  pair.clock.advance(MINUTE);
  return { user, app, session: sessionOf(confirmed), recoveryCodes: [], id: confirmed.authenticator?.id ?? '' };
}

/** Logs in with a code a minute later, so that its step is unused. */
export async function logIn(
  pair: Pair,
  side: Side,
  { user, app }: Pick<Person, 'user' | 'app'>,
  { remember = false, token, verifies = side }: { remember?: boolean; token?: string; verifies?: Side } = {},
): Promise<{ session: SessionState; device: Grant }> {
  pair.clock.advance(MINUTE);
  const session = await begin(side, user, token);
  const verified = expectOk(
    await verifies.verify({
      user,
      session,
      code: app.code(pair.clock.now()),
      rememberDevice: remember,
      deviceLabel: 'Firefox',
      ...(token === undefined ? {} : { deviceToken: token }),
    }),
  );
  return { session: sessionOf(verified), device: verified.device as Grant };
}

/** A 6-digit code that is wrong in every step near the instant. */
export function wrongCode(apps: VirtualAuthenticator | readonly VirtualAuthenticator[], now: number, salt = 0): string {
  const near = new Set([apps].flat().flatMap((app) => [-2, -1, 0, 1, 2].map((step) => app.code(now + step * 30_000))));
  for (let code = salt; ; code++) {
    const text = String(code % 1_000_000).padStart(6, '0');
    if (!near.has(text)) return text;
  }
}

export function sessionOf(answer: Answer): SessionState {
  if (!answer.session) throw new Error('the answer has no session');
  return throughStore(answer.session);
}

export async function statusOf(side: Side, user: User): Promise<Status> {
  return expectOk(await side.getStatus({ user })).status as Status;
}

/** The decisions of both releases for a session; throws if the present code allows what release 1 refuses. */
export async function access(
  pair: Pair,
  user: User,
  session: SessionState | undefined,
  requirement = {},
): Promise<{ old: string; now: string }> {
  const asked = { user, session, requirement };
  const [old, now] = [word(await pair.old.checkAccess(asked)), word(await pair.now.checkAccess(asked))];
  if (now.startsWith('allow') && !old.startsWith('allow')) throw new Error(`weaker than release 1: ${now}, where it says ${old}`);
  return { old, now };
}
