import type { MfaUser } from '../../options.js';
import { jsonAnswer } from '../answers.js';
import type { HttpAnswer } from '../exchange.js';
import { brandFor, showPage, type View } from '../views.js';
import { answerRefusal, type EndpointCall, tellHost } from './endpoint-call.js';
import { redrawOverview } from './overview.js';

/** POST: a new set of codes, shown in this answer and never again. */
export async function regenerateCodes<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { kit, exchange, flows } = call;
  const result = await flows.regenerateRecoveryCodes();
  if (!result.ok) return answerRefusal(call, result, { redraw: () => redrawOverview(call) });
  const { recoveryCodes, assurance } = result;
  if (call.html) {
    return showPage(kit, exchange, { ...recoveryCodesView(call, recoveryCodes, kit.options.publicPath), user: flows.user });
  }
  if (flows.keepsState || !assurance) return jsonAnswer(kit, 200, { recoveryCodes });
  return jsonAnswer(kit, 200, { ...(await tellHost(call, { assurance, door: 'manage' })), recoveryCodes, assurance });
}

/** The page with the codes, drawn in the answer of the POST that made them: nothing keeps them for a later GET. */
export function recoveryCodesView<User extends MfaUser, Request>(
  { kit, flows }: EndpointCall<User, Request>,
  recoveryCodes: string[],
  continueTo: string,
): Pick<View<User>, 'page'> {
  const brand = brandFor(kit, flows.user)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  const fileName = `${brand === '' ? '' : `${brand}-`}recovery-codes.txt`;
  return { page: { name: 'recovery-codes', recoveryCodes, continueTo, fileName } };
}
