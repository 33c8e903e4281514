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

/** Returns what `beginLogin` decided, with the tokens for a client that has no session. For logins that answer with JSON. */
export function requestLogin(req: object): RequestLogin | undefined {
  return (req as LoginRequest)[LOGIN];
}

const MOUNT = "Write app.post('/login', passport.authenticate('local'), beginLogin, (req, res) => res.redirect(303, '/'))";

const MESSAGES: LoginMessages = {
  nobody:
    `beginLogin found nobody logged in, because the option "user" returned no user. ${MOUNT}. Mount it after the middleware that logs ` +
    'in, in the login route, and not with app.use(beginLogin). If "user" cannot know the user yet, for example in a login that ' +
    'returns a token, call (await mfaFor(req, res)).beginLogin({ user }) instead.',
  answered: `beginLogin ran after the response was sent, so no login was begun. ${MOUNT}. Mount it before the handler that answers.`,
  mount: `${MOUNT}.`,
};

/** Makes the middleware for the host's login, which runs after the password check and before the answer. */
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
      throw new MfaError(
        'host_setup',
        `beginLogin was called where it must be mounted, because it is itself the middleware. ${MOUNT}.`,
      );
    }
    if (typeof next !== 'function') {
      throw new MfaError(
        'host_setup',
        `beginLogin was called without next. It is a middleware and returns no promise. ${MOUNT}. In a handler of your own ` +
          'write beginLogin(req, res, next), or "await (await mfaFor(req, res)).beginLogin()" and pass errors to next.',
      );
    }
    begin(req, res, next);
  };
}
