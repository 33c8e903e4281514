import { MfaError } from '@mfa-kit/core';
import { answerEndpoint, describeProblem, endpointPaths, type HttpAnswer, problemAnswer } from '@mfa-kit/core/http';
import {
  All,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Inject,
  Injectable,
  Logger,
  SetMetadata,
  type Type,
  UseGuards,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import { MFA_HOST } from './mfa.constants.js';
import { SkipMfa } from './mfa.decorators.js';
import type { MfaRequest } from './mfa.options.js';
import { OWN_ROUTE, ROUTE_CONFIG } from './platform/fastify.js';
import type { MfaHost } from './platform/host.js';
import { asReply, type MfaReply, writeReply } from './platform/reply.js';
import { routedPathOf } from './platform/routed-path.js';

/** What `@ApiExcludeController()` of @nestjs/swagger writes: the document of the host describes the routes of the host. */
const HIDDEN_FROM_SWAGGER = SetMetadata('swagger/apiExcludeController', [true]);

const made = new WeakSet<object>();

/** Whether a class is one that {@link createMfaController} made. */
export function isMfaController(type: object): boolean {
  return made.has(type);
}

/** Makes the controller that answers below `path`. The answers come from {@link MfaEndpointGuard}. */
export function createMfaController(path: string, decorators: readonly ClassDecorator[]): Type<object> {
  @SkipMfa()
  @HIDDEN_FROM_SWAGGER
  @Controller({ path, version: VERSION_NEUTRAL })
  class MfaController {
    // The last two are for what is not there: also that answer is the kit's. (The platforms write wildcards differently.)
    @SetMetadata(ROUTE_CONFIG, OWN_ROUTE)
    @UseGuards(MfaEndpointGuard)
    @All([...endpointPaths(), ':first', ':first/:second'])
    answer(): void {
      throw new MfaError('host_setup', 'The guard that answers the endpoints of the kit was replaced, so they are denied.');
    }
  }
  for (const decorate of decorators) decorate(MfaController);
  made.add(MfaController);
  return MfaController;
}

/**
 * Answers the endpoints. It is a guard because guards of the whole application and of the controller run before it and may set the
 * user, while interceptors and pipes run after it: one that answers from a cache, wraps answers or refuses must not reach the pages.
 */
@Injectable()
export class MfaEndpointGuard implements CanActivate {
  readonly #host: MfaHost;
  readonly #logger = new Logger('MfaController');

  constructor(@Inject(MFA_HOST) host: MfaHost) {
    this.#host = host;
  }

  async canActivate(context: ExecutionContext): Promise<never> {
    const reply = asReply(context.getArgByIndex(1));
    if (!reply) throw new MfaError('host_setup', 'The kit answers on the Express and on the Fastify platform only.');
    writeReply(reply, await this.#answer(context.getArgByIndex<MfaRequest>(0), reply));
    // The answer has left. Nothing holds this promise, so it is collected together with the call that waits for it.
    return new Promise<never>(() => {});
  }

  async #answer(request: MfaRequest, reply: MfaReply): Promise<HttpAnswer> {
    const { kit } = this.#host;
    try {
      const exchange = await this.#host.open({ caller: { request, transport: 'http' }, reply });
      return await answerEndpoint(kit, exchange, pathBelow(kit.options, routedPathOf(request)));
    } catch (error) {
      this.#logger.error(error);
      return problemAnswer(kit, describeProblem('unavailable'));
    }
  }
}

/** The path of the endpoint, below the mount as the server or the browser sees it. */
function pathBelow({ path: mount, publicPath }: Record<'path' | 'publicPath', string>, path: string): string {
  for (const prefix of [mount, publicPath]) {
    if (path.toLowerCase().startsWith(prefix.toLowerCase())) return path.slice(prefix.length);
  }
  // Fastify also finds a route behind escapes, as /mf%61: nothing of the kit is there, and no host has to fix that.
  if (path.includes('%')) return path;
  throw new MfaError('host_setup', `The kit answers at "${path}", but pages and redirects lead to "${mount}". Fix "path".`);
}
