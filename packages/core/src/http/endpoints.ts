import type { MfaUser } from '../options.js';
import type { HttpAnswer, MfaExchange } from './exchange.js';
import type { HttpKit } from './http-kit.js';

/**
 * Answers one request below the mount. `path` is what follows the mount path, byte for byte: `` or `/enroll`.
 *
 * Throws only what operator or programmer must mend; what a client can send is answered. Endpoints and pages are loaded at the
 * first request: a process that starts does not wait for them, and one that only guards never does.
 */
export async function answerEndpoint<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  path: string,
): Promise<HttpAnswer> {
  const endpoints = await import('./endpoints/answer-endpoint.js');
  return endpoints.answerEndpoint(kit, exchange, path);
}
