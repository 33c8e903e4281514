import type { MfaSession } from '../assurance.js';
import { randomBytes, randomId } from '../crypto/random.js';
import { MfaError } from '../errors.js';
import {
  ENROLLABLE,
  type EnrollableFactor,
  type EnrollableKind,
  type Enrollment,
  enrollableFactor,
} from '../factors/registry.js';
import { readUser } from '../host-input.js';
import type { MfaUser } from '../options.js';
import { isFresh, MANAGEMENT_MAX_AGE_SECONDS } from '../policy/requirement.js';
import type { PendingEnrollment } from '../profile/enrollment.js';
import { isEnrolled, isInForce, type Profile, tidyName } from '../profile/profile.js';
import { type Refusal, type Result, refuse } from '../results.js';
import type { Decision } from '../store/profile-store.js';
import { CLOCK_TOLERANCE_MS, HOUR, MINUTE } from '../time.js';
import { actingFlow } from './steps/acting-flow.js';
import { countGuessable } from './steps/check-proof.js';
import { type FlowContext, type FlowInput, stateOf } from './steps/flow-context.js';
import { assuranceRequired, type Gate, type GateInput, stateGate } from './steps/gate.js';
import { CALLBACK_LATE } from './steps/host-callback.js';
import { beginOperation } from './steps/operation.js';
import { policyOf } from './steps/user-policy.js';

const PENDING_MS = 10 * MINUTE;
const MAX_PENDING = 3;
const MAX_STARTS = 10;
/** Each authenticator accepts three codes at a time, so the odds of a guess grow with their number. */
const MAX_TRIED_BY_CODE = 5;

interface Started {
  ok: true;
  pending: PendingEnrollment;
  session: MfaSession;
}

/**
 * Starts an enrollment. It has no effect until it is confirmed, and the active authenticators stay as they are.
 *
 * A user with an authenticator needs a second factor verified within the last five minutes. A first enrollment needs a fresh login.
 */
export function startEnrollment<User extends MfaUser, Kind extends EnrollableKind>(
  flow: FlowContext<User>,
  input: FlowInput<User> & { kind?: Kind | undefined; name?: string | undefined },
): Promise<Result<{ enrollment: Enrollment<Kind>; session: MfaSession }>> {
  return actingFlow(flow, input, 'start_enrollment', ({ user, session }) => {
    const factor = enrollable(input.kind);
    // Computed before anything is stored, because `issuer` of the host may throw.
    const account = { issuer: flow.options.issuerFor(input.user), name: user.name };
    return {
      gate: (at) => startGate(at, flow.options.freshLoginSeconds),
      decide({ profile }, { now }): Decision<Started | Refusal> {
        const limit = startLimit(profile, now);
        if (limit) return { answer: limit };
        const pending = newEnrollment(factor, profile, session, input.name, now);
        return {
          answer: { ok: true, pending, session: withEnrollment(session, pending.id) },
          next: withPending(profile, session, pending, now),
          events: [{ name: 'enrollment_started', enrollmentId: pending.id }],
        };
      },
      answer: (started: Started) => ({
        ok: true,
        enrollment: showEnrollment<Kind>(account, started.pending),
        session: started.session,
      }),
    };
  });
}

/** Shows a pending enrollment again, but only to the session that began it. */
export async function currentEnrollment<User extends MfaUser>(
  flow: FlowContext<User>,
  input: FlowInput<User>,
): Promise<Result<{ enrollment: Enrollment }>> {
  const { user: given, context } = input;
  const user = readUser(given, flow.options.warn);
  const operation = beginOperation(flow, { name: 'current_enrollment', userId: user.id, context });
  const session = stateOf(user.id, input.session);
  if (!session) return operation.end(refuse('login_again'));
  const policy = await policyOf(flow.options, given, context, operation.left);
  if (!policy) return operation.end(CALLBACK_LATE);
  const read = await flow.profiles.read(user.id, operation.report, operation.left);
  if (!read.ok) return operation.end(read);
  const now = flow.options.clock();
  const gate = startGate({ user, policy, session, profile: read.profile, now }, flow.options.freshLoginSeconds);
  if (!gate.open) {
    for (const event of gate.events ?? []) operation.report(event);
    return operation.end(gate.refusal);
  }
  // A later version may have started one of a kind that this version cannot show.
  const mine = gate.profile.enrollments.filter(
    (pending) => isOpen(pending, now) && isOwn(pending, session) && enrollableFactor(pending.kind),
  );
  const newest = mine.sort((a, b) => b.startedAt - a.startedAt)[0];
  // No event, because the set-up page asks each time it is opened.
  if (!newest) return refuse('enrollment_expired');
  const enrollment = showEnrollment({ issuer: flow.options.issuerFor(given), name: user.name }, newest);
  operation.noteEnrolled(gate.profile);
  operation.report({ name: 'enrollment_shown', enrollmentId: newest.id });
  return operation.end({ ok: true, enrollment });
}

