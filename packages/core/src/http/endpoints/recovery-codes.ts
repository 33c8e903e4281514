import type { MfaUser } from '../../options.js';
import type { HttpAnswer } from '../exchange.js';
import { endpointPaths } from '../paths/endpoint-paths.js';
import { emptyAnswer, jsonAnswer, redirectAnswer } from '../responses.js';
import { brandFor, showPage, type View } from '../show-page.js';
import { answerDecision, answerRefusal, isFault, overviewUrl } from './endpoint-answers.js';
import type { EndpointCall } from './endpoint-call.js';
import { callOnVerified } from './on-verified.js';
import { redrawOverview, unsavedCodes } from './overview.js';

/** POST: a new set of codes, shown in this answer and never again. */
export async function regenerateCodes<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { kit, exchange, flows } = call;
  const { continueTo = kit.options.publicPath } = call.fields;
  const result = await flows.regenerateRecoveryCodes();
  if (!result.ok) return answerRefusal(call, result, { redraw: () => redrawOverview(call) });
  const { recoveryCodes, recoveryCodesId, assurance } = result;
  if (call.html) {
    const shown = { recoveryCodes, recoveryCodesId, continueTo: leadOn(call, continueTo) };
    return showPage(kit, exchange, { ...recoveryCodesView(call, shown), user: flows.user });
  }
  if (flows.hasSession || !assurance) return jsonAnswer(kit, 200, { recoveryCodes, recoveryCodesId });
  const added = await callOnVerified(call, { assurance, endpoint: 'manage' });
  return jsonAnswer(kit, 200, { ...added, recoveryCodes, recoveryCodesId, assurance });
}

/** POST: the user says that the codes are saved. `id`: the set that was shown; without it, the current set. */
export async function codesSaved<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { id, continueTo } = call.fields;
  const { kit, flows } = call;
  const result = await flows.recoveryCodesSaved({ recoveryCodesId: id === '' ? undefined : id });
  // The codes are saved, so the user continues. If that was not stored, the next login asks again.
  const goesOn = call.html && continueTo !== undefined && (result.ok || isFault(result.reason));
  if (goesOn) return redirectAnswer(kit, leadOn(call, continueTo));
  if (!result.ok) return answerRefusal(call, result, { redraw: () => redrawOverview(call) });
  return call.html ? redirectAnswer(kit, overviewUrl(call, 'recovery_codes_saved')) : emptyAnswer(kit);
}

/** GET: whether the user may never have seen the codes; the page offers new ones. */
export async function showCodesOffer<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { kit, exchange, flows } = call;
  const decision = await flows.checkAccess({ acceptRememberedDevice: false });
  if (decision.access !== 'allow') return answerDecision(call, decision);
  const result = await flows.getStatus();
  if (!result.ok) return answerRefusal(call, result);
  const { recoveryCodesLeft, recoveryCodesUnsaved, recoveryCodesId = '' } = result.status;
  if (!call.html) return jsonAnswer(kit, 200, { recoveryCodesLeft, ...unsavedCodes(result.status) });
  // Opened from a bookmark or by the back button: there is nothing left to offer.
  if (!recoveryCodesUnsaved) return redirectAnswer(kit, overviewUrl(call));
  const page = { name: 'recovery-codes-offer' as const, recoveryCodesId, continueTo: doneUrl(call) };
  return showPage(kit, exchange, { page, user: flows.user });
}

/** Returns the URL of the page that offers new codes. */
export function codesOfferUrl<User extends MfaUser, Request>({ kit }: EndpointCall<User, Request>): string {
  return `${kit.options.publicPath}/recovery-codes`;
}

/** The page with the codes. It is the answer to the POST that generated them, because they are not kept for a later GET. */
export function recoveryCodesView<User extends MfaUser, Request>(
  { kit, flows }: EndpointCall<User, Request>,
  shown: { recoveryCodes: string[]; recoveryCodesId: string; continueTo: string },
): Pick<View<User>, 'page'> {
  const brand = brandFor(kit, flows.user)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  const fileName = `${brand === '' ? '' : `${brand}-`}recovery-codes.txt`;
  return { page: { name: 'recovery-codes', ...shown, fileName } };
}

/** Returns the page of the kit that a form named. A form can be forged, so no other URL is followed. */
function leadOn<User extends MfaUser, Request>(call: EndpointCall<User, Request>, continueTo: string): string {
  const { publicPath } = call.kit.options;
  return endpointPaths().some((path) => continueTo === publicPath + path) ? continueTo : doneUrl(call);
}

/** Returns the URL of the page that ends a proof and leads on by the way back. */
function doneUrl<User extends MfaUser, Request>({ kit }: EndpointCall<User, Request>): string {
  return `${kit.options.publicPath}/done`;
}
