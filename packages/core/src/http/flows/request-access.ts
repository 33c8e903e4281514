import type { AccessDecision, Requirement } from '../../assurance.js';
import type { MfaUser } from '../../options.js';
import type { HttpKit } from '../http-kit.js';
import type { RequestIdentity, RequestState } from '../session/request-identity.js';
import { warnOfNoState } from '../set-up-warnings.js';

/** The result of a login bound to a request. */
export interface RequestLogin {
  decision: AccessDecision;
  /** For clients without a session. */
  pendingToken?: string;
  /** The rotated token of a client that keeps it itself (it sent the header `MFA-Device`). */
  deviceToken?: string;
}

/** When a client may ask again if a callback of the host was late, or the session store did not take the state. */
export const LATE_RETRY_SECONDS = 5;

/** Asks whether the user may pass. Begins the login first if the host forgot to begin it. */
export async function checkAccess<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  state: RequestState<User, Request>,
  requirement: Requirement,
): Promise<AccessDecision> {
  const decision = await askAccess(kit, state.identity, requirement);
  // A bearer token without MFA facts keeps no state, so there is no login to begin.
  if (decision.access !== 'login-again' || !state.user || state.session || !state.hasSession) return decision;
  const begun = await beginMissingLogin(kit, state);
  return begun && !state.session ? begun : askAccess(kit, state.identity, requirement);
}

/** Asks whether this user may pass, and changes nothing. */
export async function askAccess<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  { user, session, context, port, late }: RequestIdentity<User>,
  requirement: Requirement,
): Promise<AccessDecision> {
  if (late) return { access: 'unavailable', retryAfterSeconds: LATE_RETRY_SECONDS };
  if (!user) return { access: 'login-again' };
  return kit.mfa.settings.askAccess({ user, session, context, requirement, firstFactorProven: port === null });
}

/**
 * Asks again for a guard if the session holds no state, because the host began no login for it. Writes nothing, so that a request in
 * flight cannot bring back a session that has ended meanwhile. The kit's own pages begin the login.
 */
export async function askWithoutState<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  state: RequestState<User, Request>,
  { requirement, decision }: { requirement: Requirement; decision: AccessDecision },
): Promise<AccessDecision> {
  const { user, session, context } = state;
  if (decision.access !== 'login-again' || !user || session || !state.hasSession) return decision;
  const asked = await kit.mfa.checkAccess({ user, session: undefined, context, requirement, firstFactorProven: true });
  if (asked.access !== 'unavailable') warnOfNoState(kit, state.stored);
  return asked;
}

/**
 * Begins the login that the host forgot to begin, so that a user whose session has no state is asked for a proof. Returns the decision
 * only if a login was begun, or if MFA is off.
 */
export async function beginMissingLogin<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  state: RequestState<User, Request>,
): Promise<AccessDecision | undefined> {
  const { user } = state;
  if (!user || state.session) return undefined;
  const { stored, context } = state;
  // If MFA is off, there is no login to begin. For all other users a session without state decides nothing.
  const asked = await kit.mfa.checkAccess({ user, session: undefined, context, requirement: {}, firstFactorProven: false });
  if (asked.access === 'allow') return asked;
  // It is unknown when the password was checked, so a first enrollment will require a new login.
  const { decision } = await beginAndSaveLogin(state, { mfa: kit.mfa, user, renew: false, loggedInAt: 0 });
  // While the storage is down no login leaves state behind, and that has a warning of its own.
  if (state.hasSession && decision.access !== 'unavailable') warnOfNoState(kit, stored);
  return decision;
}

/** Begins a login and saves its outcome where the request's state is kept. */
export async function beginAndSaveLogin<User extends MfaUser, Request>(
  state: RequestState<User, Request>,
  { mfa, user, renew, loggedInAt }: { mfa: HttpKit<User>['mfa']; user: User; renew: boolean; loggedInAt?: number | undefined },
): Promise<RequestLogin> {
  const begun = await mfa.beginLogin({
    user,
    context: state.context,
    loggedInAt,
    // Without a session to keep the outcome, each request would rotate the device's token again.
    deviceToken: state.hasSession || renew ? state.deviceTokens() : undefined,
  });
  const { decision, session, device, pendingToken } = begun;
  if (!(await state.saveState(session, { renew: renew || session?.state === 'verified' }))) {
    return { decision: { access: 'unavailable', retryAfterSeconds: LATE_RETRY_SECONDS } };
  }
  const deviceToken = state.sendDeviceToken(device);
  return { decision, ...(pendingToken !== undefined && { pendingToken }), ...(deviceToken !== undefined && { deviceToken }) };
}
