import type { MfaSession, VerifiedSession } from '@mfa-kit/core';
import { createMfa, type Mfa, MfaError, type MfaEvent, type MfaNotice, type MfaOptions, type MfaUser } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import {
  createAuthenticator,
  createClock,
  type TestClock,
  type VirtualAuthenticator,
  verifiedSession,
} from '@mfa-kit/core/testing';
import { countingStorage, type StorageCounts } from './counting-storage.js';

export const SECOND = 1_000;
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const KEY = { id: '2026-11', secret: 'q1W0nE7gk5RrJ9sZbX2mVtYp8uLcA4dFhGiKoN3wT6E=' };
export const OTHER_KEY = { id: '2026-12', secret: 'Zb8kQ2xV7nR4tY1mW6pL9sD3fG5hJ0aCeUiOoPzXcBw=' };

export interface TestUser extends MfaUser {
  mfa?: 'required' | 'optional' | 'off';
  enrollBy?: number;
  mayEnroll?: boolean;
}

export const ada: TestUser = { id: 'user-ada', name: 'ada@example.com' };
export const bob: TestUser = { id: 'user-bob', name: 'bob@example.com' };

export interface Fixture {
  mfa: Mfa<TestUser>;
  clock: TestClock;
  events: MfaEvent[];
  notices: MfaNotice[];
  counts: StorageCounts;
  resetCounts(): void;
  storage: ReturnType<typeof memoryStorage>;
  names(): string[];
}

/** Creates core on memory storage with a stopped clock. The policy is read from the user's fields. */
export function createFixture(options: Partial<MfaOptions<TestUser>> = {}): Fixture {
  const clock = createClock(1_800_000_000_000);
  const events: MfaEvent[] = [];
  const notices: MfaNotice[] = [];
  const storage = memoryStorage();
  const counting = countingStorage(options.storage ?? storage);
  const mfa = createMfa<TestUser>({
    issuer: 'Acme',
    keys: [KEY],
    policy: ({ mfa: level = 'required', enrollBy, mayEnroll }) => ({ mfa: level, enrollBy, mayEnroll }),
    onEvent: (event) => {
      events.push(event);
    },
    notify: (notice) => {
      notices.push(notice);
    },
    clock: clock.now,
    ...options,
    storage: counting,
  });
  return {
    mfa,
    clock,
    events,
    notices,
    counts: counting.counts,
    resetCounts: () => counting.reset(),
    storage,
    names: () => events.map((event) => event.name),
  };
}

export interface Enrolled extends Fixture {
  session: VerifiedSession;
  authenticator: VirtualAuthenticator;
  recoveryCodes: string[];
}

/** Creates a fixture with one enrolled user, two minutes after the enrollment, so that its step is past. */
export async function createEnrolled(user: TestUser = ada, options: Partial<MfaOptions<TestUser>> = {}): Promise<Enrolled> {
  const fixture = createFixture(options);
  const enrolled = await verifiedSession(fixture.mfa, user);
  fixture.clock.advance(2 * MINUTE);
  fixture.events.length = 0;
  fixture.notices.length = 0;
  fixture.resetCounts();
  return { ...fixture, ...enrolled };
}

/** Logs in with the password and returns the pending session. */
export async function loginPending(mfa: Mfa<TestUser>, user: TestUser = ada): Promise<MfaSession> {
  const { session } = await mfa.beginLogin({ user });
  if (!session) throw new Error('the login left no state');
  return session;
}

/** A 6-digit code that is wrong in every step near the instant. */
export function wrongCode(authenticator: VirtualAuthenticator, now: number): string {
  const near = new Set([-2, -1, 0, 1, 2].map((step) => authenticator.code(now + step * 30_000)));
  for (let code = 0; ; code++) {
    const text = String(code).padStart(6, '0');
    if (!near.has(text)) return text;
  }
}

/** Fails unless the result is ok, and returns its fields. */
export function expectOk<Fields extends object>(
  result: ({ ok: true } & Fields) | { ok: false; reason: string },
): { ok: true } & Fields {
  if (!result.ok) throw new Error(`refused: ${result.reason}`);
  return result;
}

/** Returns the reason of a refusal, or 'ok'. */
export function reasonOf(result: { ok: true } | { ok: false; reason: string }): string {
  return result.ok ? 'ok' : result.reason;
}

/** Calls that end access throw if they fail. Turns that into a refusal, for tests that compare many operations. */
export async function orRefusal<Answer extends object>(
  call: Promise<Answer>,
): Promise<Answer | { ok: false; reason: 'busy' | 'unavailable' }> {
  return call.catch((error: unknown) => {
    if (!(error instanceof MfaError) || error.code !== 'not_done') throw error;
    return { ok: false, reason: (error.cause as Error).message === 'busy' ? 'busy' : 'unavailable' };
  });
}

export { createAuthenticator };

/** What a browser has after a login with a code. */
export interface Browser {
  session: VerifiedSession;
  token: string;
  deviceId: string;
}

/** Logs in with a code a minute later, so that its step is unused. The browser is known, and remembered on request. */
export async function loginWithCode(
  fixture: Enrolled,
  { user = ada, rememberDevice = false, deviceToken }: { user?: TestUser; rememberDevice?: boolean; deviceToken?: string } = {},
): Promise<Browser> {
  fixture.clock.advance(MINUTE);
  const { session } = await fixture.mfa.beginLogin({ user, ...(deviceToken === undefined ? {} : { deviceToken }) });
  const code = fixture.authenticator.code(fixture.clock.now());
  const shown = deviceToken === undefined ? {} : { deviceToken };
  const verified = expectOk(
    await fixture.mfa.verify({ user, session, proof: { kind: 'totp', code }, rememberDevice, deviceLabel: 'Firefox', ...shown }),
  );
  return { session: verified.session, token: verified.device?.token ?? '', deviceId: verified.device?.deviceId ?? '' };
}

/** Enrolls another authenticator with a fresh session. */
export async function enrollAnother(
  fixture: Fixture,
  session: MfaSession,
  user: TestUser = ada,
): Promise<{ session: VerifiedSession; authenticator: VirtualAuthenticator; authenticatorId: string; recoveryCodes: string[] }> {
  const started = expectOk(await fixture.mfa.startEnrollment({ user, session }));
  const authenticator = createAuthenticator(started.enrollment.uri);
  const code = authenticator.code(fixture.clock.now());
  const enrollmentId = started.enrollment.id;
  const confirmed = expectOk(
    await fixture.mfa.confirmEnrollment({ user, session: started.session, enrollmentId, proof: { kind: 'totp', code } }),
  );
  const { authenticator: summary, recoveryCodes = [] } = confirmed;
  return { session: confirmed.session, authenticator, authenticatorId: summary.id, recoveryCodes };
}
