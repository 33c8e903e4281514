import { MfaError, type MfaUser, type Requirement } from '@mfa-kit/core';
import {
  type Awaitable,
  checkRequirement,
  decisionProblem,
  describeProblem,
  endOpen,
  type GuardOutcome,
  guardMessage,
  guardRequest,
  type HttpAnswer,
  isThenable,
  keepWhileAllowed,
  type MfaExchange,
  PLAIN_REQUIREMENT,
  problemAnswer,
  refuseSocketOrigin,
  type SessionPort,
  type WhileAllowedOptions,
} from '@mfa-kit/core/http';
import { type CanActivate, type ExecutionContext, Inject, Injectable, Logger } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { MFA_HOST } from './mfa.constants.js';
import { MfaException } from './mfa.exception.js';
import { classMark, MFA_MARK, type MfaMark, unmarkedCopyOf } from './mfa.mark.js';
import type { MfaCaller, MfaRequest } from './mfa.options.js';
import { readCall, readSocket, rememberAssurance, rememberSocketRequest } from './platform/context.js';
import type { HostReaders, IncomingCall, MfaHost } from './platform/host.js';
import { asReply, writeLastReply } from './platform/reply.js';
import { openSession, refreshSession } from './platform/session.js';
import { guardSocketServer, type MfaSocketOptions, runMiddleware, socketException } from './platform/socket.js';

/** A request that was refused. */
export interface MfaRefusal {
  /** The exception that is thrown. */
  exception: MfaException;
  /** The kit's answer over HTTP: the problem document, or a page or redirect for browsers. */
  answer: HttpAnswer;
}

type Refused = { allowed: false } & MfaRefusal;
type Access = { allowed: true } | Refused;
const ALLOWED: Access = { allowed: true };

/**
 * Allows a call only if it meets the requirement of `@RequireMfa()`, or the plain requirement if nothing is marked.
 *
 * Use it on a route, a controller, a resolver or a gateway, or as APP_GUARD after the guard that sets the user. It denies calls
 * that it does not understand, and calls for which something throws.
 */
@Injectable()
export class MfaGuard implements CanActivate {
  readonly #host: MfaHost;
  readonly #reflector: Reflector;
  readonly #logger = new Logger(MfaGuard.name);
  readonly #marks = new WeakMap<object, { type: unknown; mark: MfaMark | undefined }>();
  readonly #readers: HostReaders = { user: (caller) => this.user(caller), session: (caller) => this.session(caller) };

  constructor(@Inject(MFA_HOST) host: MfaHost, @Inject(Reflector) reflector: Reflector) {
    if (!host) {
      throw new MfaError(
        'host_setup',
        'MfaGuard must be created by Nest. Write @UseGuards(MfaGuard) or app.get(MfaGuard), not new MfaGuard().',
      );
    }
    this.#host = host;
    this.#reflector = reflector;
  }

  canActivate(context: ExecutionContext): Awaitable<boolean> {
    const mark = this.#markOf(context);
    if (mark?.kind === 'skip') return true;
    let access: Awaitable<Access>;
    try {
      access = this.#ask(context, mark);
    } catch (cause) {
      access = this.#deny(cause);
    }
    return access === ALLOWED || this.#finish(access, context);
  }

  /**
   * Call it in `afterInit(server)` of a gateway. It checks access before a socket exists, so a refused client joins and receives
   * nothing. With ws it also records the request that opened a socket, for the guard of its messages. Refuses pages of other
   * origins, except `allowedOrigins`.
   */
  guardServer(server: object, { requirement = {}, middleware = [] }: MfaSocketOptions = {}): void {
    const checked = checkRequirement(requirement);
    guardSocketServer(
      server,
      async (request, client) => {
        const access = await this.#orDeny(this.#admit({ request, transport: 'websocket', client }, checked, middleware));
        return access.allowed ? undefined : { problem: access.exception.problem, answer: access.answer };
      },
      rememberSocketRequest,
    );
  }

