import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { createAuthenticator, type VirtualAuthenticator } from '@mfa-kit/core/testing';
import { expect, it } from 'vitest';
import { fc } from '../support/fast-check.js';
import { ROUNDS } from '../support/proof.js';
import {
  access,
  createPair,
  DAY,
  HOUR,
  MINUTE,
  type Pair,
  SECOND,
  type Side,
  somebody,
  statusOf,
  throughStore,
  wrongCode,
} from './pair.js';
import type { Answer, SessionState, User } from './releases.js';
import type { Place } from './stores.js';

/** One operation at one of the releases. The numbers choose among what exists. */
interface Move {
  kind: (typeof kinds)[number];
  side: 'old' | 'now';
  one: number;
  other: number;
}

/** Frequent operations are listed more than once. */
const kinds = [
  ...(['wait', 'log in', 'log in with a device', 'log in by token', 'verify', 'guess', 'recover', 'enroll', 'confirm'] as const),
  ...(['wait', 'log in', 'log in with a device', 'verify', 'add', 'remove', 'regenerate', 'revoke', 'end all'] as const),
  ...(['wait', 'log in', 'verify', 'add', 'remove', 'regenerate', 'revoke', 'new password', 'reset', 'help'] as const),
];
const waits = [5 * SECOND, 31 * SECOND, 2 * MINUTE, 20 * MINUTE, 3 * HOUR, 10 * HOUR, 2 * DAY];

const moves = fc.array(
  fc.record<Move>({
    kind: fc.constantFrom(...kinds),
    side: fc.constantFrom('old', 'now'),
    one: fc.nat({ max: 50 }),
    other: fc.nat({ max: 50 }),
  }),
  { minLength: 20, maxLength: 60 },
);

it('UPG-1: in any alternation of both releases nothing counts twice, nothing that ended counts, and the owner can log in', async () => {
  await fc.assert(
    fc.asyncProperty(moves, async (plan) => {
      const life = await beginLife(plan);
      for (const move of plan) await life.perform(move);
      await life.end();
    }),
    { numRuns: 30 * ROUNDS, endOnFailure: true },
  );
  // A plan in which everything is refused would prove nothing.
  for (const kind of new Set(kinds)) expect(counted.get(kind) ?? 0, kind).toBeGreaterThan(4);
}, 300_000);

/** How often each kind of move changed something. */
const counted = new Map<Move['kind'], number>();

/** A session that a flow issued. */
interface Given {
  state: SessionState;
  /** An operation has ended it. */
  ended: boolean;
  /** The device that it came from, as recorded by the present code. */
  deviceId?: string;
}

interface App {
  id: string;
  shows: VirtualAuthenticator;
  usedSteps: Set<number>;
  gone: boolean;
}

async function beginLife(plan: readonly Move[]) {
  const shared = memoryStorage();
  const place: Place = { storageOf: async () => shared, close: async () => undefined };
  const user = somebody(plan.length % 2 ? 'optional' : 'user');
  const pair = await createPair(place, { markEnrolled: (_userId, enrolled) => void Object.assign(user, { enrolled }) });
  const life = new Life(pair, user);
  // Users are enrolled most of the time.
  for (const kind of ['log in', 'enroll', 'confirm', 'wait'] as const)
    await life.perform({ kind, side: plan[0]?.side ?? 'old', one: 2, other: 0 });
  return life;
}

/** One user, what was issued to them, and the invariants. */
class Life {
  private sessions: Given[] = [];
  private apps: App[] = [];
  private pending: { id: string; uri: string; session: Given }[] = [];
  private codes: { code: string; used: boolean; ended: boolean }[] = [];
  private tokens: { token: string; deviceId: string }[] = [];
  private endedDevices = new Set<string>();
  private guesses: number[] = [];

  constructor(
    private readonly pair: Pair,
    private readonly user: User,
  ) {}

