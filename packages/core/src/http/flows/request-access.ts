import type { AccessDecision, Requirement } from '../../assurance.js';
import { type Awaitable, andThen } from '../../awaitable.js';
import type { MfaUser } from '../../options.js';
import type { HttpKit } from '../http-kit.js';
import type { RequestState } from '../session/request-identity.js';

/** What a login bound to a request gives. */
export interface RequestLogin {
  decision: AccessDecision;
  /** For clients without a session. */
  pendingToken?: string;
  /** The rotated token of a client that keeps it itself (it sent the header `MFA-Device`). */
  deviceToken?: string;
}

/** When to ask again after a callback of the host was late. */
export const LATE_RETRY_SECONDS = 5;

/** The guard's question, for the state of one request; a login that the host forgot to begin is begun. */
export function askAccess<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  state: RequestState<User>,
  requirement: Requirement,
): Awaitable<AccessDecision> {
  return andThen(askOnce(kit, state, requirement), (decision) => askAgain(kit, state, { requirement, decision }));
}

/** The question as it stands, of who acts. */
export function askOnce<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  { user, session, context, keepsState, late }: Pick<RequestState<User>, 'user' | 'session' | 'context' | 'keepsState' | 'late'>,
  requirement: Requirement,
): Awaitable<AccessDecision> {
  if (late) return { access: 'unavailable', retryAfterSeconds: LATE_RETRY_SECONDS };
  if (!user) return { access: 'login-again' };
  return kit.mfa.settings.checkAccess({ user, session, context, requirement, firstFactorProven: !keepsState });
}

/** What was decided, or what is once a login was begun for a session without state. */
export function askAgain<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  state: RequestState<User>,
  { requirement, decision }: { requirement: Requirement; decision: AccessDecision },
): Awaitable<AccessDecision> {
  // A bearer token without MFA facts: nothing is kept for it, so there is no login to begin.
  if (decision.access !== 'login-again' || !state.user || state.session || !state.keepsState) return decision;
  return andThen(ensureState(kit, state), (begun) => (begun && !state.session ? begun : askOnce(kit, state, requirement)));
}

/**
 * The question where the session holds no state, because the host began no login for it, as a guard may ask it: nothing is written, so
 * that a request in flight cannot bring a session back that has ended meanwhile. The kit's own pages begin the login.
 */
export function askWithoutState<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  state: RequestState<User>,
  { requirement, decision }: { requirement: Requirement; decision: AccessDecision },
): Awaitable<AccessDecision> {
  const { user, session, context } = state;
  if (decision.access !== 'login-again' || !user || session || !state.keepsState) return decision;
  return andThen(
    kit.mfa.settings.checkAccess({ user, session: undefined, context, requirement, firstFactorProven: true }),
    (asked) => {
      if (asked.access !== 'unavailable') warnOfNoState(kit, state.stored);
      return asked;
    },
  );
}

const CALL_BEGIN_LOGIN =
  "Begin the login right after the password was right and req.logIn() has renewed the session, for the person that the option user gives: in Express by app.post('/login', passport.authenticate('local'), beginLogin, ...), in Nest by \"await (await mfaHttp.for(request, reply)).beginLogin()\".";

/** What to do, by what the session held in place of the state. */
const NO_STATE: Record<RequestState<MfaUser>['stored'], string> = {
  nothing: `A session had no MFA state of its user at its first guarded request. Either your login does not begin it, or the session is older than this deployment, the storage was away at its login, or the session store lost what was saved (docs/rollout.md). In the first case, change your login. ${CALL_BEGIN_LOGIN}`,
  other_user: `A session had the MFA state of another user than the one that the option user gives, so it had no MFA state of its user. Let the option user give the person who logged in, also while somebody is impersonated. ${CALL_BEGIN_LOGIN}`,
  foreign: `A session held something else where its MFA state belongs, so it had no MFA state of its user. If your application uses req.session.mfa itself, rename that field, or keep the state elsewhere by the option session: { read, write }. ${CALL_BEGIN_LOGIN}`,
};

/**
 * Begins the login that the host forgot to begin, so that a session without state is asked rather than lost. The decision
 * is returned only when a login was begun.
 */
export async function ensureState<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  state: RequestState<User>,
): Promise<AccessDecision | undefined> {
  const { user } = state;
  if (!user || state.session) return undefined;
  const { stored, context } = state;
  // Where MFA is off there is no login to begin. For anybody else a session without state decides nothing.
  const asked = await kit.mfa.settings.checkAccess({
    user,
    session: undefined,
    context,
    requirement: {},
    firstFactorProven: false,
  });
  if (asked.access === 'allow') return asked;
  // When the password was right is not known: a first enrollment then asks for a new login.
  const { decision } = await loginNow(state, { mfa: kit.mfa, user, renew: false, loggedInAt: 0 });
  // While the storage is away no login leaves state behind, and that has a warning of its own.
  if (state.keepsState && decision.access !== 'unavailable') warnOfNoState(kit, stored);
  return decision;
}

function warnOfNoState(kit: Pick<HttpKit, 'warn'>, stored: RequestState<MfaUser>['stored']): void {
  kit.warn('MFA_KIT_NO_BEGIN_LOGIN', NO_STATE[stored]);
}

/** Begins a login and keeps its outcome where the request's state is kept. */
export async function loginNow<User extends MfaUser>(
  state: RequestState<User>,
  input: { mfa: HttpKit<User>['mfa']; user: User; renew: boolean; loggedInAt?: number },
): Promise<RequestLogin> {
  const { mfa, user, renew, loggedInAt } = input;
  const begun = await mfa.beginLogin({
    user,
    context: state.context,
    ...(loggedInAt !== undefined && { loggedInAt }),
    // Without a session to keep the outcome, each request would use the device up anew.
    ...((state.keepsState || renew) && { deviceToken: state.deviceTokens() }),
  });
  const { decision, session, device, pendingToken } = begun;
  if (!(await state.keep(session, { renew: renew || session?.state === 'verified' }))) {
    return { decision: { access: 'unavailable', retryAfterSeconds: 5 } };
  }
  const deviceToken = state.handOver(device);
  return { decision, ...(pendingToken !== undefined && { pendingToken }), ...(deviceToken !== undefined && { deviceToken }) };
}
