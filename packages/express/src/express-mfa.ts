import { IncomingMessage } from 'node:http';
import { type Mfa, MfaError, type MfaUser, type Requirement } from '@mfa-kit/core';
import { answerEndpoint, bindFlows, createHttpKit, type RequestFlows, watchLogin } from '@mfa-kit/core/http';
import type { Request, RequestHandler, Response } from 'express';
import { beginLoginOf } from './begin-login.js';
import { checkExpressOptions, type ExpressMfaOptions } from './express-options.js';
import { markHandler } from './marks.js';
import { openExchange, writeAnswer } from './request-mfa.js';
import { guardAllExcept, guardRoute, handleAsync } from './require-mfa.js';
import { createStrategy, type MfaStrategy } from './strategy.js';

/** What an application mounts and calls. */
export interface ExpressMfa<User extends MfaUser = MfaUser> {
  /** The endpoints and pages: `app.use('/mfa', router)`. */
  router: RequestHandler;
  /**
   * The middleware of your login, after what logs in and before the answer:
   * `app.post('/login', passport.authenticate('local'), beginLogin, (req, res) => res.redirect(303, '/'))`.
   *
   * What `user` or another callback throws goes to your error handler. `requestLogin(req)` is what was decided.
   */
  beginLogin: RequestHandler;
  /** Guards one route. With `maxAgeSeconds` it asks for a fresh code, also on a remembered device. */
  requireMfa(requirement?: Requirement): RequestHandler;
  /** Guards the whole application but these paths, compared byte for byte; the kit's own and the login stay open. */
  requireMfaExcept(paths: readonly string[], requirement?: Requirement): RequestHandler;
  /**
   * Binds the flows to a request, for pages and logins of your own: `await (await mfaFor(req, res)).passwordChanged()`.
   *
   * It rejects when a callback of yours throws. Express 4 does not wait for a handler, so catch it there and call `next(error)`.
   */
  mfaFor(req: Request, res: Response): Promise<RequestFlows<User>>;
  /** For `passport.use(strategy)` and `passport.authenticate('mfa', { session: false })`. */
  strategy: MfaStrategy;
}

/** Binds the flows to an Express application, version 5 or 4. A bad option throws and says how to fix it. */
export function expressMfa<User extends MfaUser>(mfa: Mfa<User>, options: ExpressMfaOptions<User>): ExpressMfa<User> {
  checkExpressOptions(options);
  const kit = createHttpKit<User, Request>(mfa, options);
  const { path } = kit.options;

  const answered = new WeakSet<Request>();
  const router = handleAsync(async (req, res): Promise<'answered'> => {
    answered.add(req);
    if (req.baseUrl.toLowerCase() !== path.toLowerCase()) {
      throw new MfaError(
        'host_setup',
        `The router is mounted at "${req.baseUrl}", but the option path says "${path}". Make them the same.`,
      );
    }
    writeAnswer(res, await answerEndpoint(kit, openExchange(options, { req, res }), req.path));
    return 'answered';
  });

  return {
    router: markHandler(router, { kind: 'kit' }),
    beginLogin: beginLoginOf(kit, options),
    requireMfa(requirement) {
      refuseRequest('requireMfa()', requirement);
      return guardRoute(kit, options, requirement);
    },
    requireMfaExcept(paths, requirement) {
      refuseRequest('requireMfaExcept([...])', paths);
      return guardAllExcept(kit, options, { paths, answered, requirement });
    },
    async mfaFor(req, res) {
      if (typeof req?.headers !== 'object' || typeof res?.setHeader !== 'function') {
        throw new MfaError('host_setup', 'mfaFor() needs the request and its response: write mfaFor(req, res).');
      }
      return watchLogin(kit, await bindFlows(kit, openExchange(options, { req, res })), () => res.headersSent);
    },
    strategy: createStrategy(kit, options),
  };
}

/** With `app.use(requireMfa)` Express would call the factory for each request, and the request would never be answered. */
function refuseRequest(call: string, given: unknown): void {
  if (given instanceof IncomingMessage) {
    throw new MfaError('host_setup', `The guard was mounted without being called: write app.use(${call}).`);
  }
}
