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

/** The metadata of `@ApiExcludeController()` of @nestjs/swagger, because the host's document describes only the host's routes. */
const HIDDEN_FROM_SWAGGER = SetMetadata('swagger/apiExcludeController', [true]);

const made = new WeakSet<object>();

/** Whether {@link createMfaController} made the class. */
export function isMfaController(type: object): boolean {
  return made.has(type);
}

/** Makes the controller for the paths below `path`. {@link MfaEndpointGuard} writes the answers. */
export function createMfaController(path: string, decorators: readonly ClassDecorator[]): Type<object> {
  @SkipMfa()
  @HIDDEN_FROM_SWAGGER
  @Controller({ path, version: VERSION_NEUTRAL })
  class MfaController {
    // The last two catch unknown paths, so the kit also answers 404 itself. The platforms write wildcards differently.
    @SetMetadata(ROUTE_CONFIG, OWN_ROUTE)
    @UseGuards(MfaEndpointGuard)
    @All([...endpointPaths(), ':first', ':first/:second'])
    answer(): void {
      throw new MfaError(
        'host_setup',
        'The guard that answers the endpoints of the kit was replaced, so they are denied. Do not override MfaEndpointGuard.',
      );
    }
  }
  for (const decorate of decorators) decorate(MfaController);
  made.add(MfaController);
  return MfaController;
}

/**
 * Answers the endpoints. It is a guard because the guards of the application and of the controller run before it and may set the
 * user, while interceptors and pipes run after it. One that caches, wraps or refuses answers must not affect the pages.
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
    if (!reply) throw new MfaError('host_setup', 'The kit supports only the Express and the Fastify platform of Nest.');
    writeReply(reply, await this.#answer(context.getArgByIndex<MfaRequest>(0), reply));
    // The answer was sent. Nothing references this promise, so it is garbage collected with the call that awaits it.
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

/** Returns the path below the mount, whether it has the server's prefix or the browser's. */
function pathBelow({ path: mount, publicPath }: Record<'path' | 'publicPath', string>, path: string): string {
  for (const prefix of [mount, publicPath]) {
    if (path.toLowerCase().startsWith(prefix.toLowerCase())) return path.slice(prefix.length);
  }
  // Fastify also matches escaped paths such as /mf%61. The kit has no such path, and this is not a mistake of the host.
  if (path.includes('%')) return path;
  throw new MfaError(
    'host_setup',
    `The kit answers at "${path}", but pages and redirects lead to "${mount}". Set "path" to the prefix that requests have.`,
  );
}