  /**
   * Call it in `handleConnection(client, request)` of a gateway. It closes the socket when access ends, for example by a logout or a
   * password change. Checks now and every 30 seconds (`everySeconds`) with one read. Returns false if it closed the socket at once.
   */
  async whileAllowed(client: object, request?: MfaRequest, options?: WhileAllowedOptions): Promise<boolean> {
    if (request) rememberSocketRequest(client, request);
    try {
      const exchange = await this.#host.open({ caller: readSocket(client, request) }, this.#readers);
      return await keepWhileAllowed(this.#host.kit, exchange, client, options);
    } catch (cause) {
      endOpen(client, this.#deny(cause).exception.problem);
      return false;
    }
  }

  /**
   * Call it in `handleConnection(client, request)` of a gateway, for which Nest runs no guards. It sends a refused socket the reason,
   * closes it and returns false. With ws it also records the request that opened the socket, for the guard of its messages.
   */
  async checkConnection(client: object, request?: MfaRequest, requirement: Requirement = {}): Promise<boolean> {
    const checked = checkRequirement(requirement);
    if (request) rememberSocketRequest(client, request);
    const ask = async () => this.#askSocket(readSocket(client, request), checked);
    const access = await this.#orDeny(ask());
    if (!access.allowed) endOpen(client, access.exception.problem);
    return access.allowed;
  }

  /** Returns who is logged in. Default: the option `user`. */
  protected user(caller: MfaCaller): ReturnType<MfaHost['options']['user']> {
    return this.#host.options.user(caller);
  }

  /** Returns where the MFA state is stored. Default: the option `session`, or the session of the request. */
  protected session(caller: MfaCaller): SessionPort | null | Promise<SessionPort | null> {
    return openSession(this.#host.options, caller.request);
  }

  /**
   * Called before a refusal is thrown. Over HTTP it writes the complete answer, so that no filter of the host can drop the headers
   * or a browser's redirect; the exception that follows is for logs. A subclass that writes nothing leaves the answer to the
   * host's exception filters.
   */
  protected async refusal(refused: MfaRefusal, context: ExecutionContext): Promise<void> {
    const reply = context.getType() === 'http' ? asReply(context.switchToHttp().getResponse()) : undefined;
    if (reply) await writeLastReply(reply, refused.answer);
  }

  async #throwRefusal(access: MfaRefusal, context: ExecutionContext): Promise<never> {
    await this.refusal(access, context);
    const { exception } = access;
    switch (context.getType<string>()) {
      case 'http':
      case 'graphql':
        throw exception;
      case 'ws':
        throw await socketException(exception);
      default:
        // Only the programmer can fix a context that the guard does not understand.
        throw exception.cause instanceof MfaError ? exception.cause : exception;
    }
  }

  /** Cached, because metadata do not change. Checks the class too, because an inherited handler may have a mark for each class. */
  #markOf(context: ExecutionContext): MfaMark | undefined {
    const [handler, type] = [context.getHandler(), context.getClass()];
    const known = this.#marks.get(handler);
    if (known?.type === type) return known.mark;
    const own = this.#reflector.get<MfaMark | undefined>(MFA_MARK, handler);
    const lost = own ? undefined : unmarkedCopyOf(handler, type);
    if (lost !== undefined) {
      throw new MfaError(
        'host_setup',
        `${type.name}.${lost}() is marked, but Nest calls another function without the mark, so the call was denied. Do not bind a ` +
          'marked method in the constructor.',
      );
    }
    const mark = own ?? classMark(type)?.mark;
    this.#marks.set(handler, { type, mark });
    return mark;
  }

  /** Returns true or throws the refusal. */
  async #finish(asked: Awaitable<Access>, context: ExecutionContext): Promise<boolean> {
    const access = await this.#orDeny(asked);
    return access.allowed || this.#throwRefusal(access, context);
  }

