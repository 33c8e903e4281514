import type { AccessDecision } from '../../assurance.js';
import type { MfaUser } from '../../options.js';
import type { HttpAnswer } from '../exchange.js';
import { messagesFor } from '../page-messages.js';
import { askedQuery, readAsked } from '../paths/asked.js';
import type { Problem } from '../problem.js';
import { hasOneProof, ONE_PROOF_NEEDED } from '../request/body-fields.js';
import { jsonAnswer, redirectAnswer } from '../responses.js';
import { showPage, type View } from '../show-page.js';
import { answerDecision, answerLate, answerMissing, answerRefusal } from './endpoint-answers.js';
import type { EndpointCall } from './endpoint-call.js';
import { callOnVerified } from './on-verified.js';
import { codesOfferUrl } from './recovery-codes.js';

/** Says in the address of the prompt that the user has revoked the device in use: a name, never a text. */
export const DEVICE_ENDED = 'device_ended';

type Because = 'missing' | 'expired' | 'revoked';

/** GET: the prompt for a code. A user who has proven what the query asks for is sent on. */
export async function showChallenge<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { kit, exchange, flows } = call;
  const asked = readAsked(call.query);
  const first = await flows.checkAccess(asked);
  const usesDevice = call.html && exchange.method === 'GET' && first.access === 'challenge' && first.because === 'missing';
  const decision = usesDevice && (await flows.rotateDevice()) ? await flows.checkAccess(asked) : first;
  const because = reasonToAsk(decision, flows.session?.returnTo);
  if (because === undefined) {
    if (decision.access !== 'allow') return answerDecision(call, decision);
    if (!call.html) return jsonAnswer(kit, 200, { challenge: null });
    return redirectAnswer(kit, flows.returnTo() === kit.options.homeUrl ? kit.options.homeUrl : `${kit.options.publicPath}/done`);
  }
  const view = await challengeView(call, { because, mode: call.query.get('use') === 'recovery-code' ? 'recovery-code' : 'code' });
  if (call.html) {
    const ended = call.query.get('notice') === DEVICE_ENDED && because !== 'expired';
    const notice = ended ? { tone: 'info' as const, text: messagesFor(kit, exchange).challenge.deviceEnded } : undefined;
    return showPage(kit, exchange, { ...view, user: flows.user, notice });
  }
  const { name: _, mode: __, asked: ___, ...challenge } = view.page;
  return jsonAnswer(kit, 200, { challenge });
}

/** POST: checks a code or a recovery code. */
export async function verifyProof<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { kit, flows, fields } = call;
  if (!hasOneProof(fields)) return answerMissing(call, ONE_PROOF_NEEDED);
  const { code, recoveryCode, rememberDevice } = fields;
  const atLogin = flows.assurance === undefined || flows.assurance.via === 'remembered-device';
  const verified = await flows.verify({ code, recoveryCode, rememberDevice });
  if (!verified.ok) {
    const mode = code === undefined ? 'recovery-code' : 'code';
    return answerRefusal(call, verified, { redraw: (problem) => redrawChallenge(call, { mode, problem }) });
  }
  const { ok: _, ...answer } = verified;
  const added = await callOnVerified(call, { assurance: answer.assurance, endpoint: 'verify' });
  if (!added) return answerLate(call);
  if (!call.html) return jsonAnswer(kit, 200, { ...added, ...answer });
  // Offered at logins only: a step-up is in the middle of something else. The offer leads on to where the proof would have led.
  return redirectAnswer(kit, answer.recoveryCodesUnsaved && atLogin ? codesOfferUrl(call) : answer.returnTo);
}

function redrawChallenge<User extends MfaUser, Request>(
  call: EndpointCall<User, Request>,
  { mode, problem }: { mode: 'code' | 'recovery-code'; problem: Problem },
): Promise<Omit<View<User>, 'user'>> {
  const because = call.flows.session?.state === 'verified' ? 'expired' : 'missing';
  const { reason, retryAfterSeconds } = problem;
  return challengeView(call, { because, mode, waitSeconds: reason === 'throttled' ? (retryAfterSeconds ?? 0) : undefined });
}

async function challengeView<User extends MfaUser, Request>(
  { kit, flows, query }: EndpointCall<User, Request>,
  input: { because: Because; mode: 'code' | 'recovery-code'; waitSeconds?: number | undefined },
) {
  const { rememberDays, recoveryCodeCount } = kit.mfa.settings;
  const status = await flows.getStatus();
  const recoveryOffered = status.ok && status.status.recoveryCodesLeft > 0;
  // A bookmark may ask for recovery codes when none is left or they are switched off. Do not show a form that can only fail.
  const mode = recoveryOffered || (!status.ok && recoveryCodeCount > 0) ? input.mode : 'code';
  // The status has the wait of unknown browsers; a known browser does not have to wait because of their guesses.
  const asked = askedQuery(readAsked(query));
  const unknownWait = status.ok && mode === 'code' && flows.shownDeviceIds().length === 0 ? status.status.waitSeconds : 0;
  return {
    page: {
      name: 'challenge' as const,
      mode,
      because: input.because,
      // Only a login by a code is remembered. A step-up is asked for each time, and a recovery code never remembers a device.
      rememberDays: flows.session?.state === 'verified' || mode === 'recovery-code' ? 0 : rememberDays,
      recoveryOffered,
      waitSeconds: input.waitSeconds ?? unknownWait,
      ...(asked !== '' && { asked }),
    },
  };
}

function reasonToAsk(decision: AccessDecision, returnTo: string | undefined): Because | undefined {
  if (decision.access === 'challenge') return decision.because;
  // A step-up: the guard of release 1 sent the browser here, and noted in the session where it came from.
  const proven = decision.access === 'allow' && decision.assurance !== undefined;
  return proven && returnTo !== undefined ? 'expired' : undefined;
}
