import type { MfaUser } from '../../options.js';
import type { HttpAnswer } from '../exchange.js';
import type { RequestChange } from '../request-flows.js';
import { answerChange, answerMissing, answerRefusal, type EndpointCall, type OverviewNotice } from './endpoint-call.js';
import { redrawOverview } from './overview.js';

const ID_NEEDED = 'The field "id" is needed.';

/** POST: gives an authenticator a new name. */
export async function renameAuthenticator<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { id, name = '' } = call.fields;
  if (!id || name.trim() === '') return answerMissing(call, 'The fields "id" and "name" are needed.');
  return finish(call, await call.flows.renameAuthenticator({ authenticatorId: id, name }), 'authenticator_renamed');
}

/** POST: removes an authenticator. */
export async function removeAuthenticator<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { id } = call.fields;
  if (!id) return answerMissing(call, ID_NEEDED);
  return finish(call, await call.flows.removeAuthenticator({ authenticatorId: id }), 'authenticator_removed');
}

/** POST: forgets a device; it is asked for a code at its next login. */
export async function revokeDevice<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { id } = call.fields;
  if (!id) return answerMissing(call, ID_NEEDED);
  return finish(call, await call.flows.revokeDevice({ deviceId: id }), 'device_revoked');
}

/** POST: ends every other session and forgets all remembered devices. */
export async function endSessions<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  return finish(call, await call.flows.endAllSessions(), 'sessions_ended');
}

function finish<User extends MfaUser, Request>(
  call: EndpointCall<User, Request>,
  result: RequestChange,
  notice: OverviewNotice,
): Promise<HttpAnswer> {
  if (!result.ok) return answerRefusal(call, result, { redraw: () => redrawOverview(call) });
  return answerChange(call, { assurance: result.assurance, notice });
}
