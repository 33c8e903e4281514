import type { Requirement } from '../../assurance.js';
import type { MfaStatus } from '../../mfa.js';
import type { MfaUser } from '../../options.js';
import type { PageNotice } from '../../pages/page.js';
import type { HttpAnswer } from '../exchange.js';
import { messagesFor } from '../page-messages.js';
import { jsonAnswer } from '../responses.js';
import { showPage, type View } from '../show-page.js';
import { answerDecision, answerRefusal, keepPage } from './endpoint-answers.js';
import type { EndpointCall } from './endpoint-call.js';

/** GET of the mount path: the authenticators and devices of a user whom the guard allows. */
export async function showOverview<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { kit, exchange, flows } = call;
  // A remembered device replaces only the prompt at login.
  const requirement: Requirement = { acceptRememberedDevice: false };
  const decision = await flows.checkAccess(requirement);
  if (decision.access !== 'allow') {
    if (decision.access === 'challenge' && call.html) await keepPage(call, kit.options.publicPath);
    return answerDecision(call, decision, requirement);
  }
  const result = await flows.getStatus();
  if (!result.ok) return answerRefusal(call, result);
  if (!call.html) return jsonAnswer(kit, 200, { ...result.status, devices: markDevices(call, result.status) });
  const view = overviewView(call, result.status);
  return showPage(kit, exchange, { ...view, user: flows.user, notice: overviewNotice(call) });
}

/** The overview for a change that was refused; undefined if the status cannot be read either. */
export async function redrawOverview<User extends MfaUser, Request>(
  call: EndpointCall<User, Request>,
): Promise<Omit<View<User>, 'user'> | undefined> {
  const result = await call.flows.getStatus();
  return result.ok ? overviewView(call, result.status) : undefined;
}

function overviewView<User extends MfaUser, Request>(
  call: EndpointCall<User, Request>,
  status: MfaStatus,
): Pick<View<User>, 'page'> {
  const { settings } = call.kit.mfa;
  return {
    page: {
      name: 'overview',
      authenticators: status.authenticators,
      devices: markDevices(call, status).map((device) => ({
        ...device,
        ...(device.id === call.flows.assurance?.deviceId && { endsSession: true as const }),
      })),
      recoveryCodesLeft: status.recoveryCodesLeft,
      ...unsavedCodes(status),
      recoveryCodesOffered: settings.recoveryCodeCount > 0 && status.enrolled,
      mayRemoveLast: status.mfa !== 'required',
      mayEnroll: status.mayEnroll,
      homeUrl: call.kit.options.homeUrl,
    },
  };
}

/** The fields about recovery codes that the user may never have seen. */
export function unsavedCodes(status: MfaStatus): Pick<MfaStatus, 'recoveryCodesUnsaved' | 'recoveryCodesId'> {
  const { recoveryCodesUnsaved, recoveryCodesId } = status;
  return { ...(recoveryCodesUnsaved && { recoveryCodesUnsaved }), ...(recoveryCodesId !== undefined && { recoveryCodesId }) };
}

function markDevices<User extends MfaUser, Request>({ flows }: EndpointCall<User, Request>, status: MfaStatus) {
  const current = new Set(flows.shownDeviceIds());
  return status.devices.map((device) => ({ ...device, current: current.has(device.id) }));
}

function overviewNotice<User extends MfaUser, Request>(call: EndpointCall<User, Request>): PageNotice | undefined {
  const { successes, refusals } = messagesFor(call.kit, call.exchange);
  const name = call.query.get('notice');
  switch (name) {
    case 'authenticator_added':
    case 'authenticator_removed':
    case 'authenticator_renamed':
    case 'device_revoked':
    case 'recovery_codes_saved':
    case 'sessions_ended':
      return { tone: 'success', text: successes[name] };
    case 'already_confirmed':
      return { tone: 'info', text: refusals.already_confirmed };
    default:
      return undefined;
  }
}