  async perform(move: Move): Promise<void> {
    const side = this.pair[move.side];
    const session = pick(this.sessions, move.one);
    switch (move.kind) {
      case 'wait':
        this.pair.clock.advance(waits[move.one % waits.length] ?? 0);
        count(move);
        break;
      case 'log in':
      case 'log in with a device':
        if (await this.logIn(side, move.kind === 'log in' ? undefined : pick(this.tokens, move.other))) count(move);
        break;
      case 'log in by token': {
        const { pendingToken } = await side.beginLogin({ user: this.user });
        const opened = pendingToken && (await this.pair[move.other % 2 ? 'old' : 'now'].openPendingToken(pendingToken));
        if (opened) this.give(opened);
        if (opened) count(move);
        break;
      }
      case 'verify':
        if (await this.verify(side, session, pick(this.apps, move.other), move.one)) count(move);
        break;
      case 'guess':
        if (await this.guess(side, session, move.other)) count(move);
        break;
      case 'recover':
        if (await this.recover(side, session, move.other)) count(move);
        break;
      case 'enroll': {
        const started = await side.startEnrollment({ user: this.user, session: session?.state });
        if (!started.ok || !started.enrollment) break;
        expect(session?.ended).toBe(false);
        const own = this.give(started);
        this.pending.push({ ...started.enrollment, session: own });
        count(move);
        break;
      }
      case 'add':
        // Random moves seldom add a second authenticator with a fresh proof, so do it here.
        for (const kind of ['wait', 'log in', 'verify', 'enroll', 'confirm'] as const) {
          await this.perform({ ...move, kind, one: kind === 'wait' ? 2 : 0, other: 0 });
          await this.perform({ ...move, kind: 'wait', one: 1, other: 0 });
        }
        count(move);
        return;
      case 'confirm':
        if (await this.confirm(side, pick(this.pending, move.one))) count(move);
        break;
      case 'remove': {
        const app = pick(this.apps, move.other);
        const removed = await side.removeAuthenticator({
          user: this.user,
          session: session?.state,
          authenticatorId: app?.id ?? '',
        });
        if (!removed.ok || !app) break;
        expect([session?.ended, app.gone]).toEqual([false, false]);
        app.gone = true;
        count(move);
        this.endSessions();
        this.give(removed);
        break;
      }
      case 'regenerate': {
        const made = await side.regenerateRecoveryCodes({ user: this.user, session: session?.state });
        if (!made.ok) break;
        expect(session?.ended).toBe(false);
        this.replaceCodes(made);
        count(move);
        break;
      }
      case 'revoke': {
        const device = pick(this.tokens, move.other);
        const revoked = await side.revokeDevice({ user: this.user, session: session?.state, deviceId: device?.deviceId ?? '' });
        if (revoked.ok && device) this.endedDevices.add(device.deviceId);
        if (revoked.ok) expect(session?.ended).toBe(false);
        if (revoked.ok && device) count(move);
        break;
      }
      case 'end all': {
        const ended = await side.endAllSessions({ user: this.user, session: session?.state });
        if (!ended.ok) break;
        expect(session?.ended).toBe(false);
        this.endSessions();
        this.give(ended);
        count(move);
        break;
      }
      case 'new password': {
        const keep = move.other % 2 ? session?.state : undefined;
        const changed = await side.passwordChanged({ userId: this.user.id, ...(keep && { keep }) });
        if (session?.ended) expect(changed.session).toBeUndefined();
        this.endSessions();
        if (changed.session) this.give(changed);
        count(move);
        break;
      }
      case 'reset':
        // Rare, because users would otherwise not stay enrolled.
        if (move.one > 10) break;
        await side.resetMfa({ userId: this.user.id, actor: 'support', reason: 'asked' });
        this.endSessions();
        for (const app of this.apps) app.gone = true;
        for (const code of this.codes) code.ended = true;
        count(move);
        break;
      case 'help':
        await side.clearLockout({ userId: this.user.id, actor: 'support', reason: 'asked' });
        this.guesses = [];
        count(move);
        break;
    }
    await this.look();
  }

  /** After any history the owner can log in at both releases a month later, or enrolls if nothing is enrolled. */
  async end(): Promise<void> {
    this.pair.clock.advance(40 * DAY);
    for (const side of [this.pair.old, this.pair.now, this.pair.old]) {
      this.pair.clock.advance(2 * MINUTE);
      const { session } = await side.beginLogin({ user: this.user });
      const [app] = this.apps.filter(({ gone }) => !gone);
      const user = this.user;
      const answer = app
        ? await side.verify({ user, session, code: app.shows.code(this.pair.clock.now()) })
        : await side.startEnrollment({ user, session });
      expect(answer.reason ?? 'ok', side.release.name).toBe('ok');
    }
  }

  private async logIn(side: Side, device: { token: string; deviceId: string } | undefined): Promise<boolean> {
    const begun = await side.beginLogin({ user: this.user, ...(device && { deviceToken: device.token }) });
    if (begun.decision.via === 'remembered-device') expect(this.endedDevices.has(device?.deviceId ?? '')).toBe(false);
    this.keepToken(begun);
    this.give(begun);
    return device === undefined || begun.decision.via === 'remembered-device';
  }

  private async verify(side: Side, session: Given | undefined, app: App | undefined, salt: number): Promise<boolean> {
    const now = this.pair.clock.now();
    // Usually a code of the window.
    const at = now + ([0, 1, -1, 2, -2][salt % 5] ?? 0) * 30_000;
    const step = Math.floor(at / 30_000);
    const code = app?.shows.code(at) ?? '123456';
    const shown = pick(this.tokens, salt);
    const answer = await side.verify({
      user: this.user,
      session: session?.state,
      code,
      ...(salt % 3 ? { rememberDevice: true, deviceLabel: 'Firefox' } : {}),
      ...(salt % 2 && shown ? { deviceToken: shown.token } : {}),
    });
    if (answer.reason === 'invalid_code' && !(salt % 2 && shown)) this.guesses.push(now);
    if (!answer.ok || !app) return false;
    expect([isEndedLogin(session), app.gone, app.usedSteps.has(step)]).toEqual([false, false, false]);
    expect(Math.abs(step - Math.floor(now / 30_000))).toBeLessThanOrEqual(1);
    for (const known of this.apps) {
      for (const near of [-1, 0, 1])
        if (known.shows.code(now + near * 30_000) === code) known.usedSteps.add(Math.floor(now / 30_000) + near);
    }
    this.keepToken(answer);
    this.give(answer);
    return true;
  }

