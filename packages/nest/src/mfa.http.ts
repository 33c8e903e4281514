import type { MfaUser } from '@mfa-kit/core';
import { bindFlows, type RequestFlows } from '@mfa-kit/core/http';
import { Inject, Injectable } from '@nestjs/common';
import type { MfaHost } from './mfa.host.js';
import type { MfaRequest } from './mfa.options.js';
import { asReply } from './mfa.reply.js';
import { MFA_HOST } from './mfa.tokens.js';

/** Binds the flows to a request: for the host's login, and for pages and resolvers of its own. */
@Injectable()
export class MfaHttp<User extends MfaUser = MfaUser> {
  readonly #host: MfaHost;

  constructor(@Inject(MFA_HOST) host: MfaHost) {
    this.#host = host;
  }

  /** In the login, right after the password was right: `await (await mfaHttp.for(request, reply)).beginLogin()`. */
  async for(request: MfaRequest, reply: object): Promise<RequestFlows<User>> {
    const exchange = await this.#host.open({ caller: { request, transport: 'http' }, reply: asReply(reply) });
    // The module was given a Mfa<User>; only its types were forgotten on the way.
    return (await bindFlows(this.#host.kit, exchange)) as unknown as RequestFlows<User>;
  }
}
