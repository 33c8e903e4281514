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
  rescue,
  type SessionPort,
  type WhileAllowedOptions,
} from '@mfa-kit/core/http';
import { type CanActivate, type ExecutionContext, Inject, Injectable, Logger } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { MFA_HOST } from './mfa.constants.js';
import { MfaException } from './mfa.exception.js';
import { classMark, MFA_MARK, type MfaMark, unmarkedCopyOf } from './mfa.mark.js';
import type { MfaCaller, MfaRequest } from './mfa.options.js';
import { readArrival, readSocket, rememberAssurance, rememberOpening } from './platform/context.js';
import type { HostReaders, MfaArrival, MfaHost } from './platform/host.js';
import { asReply, writeLastReply } from './platform/reply.js';
import { openSession, refreshSession } from './platform/session.js';
import { guardSocketServer, type MfaSocketOptions, runMiddleware, socketException } from './platform/socket.js';

/** A request that was refused. */
export interface MfaRefusal {
  /** What is thrown. */
  exception: MfaException;
  /** What the kit would write over HTTP: the problem document, or for browsers a page or redirect. */
  answer: HttpAnswer;
}

type Access = { allowed: true } | ({ allowed: false } & MfaRefusal);
const ALLOWED: Access = { allowed: true };

/**
 * Lets a call through only when it meets the requirement that `@RequireMfa()` names, or the plain one where nothing is marked.
 *
 * For a route, a controller, a resolver, a gateway, or as APP_GUARD after the guard that sets the user. What is not understood
 * denies, and so does whatever throws.
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
        'Nest makes MfaGuard: write @UseGuards(MfaGuard) or app.get(MfaGuard), not new MfaGuard().',
      );
    }
    this.#host = host;
    this.#reflector = reflector;
  }

  canActivate(context: ExecutionContext): Awaitable<boolean> {
    const mark = this.#markOf(context);
    if (mark?.kind === 'skip') return true;
    const access = this.#decide(context, mark);
    return isThenable(access) ? access.then((later) => this.#conclude(later, context)) : this.#conclude(access, context);
  }

  /**
   * For `afterInit(server)` of a gateway: from now on a socket is asked before it exists, so a client that is refused joins nothing
   * and receives nothing. With ws it is also how the guard of the messages learns of the request that opened a socket. Refuses pages of
   * other origins than the own one and `allowedOrigins`.
   */
  guardServer(server: object, { requirement = {}, middleware = [] }: MfaSocketOptions = {}): void {
    const checked = checkRequirement(requirement);
    guardSocketServer(
      server,
      async (request, client) => {
        const access = await rescue(
          () => this.#admit({ request, transport: 'websocket', ...(client && { client }) }, checked, middleware),
          (cause) => this.#deny(cause),
        );
        return access.allowed ? undefined : { problem: access.exception.problem, answer: access.answer };
      },
      rememberOpening,
    );
  }

  /**
   * For `handleConnection(client, request)` of a gateway: closes the socket as soon as access has ended, by a logout or a password
   * change for example. Asks now and every 30 seconds (`everySeconds`), one read each time. False: the socket was closed.
   */
  async whileAllowed(client: object, request?: MfaRequest, options?: WhileAllowedOptions): Promise<boolean> {
    if (request) rememberOpening(client, request);
    try {
      const exchange = await this.#host.open({ caller: readSocket(client, request) }, this.#readers);
      return await keepWhileAllowed(this.#host.kit, exchange, client, options);
    } catch (cause) {
      const denied = this.#deny(cause);
      if (!denied.allowed) endOpen(client, denied.exception.problem);
      return false;
    }
  }

  /**
   * For `handleConnection(client, request)` of a gateway, where guards do not run: tells a refused socket why, closes it and
   * gives false. With `ws` it is also how the guard of the messages learns of the request that opened the socket.
   */
  async checkConnection(client: object, request?: MfaRequest, requirement: Requirement = {}): Promise<boolean> {
    const checked = checkRequirement(requirement);
    if (request) rememberOpening(client, request);
    const access = await rescue(
      () => this.#ask({ caller: readSocket(client, request) }, checked),
      (cause) => this.#deny(cause),
    );
    if (!access.allowed) endOpen(client, access.exception.problem);
    return access.allowed;
  }

  /** The person at the keyboard; default: the option `user`. */
  protected user(caller: MfaCaller): ReturnType<MfaHost['options']['user']> {
    return this.#host.options.user(caller);
  }

  /** Where the state is kept; default: the option `session`, or the session that the request has. */
  protected session(caller: MfaCaller): SessionPort | null | Promise<SessionPort | null> {
    return openSession(this.#host.options, caller.request);
  }

  /**
   * Called before a refusal is thrown. Over HTTP the answer is written here, in full, so that no filter of the host can drop its
   * headers or a browser's redirect; the exception that follows is for logs. A subclass that writes nothing leaves the answer to
   * the host's exception filters.
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
        // The reason is for the programmer: nobody else can mend a context that is not understood.
        throw exception.cause instanceof MfaError ? exception.cause : exception;
    }
  }

  /** Looked up once: metadata stand from the start. A handler that is inherited may have another mark by each class. */
  #markOf(context: ExecutionContext): MfaMark | undefined {
    const [handler, type] = [context.getHandler(), context.getClass()];
    const known = this.#marks.get(handler);
    if (known?.type === type) return known.mark;
    const own = this.#reflector.get<MfaMark | undefined>(MFA_MARK, handler);
    const lost = own ? undefined : unmarkedCopyOf(handler, type);
    if (lost !== undefined) {
      throw new MfaError(
        'host_setup',
        `${type.name}.${lost}() is marked, but Nest calls another function without the mark, so the call is denied. Do not bind a ` +
          'marked method in the constructor.',
      );
    }
    const mark = own ?? classMark(type)?.mark;
    this.#marks.set(handler, { type, mark });
    return mark;
  }

  #conclude(access: Access, context: ExecutionContext): Awaitable<boolean> {
    return access.allowed || this.#throwRefusal(access, context);
  }

  /** Never throws, and never rejects. */
  #decide(context: ExecutionContext, mark: MfaMark | undefined): Awaitable<Access> {
    try {
      const access = this.#askUnlessPublic(context, mark);
      return isThenable(access) ? access.catch((cause) => this.#deny(cause)) : access;
    } catch (cause) {
      return this.#deny(cause);
    }
  }

  #askUnlessPublic(context: ExecutionContext, mark: MfaMark | undefined): Awaitable<Access> {
    const { options } = this.#host;
    if (mark || !options.isPublic) {
      return this.#ask(readArrival(context, options), mark?.requirement ?? PLAIN_REQUIREMENT, context);
    }
    const isPublic = options.isPublic(context);
    if (!isThenable(isPublic)) return this.#askUnless(isPublic, context);
    const { settings } = this.#host.kit.mfa;
    return settings
      .awaitCallback('isPublic', isPublic)
      .then((answer) => (answer.late ? this.#refuse(describeProblem('unavailable')) : this.#askUnless(answer.value, context)));
  }

  #askUnless(isPublic: boolean, context: ExecutionContext): Awaitable<Access> {
    return isPublic === true ? ALLOWED : this.#ask(readArrival(context, this.#host.options), PLAIN_REQUIREMENT, context);
  }

  #ask(arrival: MfaArrival, requirement: Requirement, context?: ExecutionContext): Awaitable<Access> {
    if (!arrival.reply) return this.#askSocket(arrival.caller, requirement, context);
    const exchange = this.#host.open(arrival, this.#readers);
    return isThenable(exchange)
      ? exchange.then((opened) => this.#askRequest(opened, requirement, context))
      : this.#askRequest(exchange, requirement, context);
  }

  #askRequest(
    exchange: MfaExchange<MfaUser, MfaRequest>,
    requirement: Requirement,
    context: ExecutionContext | undefined,
  ): Awaitable<Access> {
    const outcome = guardRequest(this.#host.kit, exchange, requirement);
    return isThenable(outcome) ? outcome.then((later) => this.#accept(later, context)) : this.#accept(outcome, context);
  }

  #accept(outcome: GuardOutcome, context: ExecutionContext | undefined): Access {
    if (!outcome.allowed) return this.#refuse(decisionProblem(outcome.decision), outcome.answer);
    if (context) rememberAssurance(context, outcome.assurance);
    return ALLOWED;
  }

  async #admit(
    caller: MfaCaller,
    requirement: Requirement,
    middleware: NonNullable<MfaSocketOptions['middleware']>,
  ): Promise<Access> {
    const elsewhere = this.#refuseElsewhere(caller);
    if (elsewhere) return elsewhere;
    const { request } = caller;
    const ran = await this.#host.kit.mfa.settings.awaitCallback('middleware', runMiddleware(request, middleware));
    if (ran.late) return this.#refuse(describeProblem('unavailable'));
    if (!ran.value) return this.#refuse(describeProblem('login_again'));
    return this.#askSocket(caller, requirement);
  }

  /** A socket of another origin is refused wherever it is asked: not every host lets its server ask before it opens. */
  #refuseElsewhere({ request, transport }: MfaCaller): Access | undefined {
    if (transport !== 'websocket' && request.headers.upgrade === undefined) return undefined;
    const header = (name: string) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    };
    const problem = refuseSocketOrigin(this.#host.kit, { header, request });
    return problem && this.#refuse(problem);
  }

  async #askSocket(caller: MfaCaller, requirement: Requirement, context?: ExecutionContext): Promise<Access> {
    const elsewhere = this.#refuseElsewhere(caller);
    if (elsewhere) return elsewhere;
    const refreshed = await this.#host.kit.mfa.settings.awaitCallback('session', refreshSession(caller.request));
    if (refreshed.late) return this.#refuse(describeProblem('unavailable'));
    if (!refreshed.value) return this.#refuse(describeProblem('login_again'));
    const exchange = await this.#host.open({ caller }, this.#readers);
    const decision = await guardMessage(this.#host.kit, exchange, requirement);
    if (decision.access !== 'allow') return this.#refuse(decisionProblem(decision));
    if (context) rememberAssurance(context, decision.assurance);
    return { allowed: true };
  }

  /** Whatever throws denies. The client learns no more than that; the log names what to mend. */
  #deny(cause: unknown): Access {
    this.#logger.error(cause);
    return this.#refuse(describeProblem('unavailable'), undefined, cause);
  }

  #refuse(problem: MfaException['problem'], written?: HttpAnswer, cause?: unknown): Access {
    const answer = written ?? problemAnswer(this.#host.kit, problem);
    return { allowed: false, answer, exception: new MfaException(problem, { headers: answer.headers, cause }) };
  }
}
