// (iv) Core alone, without HTTP: a terminal, a queue worker, another framework.
import {
  type AccessDecision,
  createMfa,
  type Mfa,
  MfaError,
  type MfaEvent,
  type MfaSession,
  type MfaStorage,
} from '@mfa-kit/core';
import { type HostUser, setMfaEnrolled } from './accounts.js';

export interface HostSinks {
  audit(event: MfaEvent): void;
  mail(text: string): Promise<void>;
}

export function createHostMfa(storage: MfaStorage, secret: string, sinks: HostSinks, clock?: () => number): Mfa<HostUser> {
  return createMfa<HostUser>({
    issuer: (user) => (user.role === 'owner' ? 'Acme (owner)' : 'Acme'),
    keys: [{ id: '2026-11', secret }],
    storage,
    policy: async (user) => ({ mfa: user.role === 'owner' ? 'required' : 'optional' }),
    markEnrolled: setMfaEnrolled,
    rememberDevice: { days: 14 },
    recoveryCodes: { count: 8, lowAt: 2 },
    revocationDelaySeconds: 5,
    onEvent: (event) => sinks.audit(event),
    notify: (notice) => sinks.mail(describe(notice)),
    ...(clock ? { clock } : {}),
  });
}

/** One login from the right password to access. `ask` stands for the code that talks to the user. */
export async function logIn(mfa: Mfa<HostUser>, user: HostUser, ask: (question: string) => Promise<string>): Promise<MfaSession> {
  const login = await mfa.beginLogin({ user });
  switch (login.decision.access) {
    case 'allow':
      return present(login.session);
    case 'enroll':
      return enroll(mfa, user, present(login.session), ask);
    case 'challenge': {
      const code = await ask('Code');
      const verified = await mfa.verify({ user, session: login.session, proof: { kind: 'totp', code } });
      if (!verified.ok) throw new Error(`refused: ${verified.reason}`);
      return verified.session;
    }
    case 'login-again':
    case 'refuse':
    case 'unavailable':
      throw new Error(login.decision.access);
  }
}

async function enroll(
  mfa: Mfa<HostUser>,
  user: HostUser,
  session: MfaSession,
  ask: (question: string) => Promise<string>,
): Promise<MfaSession> {
  const started = await mfa.startEnrollment({ user, session, name: 'Phone' });
  if (!started.ok) throw new Error(`refused: ${started.reason}`);
  const code = await ask(started.enrollment.manualKey);
  const confirmed = await mfa.confirmEnrollment({
    user,
    session: started.session,
    enrollmentId: started.enrollment.id,
    proof: { kind: 'totp', code },
  });
  if (!confirmed.ok) throw new Error(`refused: ${confirmed.reason}`);
  return confirmed.session;
}

/** The guard of a sensitive operation. */
export async function mayPayOut(mfa: Mfa<HostUser>, user: HostUser, session: MfaSession | undefined): Promise<boolean> {
  const decision: AccessDecision = await mfa.checkAccess({ user, session, requirement: { maxAgeSeconds: 300 } });
  return decision.access === 'allow';
}

/** What support staff calls. A call that failed throws, so that it cannot be mistaken for done. */
export async function helpLostPhone(mfa: Mfa<HostUser>, userId: string, actor: string): Promise<string> {
  const reason = 'lost phone, identity checked';
  try {
    await mfa.resetMfa({ userId, actor, reason });
    await mfa.clearLockout({ userId, actor, reason });
    return 'done';
  } catch (error) {
    if (error instanceof MfaError && error.code === 'not_done') return error.code;
    throw error;
  }
}

/** Wrong options are the programmer's mistake, and throw at start with a code. */
export function optionError(build: () => unknown): string {
  try {
    build();
    return 'none';
  } catch (error) {
    if (error instanceof MfaError) return error.code;
    throw error;
  }
}

/** `switch` over the name narrows an event. */
function describe(event: MfaEvent): string {
  switch (event.name) {
    case 'authenticator_enrolled':
      return `${event.userId} enrolled ${event.authenticatorId}`;
    case 'recovery_code_used':
      return `${event.userId} has ${event.recoveryCodesLeft} recovery codes left`;
    default:
      return `${event.userId}: ${event.name}`;
  }
}

function present(session: MfaSession | undefined): MfaSession {
  if (!session) throw new Error('a login that continues has a session');
  return session;
}
