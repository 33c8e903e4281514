import { type MfaSession, sessionUserId } from '../assurance.js';
import { MfaError } from '../errors.js';
import type { EventContext } from '../events.js';
import { checkUserId } from '../host-input.js';
import type { MfaUser } from '../options.js';
import { giveTriesBack, guessCost } from '../policy/lockout.js';
import type { Decision } from '../profile/change-profile.js';
import { newProfile, type Profile, withNewEpoch } from '../profile/profile.js';
import type { Refusal, Result } from '../results.js';
import { codeAuthenticators } from './check-code.js';
import { beginOperation, type FlowContext, isRefusal, tellHost } from './flow.js';
import { inEpoch } from './manage.js';

/** An operation of support staff: who does it and why, for the audit trail. */
export interface Administering {
  userId: string;
  actor: string;
  reason: string;
  context?: EventContext;
}

type Done = { ok: true } | Refusal;

/** The host changed the password: all state given out before is worth nothing, but the acting session's if it is kept. */
export async function passwordChanged<User extends MfaUser>(
  flow: FlowContext<User>,
  input: { userId: string; keep?: MfaSession; context?: EventContext },
): Promise<Result<{ session?: MfaSession }>> {
  const { userId, keep, context } = input;
  checkUserId(userId);
  const operation = beginOperation(flow, { name: 'password_changed', userId, context });
  const own = keep && sessionUserId(keep) === userId ? keep : undefined;
  const answer = await flow.profiles.change<Result<{ session?: MfaSession }>>(userId, operation.report, (profile) => {
    operation.noteEnrolled(profile);
    if (!profile) return { answer: { ok: true } };
    const next = withNewEpoch(profile);
    // Only a state that is in force now is carried over.
    const current = own && (own.state === 'pending' ? own.epoch : own.assurance.epoch) === profile.epoch;
    return {
      answer: { ok: true, ...(current ? { session: inEpoch(own, next) } : {}) },
      next,
      events: [{ name: 'sessions_ended', because: 'password_changed' }],
    };
  });
  return operation.end(answer);
}

/** The account is gone: removes everything that is known, readable or not. */
export async function forgetUser<User extends MfaUser>(
  flow: FlowContext<User>,
  { userId, context }: { userId: string; context?: EventContext },
): Promise<Result> {
  checkUserId(userId);
  const operation = beginOperation(flow, { name: 'forget_user', userId, context });
  const forget = (): Decision<Done> => ({ answer: { ok: true }, next: 'remove', events: [{ name: 'user_forgotten' }] });
  return operation.end(await flow.profiles.change<Done>(userId, operation.report, forget, forget));
}

/**
 * Support removes what the user lost: authenticators, recovery codes, devices. The record stays, in a new epoch, with what was
 * counted against the user; the next login enrolls again. Works on a record that does not open.
 */
export async function resetMfa<User extends MfaUser>(flow: FlowContext<User>, input: Administering): Promise<Result> {
  const { userId, context } = input;
  const { actor, reason } = checkAccount('resetMfa', input);
  const operation = beginOperation(flow, { name: 'reset_mfa', userId, context });
  const reset = (profile: Profile | null, now: number): Decision<Done> => {
    const next = { ...emptied(profile ?? newProfile()), unenrolledAt: now };
    operation.noteEnrolled(next);
    return { answer: { ok: true }, next, events: [{ name: 'mfa_reset', actor, reason }] };
  };
  const answer = await flow.profiles.change<Done>(userId, operation.report, reset, reset);
  if (!isRefusal(answer)) await tellHost(flow, userId, false, operation.report);
  return operation.end(answer);
}

/** Support gives five tries back at every budget. The count of the last 30 days otherwise stays. */
export async function clearLockout<User extends MfaUser>(flow: FlowContext<User>, input: Administering): Promise<Result> {
  const { userId, context } = input;
  const { actor, reason } = checkAccount('clearLockout', input);
  const operation = beginOperation(flow, { name: 'clear_lockout', userId, context });
  const answer = await flow.profiles.change<Done>(userId, operation.report, (profile, now) => {
    operation.noteEnrolled(profile);
    if (!profile) return { answer: { ok: true } };
    const cost = guessCost(codeAuthenticators(profile));
    const devices = profile.devices.map((device) => ({ ...device, budget: giveTriesBack(device.budget, cost, now) }));
    const next = { ...profile, devices, budget: giveTriesBack(profile.budget, cost, now), recoveryTries: { since: 0, count: 0 } };
    return { answer: { ok: true }, next, events: [{ name: 'lockout_cleared', actor, reason }] };
  });
  return operation.end(answer);
}

function emptied(profile: Profile): Profile {
  return { ...withNewEpoch(profile), authenticators: [], recoveryCodes: null, devices: [], enrollmentStarts: [] };
}

function checkAccount(method: string, input: Administering): { actor: string; reason: string } {
  checkUserId(input.userId);
  for (const name of ['actor', 'reason'] as const) {
    if (typeof input[name] !== 'string' || input[name].trim() === '') {
      throw new MfaError('invalid_argument', `${method} needs "${name}", for the audit trail.`);
    }
  }
  return { actor: input.actor, reason: input.reason };
}
