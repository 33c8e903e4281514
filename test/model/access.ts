import { SECOND } from '../support/core-fixture.js';
import { isRemembered } from './browsers.js';
import type { Answer, Facts, Session, State } from './state.js';

const MINUTE = 60 * SECOND;

/** Returns why this session is refused, or null. */
export function refusalOf(state: State, session: Session | undefined, now: number): Answer | null {
  if (!session) return { said: 'login_again' };
  if (session.state === 'pending') {
    if (!state.exists || session.epoch !== state.epoch) return { said: 'login_again' };
    const { token } = session;
    if (token && (token.expiresAt + MINUTE <= now || state.usedTokens.has(token.name))) return { said: 'pending_token_invalid' };
  }
  return state.exists ? null : { said: 'login_again' };
}

/** Managing requires a proof in the last five minutes. */
export function refusalToManage(state: State, session: Session | undefined, now: number): Answer | null {
  const closed = refusalOf(state, session, now);
  if (closed) return closed;
  if (state.apps.length === 0) return { said: 'not_enrolled' };
  return isFresh(state, session, 5 * MINUTE, now) ? null : { said: 'assurance_required' };
}

/** Whether the proof of the session still counts: it is of this epoch, and not from a device that has ended. */
export function isInForce(state: State, session: Extract<Session, { state: 'verified' }>): boolean {
  return session.epoch === state.epoch && !(session.device !== undefined && state.ended.has(session.device));
}

/** Whether the session has a proof that still counts and is not older than `maxAge`. */
export function isFresh(state: State, session: Session | undefined, maxAge: number, now: number): boolean {
  if (session?.state !== 'verified' || !isInForce(state, session) || session.via === 'remembered-device') return false;
  return session.verifiedAt <= now + MINUTE && now - session.verifiedAt <= maxAge;
}

/** The guard's decision for a session. */
export function accessOf(state: State, session: Session | undefined, { mfa, now }: Pick<Facts, 'mfa' | 'now'>): string {
  if (!session) return 'login-again';
  if (session.state === 'pending' && session.epoch !== state.epoch) return 'login-again';
  if (state.apps.length === 0) {
    if (session.state === 'verified' && !isInForce(state, session)) return 'login-again';
    return mfa === 'optional' ? 'allow: not-required' : 'enroll';
  }
  if (session.state !== 'verified') return 'challenge: missing';
  if (!isInForce(state, session)) return 'challenge: revoked';
  if (session.verifiedAt > now + MINUTE) return 'challenge: missing';
  if (session.via === 'remembered-device') {
    const device = state.devices.find(({ name }) => name === session.device);
    if (!device?.remembered) return 'challenge: revoked';
    if (!isRemembered(device, now)) return 'challenge: expired';
  }
  return `allow: ${session.via}`;
}
