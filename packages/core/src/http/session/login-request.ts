import { MfaError } from '../../errors.js';
import type { MfaUser } from '../../options.js';
import type { MfaExchange } from '../exchange.js';
import { LATE_RETRY_SECONDS, type RequestLogin } from '../flows/request-access.js';
import { bindState, type RequestFlows } from '../flows/request-flows.js';
import type { HttpKit } from '../http-kit.js';
import { RequestState, readRequestState } from './request-identity.js';

/** Messages of a framework's middleware about misuse; each names the code to write. */
export interface LoginMessages {
  /** Nobody is logged in. */
  nobody: string;
  /** The response was sent before the login began. */
  answered: string;
  /** How the middleware is mounted, for the warning that the response was sent while the login was beginning. */
  mount: string;
}

/**
 * Begins the login of one request, for a middleware between the host's login and its answer.
 *
 * If the storage is down it resolves, and the guard answers 503. Throws what the host must fix. In both cases what this session had proven
 * before no longer counts.
 */
export async function loginRequest<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  { isAnswered, messages }: { isAnswered: () => boolean; messages: LoginMessages },
): Promise<RequestLogin> {
  const unknown = new RequestState(kit, exchange, { ...NOBODY, port: exchange.session });
  const endProof = () => unknown.saveState(undefined, { renew: true });
  const fail = async (error: unknown): Promise<never> => {
    await endProof().catch(() => false);
    throw error;
  };
  if (isAnswered()) return fail(new MfaError('host_setup', messages.answered));
  let state: RequestState<User, Request>;
  try {
    state = await readRequestState(kit, exchange);
  } catch (error) {
    return fail(error);
  }
  if (state.late) {
    await endProof();
    if (unknown.stored !== 'nothing') throw new MfaError('not_done', PROOF_KEPT);
    return { decision: { access: 'unavailable', retryAfterSeconds: LATE_RETRY_SECONDS } };
  }
  if (!state.user) return fail(new MfaError('host_setup', messages.nobody));
  const login = await bindState(kit, state, exchange).beginLogin();
  if (login.decision.access === 'unavailable' && unknown.stored !== 'nothing') throw new MfaError('not_done', PROOF_KEPT);
  if (state.hasSession && isAnswered()) kit.warn('MFA_KIT_LATE_LOGIN', messages.mount);
  return login;
}

/** Warns of a login that the host did not await: the answer left without the cookie of the renewed session. */
export function watchLogin<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  flows: RequestFlows<User>,
  isAnswered: () => boolean,
): RequestFlows<User> {
  const { beginLogin } = flows;
  flows.beginLogin = async (input) => {
    try {
      return await beginLogin(input);
    } finally {
      if (flows.hasSession && isAnswered()) kit.warn('MFA_KIT_LATE_LOGIN', undefined);
    }
  };
  return flows;
}

const NOBODY = { user: null, session: undefined, context: undefined, late: false };

const PROOF_KEPT =
  'beginLogin could not reset what this session had proven before, because the session store did not take the change. Answer with an ' +
  'error, and fix the session store.';