  private async guess(side: Side, session: Given | undefined, salt: number): Promise<boolean> {
    const now = this.pair.clock.now();
    const code = wrongCode(
      this.apps.map(({ shows }) => shows),
      now,
      salt * 1000,
    );
    const answer = await side.verify({ user: this.user, session: session?.state, code });
    expect(answer.ok).toBe(false);
    if (answer.reason === 'invalid_code') this.guesses.push(now);
    // The bucket is for the whole account, so the rate holds regardless of the release.
    const recent = this.guesses.filter((at) => at > now - 30 * DAY);
    expect(recent.length).toBeLessThanOrEqual(100);
    return answer.reason === 'invalid_code';
  }

  private async recover(side: Side, session: Given | undefined, salt: number): Promise<boolean> {
    const chosen = pick(this.codes, salt);
    const recoveryCode = chosen?.code ?? '0000-0000-0000-0000-0000-0000';
    const answer = await side.verify({ user: this.user, session: session?.state, recoveryCode });
    if (!answer.ok || !chosen) return false;
    expect([isEndedLogin(session), chosen.used, chosen.ended]).toEqual([false, false, false]);
    chosen.used = true;
    this.give(answer);
    return true;
  }

  private async confirm(side: Side, pending: { id: string; uri: string; session: Given } | undefined): Promise<boolean> {
    if (!pending) return false;
    const shows = createAuthenticator(pending.uri);
    const now = this.pair.clock.now();
    const confirmed = await side.confirmEnrollment({
      user: this.user,
      session: pending.session.state,
      enrollmentId: pending.id,
      code: shows.code(now),
    });
    if (!confirmed.ok) return false;
    expect(pending.session.ended).toBe(false);
    const step = Math.floor(now / 30_000);
    this.apps.push({ id: confirmed.authenticator?.id ?? '', shows, usedSteps: new Set([step]), gone: false });
    if (confirmed.recoveryCodes) this.replaceCodes(confirmed);
    this.give(confirmed);
    return true;
  }

  /** What both releases say now about everything that was issued. */
  private async look(): Promise<void> {
    const { pair, user } = this;
    const [old, now] = [await statusOf(pair.old, user), await statusOf(pair.now, user)];
    for (const field of ['enrolled', 'authenticators', 'recoveryCodesLeft'] as const)
      expect(now[field], field).toEqual(old[field]);
    // Release 1 charges one try for each authenticator (F25).
    if (old.authenticators.length < 2) expect(now.waitSeconds).toBe(old.waitSeconds);
    expect(now.waitSeconds).toBeLessThanOrEqual(old.waitSeconds);
    expect(now.devices.map(({ id }) => id)).toEqual(old.devices.map(({ id }) => id));
    expect(now.authenticators.map(({ id }) => id).sort()).toEqual(
      this.apps
        .filter(({ gone }) => !gone)
        .map(({ id }) => id)
        .sort(),
    );
    for (const given of this.sessions.slice(-6)) {
      const said = await access(pair, user, given.state);
      if (given.ended) expect(said.old.startsWith('allow') || said.now.startsWith('allow')).toBe(false);
      // The present code also ends the sessions that came from a device that ended, by hand or because its token was used twice (F17).
      else if (said.old !== said.now) expect(now.devices.map(({ id }) => id)).not.toContain(given.deviceId);
    }
  }

  private give(answer: Pick<Answer, 'session' | 'device'>): Given {
    const state = throughStore(answer.session) as SessionState;
    const given: Given = { state, ended: false };
    const deviceId = answer.device?.deviceId ?? state?.assurance?.deviceId;
    if (deviceId !== undefined) given.deviceId = deviceId;
    if (state) this.sessions.push(given);
    return given;
  }

  private keepToken({ device }: Pick<Answer, 'device'>): void {
    if (device) this.tokens.push({ token: device.token, deviceId: device.deviceId });
  }

  private endSessions(): void {
    for (const session of this.sessions) session.ended = true;
  }

  private replaceCodes({ recoveryCodes = [] }: Answer): void {
    for (const code of this.codes) code.ended = true;
    this.codes.push(...recoveryCodes.map((code) => ({ code, used: false, ended: false })));
  }
}

/** A login that has ended cannot be proven. A proof that has ended is challenged, and may be given again. */
function isEndedLogin(session: Given | undefined): boolean {
  return session?.ended === true && session.state.state === 'pending';
}

function count({ kind }: Move): void {
  counted.set(kind, (counted.get(kind) ?? 0) + 1);
}

function pick<One>(from: readonly One[], choice: number): One | undefined {
  // Uses the newest, as people do.
  return from[from.length - 1 - (choice % Math.max(Math.min(from.length, 5), 1))];
}
