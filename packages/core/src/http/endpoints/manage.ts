import type { MfaUser } from '../../options.js';
import type { HttpAnswer } from '../exchange.js';
import type { RequestChange } from '../flows/request-flows.js';
import { describeProblem } from '../problem.js';
import { jsonAnswer, redirectAnswer } from '../responses.js';
import { DEVICE_ENDED } from './challenge.js';
import { answerChange, answerMissing, answerProblem, answerRefusal } from './endpoint-answers.js';
import type { EndpointCall, OverviewNotice } from './endpoint-call.js';
import { redrawOverview } from './overview.js';

const ID_NEEDED = 'The field "id" is needed.';

/** POST: renames an authenticator. */
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

/** POST: revokes a device. Its sessions end, and its next login asks for a code. */
export async function revokeDevice<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { id } = call.fields;
  if (!id) return answerMissing(call, ID_NEEDED);
  const result = await call.flows.revokeDevice({ deviceId: id });
  if (result.ok && result.endedOwnSession) return tellEndedOwnSession(call);
  return finish(call, result, 'device_revoked');
}

/** The session has ended, so a page asks a browser for a code, says why, and then leads back. */
async function tellEndedOwnSession<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { kit, flows } = call;
  if (!call.html) return jsonAnswer(kit, 200, { endedOwnSession: true });
  await flows.setReturnTo(kit.options.publicPath);
  return redirectAnswer(kit, `${kit.options.publicPath}/challenge?notice=${DEVICE_ENDED}`);
}

/** POST: ends every other session and forgets all remembered devices. */
export async function endSessions<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  return finish(call, await call.flows.endAllSessions(), 'sessions_ended');
}

async function finish<User extends MfaUser, Request>(
  call: EndpointCall<User, Request>,
  result: RequestChange,
  notice: OverviewNotice,
): Promise<HttpAnswer> {
  if (result.ok) return answerChange(call, { assurance: result.assurance, notice });
  const redraw = () => redrawOverview(call);
  // The authenticator was removed in another tab, so there is no need to enroll.
  if (result.reason === 'not_enrolled' && (await isEnrolled(call)))
    return answerProblem(call, describeProblem('not_found'), redraw);
  return answerRefusal(call, result, { redraw });
}

async function isEnrolled<User extends MfaUser, Request>({ flows }: EndpointCall<User, Request>): Promise<boolean> {
  const result = await flows.getStatus();
  return result.ok && result.status.enrolled;
}
