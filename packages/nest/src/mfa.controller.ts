import { MfaError } from '@mfa-kit/core';
import { answerEndpoint, describeProblem, endpointPaths, type HttpAnswer, problemAnswer } from '@mfa-kit/core/http';
import { All, Controller, Inject, Logger, Req, Res, SetMetadata, type Type, VERSION_NEUTRAL } from '@nestjs/common';
import { SkipMfa } from './mfa.decorators.js';
import { OWN_ROUTE, ROUTE_CONFIG } from './mfa.fastify.js';
import { type MfaHost, pathOf } from './mfa.host.js';
import type { MfaRequest } from './mfa.options.js';
import { asReply, writeReply } from './mfa.reply.js';
import { MFA_HOST } from './mfa.tokens.js';

const made = new WeakSet<object>();

/** Whether a class is one that {@link createMfaController} made. */
export function isMfaController(type: object): boolean {
  return made.has(type);
}

/** Makes the controller that answers below `path`: by itself on the reply, whatever interceptors and filters the host has. */
export function createMfaController(path: string, decorators: readonly ClassDecorator[]): Type<object> {
  @SkipMfa()
  @Controller({ path, version: VERSION_NEUTRAL })
  class MfaController {
    readonly #host: MfaHost;
    readonly #logger = new Logger(MfaController.name);

    constructor(@Inject(MFA_HOST) host: MfaHost) {
      this.#host = host;
    }

    // The last two are for what is not there: also that answer is the kit's. (The platforms write wildcards differently.)
    @SetMetadata(ROUTE_CONFIG, OWN_ROUTE)
    @All([...endpointPaths(), ':first', ':first/:second'])
    async answer(@Req() request: MfaRequest, @Res() response: object): Promise<void> {
      const reply = asReply(response);
      if (!reply) throw new MfaError('host_setup', 'The kit answers on the Express and on the Fastify platform only.');
      writeReply(reply, await this.#answer(request, reply));
    }

    async #answer(request: MfaRequest, reply: ReturnType<typeof asReply>): Promise<HttpAnswer> {
      const { kit } = this.#host;
      try {
        const exchange = await this.#host.open({ caller: { request, transport: 'http' }, reply });
        return await answerEndpoint(kit, exchange, pathBelow(kit.options.path, pathOf(request)));
      } catch (error) {
        this.#logger.error(error);
        return problemAnswer(kit, describeProblem('unavailable'));
      }
    }
  }
  for (const decorate of decorators) decorate(MfaController);
  made.add(MfaController);
  return MfaController;
}

function pathBelow(mount: string, path: string): string {
  if (path.toLowerCase().startsWith(mount.toLowerCase())) return path.slice(mount.length);
  // Fastify also finds a route behind escapes, as /mf%61: nothing of the kit is there, and no host has to mend that.
  if (path.includes('%')) return path;
  throw new MfaError('host_setup', `The kit answers at "${path}", but pages and redirects lead to "${mount}". Mend "path".`);
}