  async #orDeny(asked: Awaitable<Access>): Promise<Access> {
    try {
      return await asked;
    } catch (cause) {
      return this.#deny(cause);
    }
  }

  #ask(context: ExecutionContext, mark: MfaMark | undefined): Awaitable<Access> {
    const { options } = this.#host;
    if (mark || !options.isPublic) {
      return this.#askCall(readCall(context, options), mark?.requirement ?? PLAIN_REQUIREMENT, context);
    }
    const isPublic = options.isPublic(context);
    if (isThenable(isPublic)) return this.#askUnlessPublic(isPublic, context);
    return isPublic === true ? ALLOWED : this.#askCall(readCall(context, options), PLAIN_REQUIREMENT, context);
  }

  async #askUnlessPublic(asked: Promise<boolean>, context: ExecutionContext): Promise<Access> {
    const { options, kit } = this.#host;
    const isPublic = await kit.mfa.settings.awaitCallback('isPublic', asked);
    if (isPublic.late) return this.#refuse(describeProblem('unavailable'));
    return isPublic.value === true ? ALLOWED : this.#askCall(readCall(context, options), PLAIN_REQUIREMENT, context);
  }

  /** Returns a promise, except if the call is allowed and nothing has to be awaited. */
  #askCall(call: IncomingCall, requirement: Requirement, context: ExecutionContext): Awaitable<Access> {
    if (!call.reply) return this.#askSocket(call.caller, requirement, context);
    const exchange = this.#host.open(call, this.#readers);
    const outcome = isThenable(exchange)
      ? this.#guardLater(exchange, requirement)
      : guardRequest(this.#host.kit, exchange, requirement);
    if (!('allowed' in outcome)) return this.#toAccess(outcome, context);
    rememberAssurance(context, outcome.assurance);
    return ALLOWED;
  }

  async #guardLater(exchange: Promise<MfaExchange<MfaUser, MfaRequest>>, requirement: Requirement): Promise<GuardOutcome> {
    return guardRequest(this.#host.kit, await exchange, requirement);
  }

  async #toAccess(asked: Promise<GuardOutcome>, context: ExecutionContext): Promise<Access> {
    const outcome = await asked;
    if (!outcome.allowed) return this.#refuse(decisionProblem(outcome.decision), outcome.answer);
    rememberAssurance(context, outcome.assurance);
    return ALLOWED;
  }

  async #admit(
    caller: MfaCaller,
    requirement: Requirement,
    middleware: NonNullable<MfaSocketOptions['middleware']>,
  ): Promise<Access> {
    const refused = this.#refuseOtherOrigin(caller);
    if (refused) return refused;
    const { request } = caller;
    const ran = await this.#host.kit.mfa.settings.awaitCallback('middleware', runMiddleware(request, middleware));
    if (ran.late) return this.#refuse(describeProblem('unavailable'));
    if (!ran.value) return this.#refuse(describeProblem('login_again'));
    return this.#askSocket(caller, requirement);
  }

  /** Refuses a socket of another origin at each check, because not every host checks before a socket opens. */
  #refuseOtherOrigin({ request, transport }: MfaCaller): Access | undefined {
    if (transport !== 'websocket' && request.headers.upgrade === undefined) return undefined;
    const header = (name: string) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    };
    const problem = refuseSocketOrigin(this.#host.kit, { header, request });
    return problem && this.#refuse(problem);
  }

  async #askSocket(caller: MfaCaller, requirement: Requirement, context?: ExecutionContext): Promise<Access> {
    const refused = this.#refuseOtherOrigin(caller);
    if (refused) return refused;
    const refreshed = await this.#host.kit.mfa.settings.awaitCallback('session', refreshSession(caller.request));
    if (refreshed.late) return this.#refuse(describeProblem('unavailable'));
    if (!refreshed.value) return this.#refuse(describeProblem('login_again'));
    const exchange = await this.#host.open({ caller }, this.#readers);
    const decision = await guardMessage(this.#host.kit, exchange, requirement);
    if (decision.access !== 'allow') return this.#refuse(decisionProblem(decision));
    if (context) rememberAssurance(context, decision.assurance);
    return ALLOWED;
  }

  /** Denies because something threw. The client gets no details; the log says what to fix. */
  #deny(cause: unknown): Refused {
    this.#logger.error(cause);
    return this.#refuse(describeProblem('unavailable'), undefined, cause);
  }

  #refuse(problem: MfaException['problem'], written?: HttpAnswer, cause?: unknown): Refused {
    const answer = written ?? problemAnswer(this.#host.kit, problem);
    return { allowed: false, answer, exception: new MfaException(problem, { headers: answer.headers, cause }) };
  }
}
