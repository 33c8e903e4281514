import { MfaError, type MfaUser } from '@mfa-kit/core';
import { bindFlows, type RequestFlows, watchLogin } from '@mfa-kit/core/http';
import { Inject, Injectable } from '@nestjs/common';
import { MFA_HOST } from '../mfa.constants.js';
import type { MfaRequest } from '../mfa.options.js';
import type { MfaHost } from './host.js';
import { asReply, type MfaReply } from './reply.js';

/** Binds the flows to a request, for the host's login and for its own pages and resolvers. */
@Injectable()
export class MfaHttp<User extends MfaUser = MfaUser> {
  readonly #host: MfaHost;

  constructor(@Inject(MFA_HOST) host: MfaHost) {
    this.#host = host;
  }

  /** In the login, right after the password check: `await (await mfaHttp.for(request, reply)).beginLogin()`. */
  async for(request: MfaRequest, reply: object): Promise<RequestFlows<User>> {
    if (typeof request?.headers !== 'object' || typeof reply !== 'object' || reply === null) {
      throw new MfaError(
        'host_setup',
        'mfaHttp.for() needs the request and its reply. Write mfaHttp.for(request, reply), with @Res({ passthrough: true }) reply.',
      );
    }
    const answering = asReply(reply);
    const exchange = await this.#host.open({ caller: { request, transport: 'http' }, reply: answering });
    // The host passed an Mfa<User>; only the type parameter was dropped on the way.
    const flows = await bindFlows(this.#host.kit, exchange);
    return watchLogin(this.#host.kit, flows, () => isSent(answering)) as unknown as RequestFlows<User>;
  }
}

function isSent(reply: MfaReply | undefined): boolean {
  if (!reply) return false;
  return ('raw' in reply ? reply.raw : reply).headersSent;
}
