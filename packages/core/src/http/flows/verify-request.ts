import type { MfaUser } from '../../options.js';
import type { MfaExchange } from '../exchange.js';
import type { HttpKit } from '../http-kit.js';
import { describeProblem, type Problem, refusalProblem } from '../problem.js';
import { hasOneProof, oneProofNeeded, proofsIn, readFields } from '../request/body-fields.js';
import { proveSameOrigin, refuseOrigin } from '../request/same-origin.js';
import { bindFlows, type RequestProof } from './request-flows.js';

/** A proof that came with a request to the host's own route. */
export type RequestVerification<User extends MfaUser> =
  | ({ ok: true; user: User; recoveryCodesLeft?: number; recoveryCodesUnsaved?: true } & RequestProof)
  | { ok: false; problem: Problem };

/** Checks `code` or `recoveryCode` of a request to the host's own route, under the same rules as the kit's endpoint. */
export async function verifyRequest<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
): Promise<RequestVerification<User>> {
  if (proveSameOrigin(exchange, kit.options.allowedOrigins) !== 'proven') return { ok: false, problem: refuseOrigin(kit) };
  const body = await readFields(exchange);
  if (!body.ok) return { ok: false, problem: describeProblem('malformed', { detail: body.detail }) };
  if (!hasOneProof(body.fields)) return { ok: false, problem: describeProblem('malformed', { detail: oneProofNeeded() }) };
  const flows = await bindFlows(kit, exchange);
  const verified = await flows.verify({ ...proofsIn(body.fields), rememberDevice: body.fields.rememberDevice });
  if (!verified.ok) return { ok: false, problem: refusalProblem(verified) };
  return flows.user ? { ...verified, user: flows.user } : { ok: false, problem: describeProblem('login_again') };
}
