import type { MfaUser } from '../../options.js';
import type { RequestFlows } from '../flows/request-flows.js';
import type { HttpKit } from '../http-kit.js';

/** Tells the operator of a login that nobody waited for: the answer has left without the cookie of the renewed session. */
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
      if (flows.hasSession && isAnswered()) {
        kit.warn(
          'MFA_KIT_LATE_LOGIN',
          'The answer to a login was sent before beginLogin() had ended, so the browser has no session any more. Write "await" before ' +
            'both, as in "await (await mfaFor(req, res)).beginLogin()", and answer afterwards.',
        );
      }
    }
  };
  return flows;
}
