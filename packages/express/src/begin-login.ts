import { MfaError, type MfaUser } from '@mfa-kit/core';
import { type HttpKit, type LoginMessages, loginRequest, type RequestLogin } from '@mfa-kit/core/http';
import type { Request, RequestHandler } from 'express';
import type { ExpressMfaOptions } from './express-options.js';
import { openExchange } from './request-mfa.js';
import { handleAsync } from './require-mfa.js';

const LOGIN = Symbol('mfa-kit login');

interface LoginRequest {
  [LOGIN]?: RequestLogin | undefined;
}

/** What `beginLogin` decided, with the tokens for a client that has no session: for a login that answers with JSON. */
export function requestLogin(req: object): RequestLogin | undefined {
  return (req as LoginRequest)[LOGIN];
}

const MOUNT = "Write app.post('/login', passport.authenticate('local'), beginLogin, (req, res) => res.redirect(303, '/'))";

const MESSAGES: LoginMessages = {
  nobody:
    `beginLogin found nobody logged in, because the option "user" returned nobody. ${MOUNT}: after what logs in, in the route of the ` +
    'login, and not by app.use(beginLogin). If "user" cannot know the person yet, as in a login that returns a token, call ' +
    '(await mfaFor(req, res)).beginLogin({ user }) in place of it.',
  answered: `beginLogin ran after the response was sent, so no login was begun. ${MOUNT}: before the handler that answers.`,
  overtaken: `The answer to a login was sent before beginLogin had called next(), so the browser has no session any more. ${MOUNT}: the handler that answers comes after it.`,
};

/** The middleware of the host's login: it stands after what logs in and before the answer. */
export function beginLoginOf<User extends MfaUser>(
  kit: HttpKit<User, Request>,
  options: ExpressMfaOptions<User>,
): RequestHandler {
  const begin = handleAsync(async (req, res): Promise<'pass'> => {
    const isAnswered = () => res.headersSent;
    const login = await loginRequest(kit, openExchange(options, { req, res }), { isAnswered, messages: MESSAGES });
    (req as LoginRequest)[LOGIN] = login;
    return 'pass';
  });
  return function beginLogin(req, res, next) {
    if (typeof req?.headers !== 'object' || typeof res?.setHeader !== 'function') {
      throw new MfaError('host_setup', `beginLogin was called where it must be mounted: it is the middleware itself. ${MOUNT}.`);
    }
    if (typeof next !== 'function') {
      throw new MfaError(
        'host_setup',
        `beginLogin was called without next: it is a middleware and returns nothing to wait for. ${MOUNT}. In a handler of your own ` +
          'write beginLogin(req, res, next), or "await (await mfaFor(req, res)).beginLogin()" and pass what it throws to next.',
      );
    }
    begin(req, res, next);
  };
}