/** Drops a pending enrollment of this session, if there is one. */
export function cancelEnrollment<User extends MfaUser>(
  flow: FlowContext<User>,
  input: FlowInput<User> & { enrollmentId: string },
): Promise<Result<{ session: MfaSession }>> {
  const { enrollmentId } = input;
  return actingFlow(flow, input, 'cancel_enrollment', ({ session }) => ({
    gate: stateGate,
    decide({ profile }): Decision<{ ok: true; session: MfaSession }> {
      // A session whose proof was revoked has no enrollments.
      const counts = session.state === 'pending' || isInForce(session.assurance, profile);
      const enrollments = profile.enrollments.filter(
        (pending) => pending.id !== enrollmentId || !counts || !isOwn(pending, session),
      );
      const answer = { ok: true as const, session };
      if (enrollments.length === profile.enrollments.length) return { answer };
      return { answer, next: { ...profile, enrollments }, events: [{ name: 'enrollment_canceled', enrollmentId }] };
    },
    answer: (done: { ok: true; session: MfaSession }) => done,
  }));
}

/** Whether the session (or the pending token) began this enrollment. */
export function isOwn(pending: PendingEnrollment, session: MfaSession): boolean {
  if (session.enrollmentIds?.includes(pending.id)) return true;
  return session.state === 'pending' && session.token !== undefined && session.token.id === pending.tokenId;
}

/** Whether it can still be confirmed. An expiry further ahead than we ever set means that the clock moved back, so it counts as expired. */
export function isOpen(pending: PendingEnrollment, now: number): boolean {
  return now < pending.expiresAt && pending.expiresAt - now <= PENDING_MS + CLOCK_TOLERANCE_MS;
}

/** Whether the user has the maximum number of authenticators. Users who have more from release 1 keep them but cannot add any. */
export function isFull(profile: Profile): boolean {
  return countGuessable(profile) >= MAX_TRIED_BY_CODE;
}

/** Whether this state may add a first authenticator: a fresh login, or a proof that still counts. */
function isFreshLogin({ session, now }: GateInput, profile: Profile, freshLoginSeconds: number): boolean {
  if (session.state === 'verified') return isFresh(session.assurance, profile, freshLoginSeconds, now);
  const age = now - session.since;
  return age <= freshLoginSeconds * 1000 && age >= -CLOCK_TOLERANCE_MS;
}

function startGate(at: GateInput, freshLoginSeconds: number): Gate {
  const { policy, session, now } = at;
  const gate = stateGate(at);
  if (!gate.open) return gate;
  if (!policy.mayEnroll) return { open: false, refusal: refuse('not_allowed') };
  if (isEnrolled(gate.profile)) {
    const fresh = session.state === 'verified' && isFresh(session.assurance, gate.profile, MANAGEMENT_MAX_AGE_SECONDS, now);
    return fresh ? gate : { open: false, refusal: assuranceRequired() };
  }
  return isFreshLogin(at, gate.profile, freshLoginSeconds) ? gate : { open: false, refusal: refuse('login_again') };
}

function startLimit(profile: Profile, now: number): Refusal | null {
  if (isFull(profile)) return refuse('limit_reached');
  const starts = recentStarts(profile, now);
  if (starts.length < MAX_STARTS) return null;
  return refuse('limit_reached', { retryAfterSeconds: Math.ceil((Math.min(...starts) + HOUR - now) / 1000) });
}

function recentStarts(profile: Profile, now: number): number[] {
  return profile.enrollmentStarts.filter((start) => start > now - HOUR && start <= now + CLOCK_TOLERANCE_MS);
}

function enrollable(kind?: unknown): EnrollableFactor {
  const factor = enrollableFactor(kind);
  if (factor) return factor;
  const kinds = ENROLLABLE.map((one) => `"${one.kind}"`).join(' or ');
  throw new MfaError(
    'invalid_argument',
    `startEnrollment: an authenticator of this kind cannot be set up. Leave kind out, or use ${kinds}.`,
  );
}

function newEnrollment(
  { kind, enroll }: EnrollableFactor,
  profile: Profile,
  session: MfaSession,
  name: string | undefined,
  now: number,
): PendingEnrollment {
  const count = profile.authenticators.length;
  const tokenId = session.state === 'pending' ? session.token?.id : undefined;
  return {
    id: randomId(),
    kind,
    name: tidyName(name ?? '', count === 0 ? enroll.defaultName : `${enroll.defaultName} ${count + 1}`),
    startedAt: now,
    expiresAt: now + PENDING_MS,
    steppedUp: isEnrolled(profile),
    ...(tokenId === undefined ? {} : { tokenId }),
    data: enroll.begin(randomBytes),
  };
}

/** Keeps one enrollment for each session by dropping its earlier one. If there are too many, drops the oldest of other sessions. */
function withPending(profile: Profile, session: MfaSession, pending: PendingEnrollment, now: number): Profile {
  const others = profile.enrollments.filter((candidate) => isOpen(candidate, now) && !isOwn(candidate, session));
  return {
    ...profile,
    enrollments: [...others.slice(-(MAX_PENDING - 1)), pending],
    enrollmentStarts: [...recentStarts(profile, now), now],
  };
}

function withEnrollment(session: MfaSession, enrollmentId: string): MfaSession {
  return { ...session, enrollmentIds: [...(session.enrollmentIds ?? []).slice(-(MAX_PENDING - 1)), enrollmentId] };
}

function showEnrollment<Kind extends EnrollableKind>(
  account: { issuer: string; name: string },
  pending: PendingEnrollment,
): Enrollment<Kind> {
  const { id, kind, expiresAt, data } = pending;
  const shown = enrollable(kind).enroll.show(data, account) as object;
  return { id, kind, expiresAt, ...shown } as Enrollment<Kind>;
}
