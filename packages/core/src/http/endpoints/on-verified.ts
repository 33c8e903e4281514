import { MfaError } from '../../errors.js';
import { describe, isFieldObject } from '../../host-input.js';
import type { MfaUser } from '../../options.js';
import type { VerifiedRequest } from '../http-options.js';
import { callHost, LATE } from '../session/request-identity.js';
import type { EndpointCall } from './endpoint-call.js';

/**
 * Calls the host's `onVerified` for a proof that was saved. Returns the fields to add to the answer, or null if it did not answer in time.
 */
export async function callOnVerified<User extends MfaUser, Request>(
  call: EndpointCall<User, Request>,
  verified: Omit<VerifiedRequest<User>, 'user'>,
): Promise<Record<string, unknown> | null> {
  const { kit, exchange, flows } = call;
  const { user } = flows;
  if (!user) return {};
  const added: unknown = await callHost(
    kit,
    'onVerified',
    () => kit.options.onVerified?.(exchange.request, { ...verified, user }),
    { user, session: verified },
  );
  if (added === LATE) return null;
  if (added === undefined || added === null) return {};
  if (!isFieldObject(added)) return refuseAdded(`it returned ${describe(added)}`);
  try {
    JSON.stringify(added);
  } catch (cause) {
    return refuseAdded('what it returned cannot be written as JSON', cause);
  }
  return { ...added };
}

function refuseAdded(what: string, cause?: unknown): never {
  throw new MfaError(
    'host_callback_failed',
    `The option "onVerified" must return an object such as { accessToken }, or nothing; ${what}.`,
    { cause },
  );
}
