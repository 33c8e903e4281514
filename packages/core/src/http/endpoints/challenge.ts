import { type AccessDecision, type FactorKind, letsRemember, viaOf } from '../../assurance.js';
import { FACTORS, factorOf, proofOf } from '../../factors/registry.js';
import type { MfaUser } from '../../options.js';
import type { HttpAnswer } from '../exchange.js';
import { messagesFor } from '../page-messages.js';
import { readRequirement, requirementQuery } from '../paths/asked.js';
import type { Problem } from '../problem.js';
import { hasOneProof, oneProofNeeded, proofsIn } from '../request/body-fields.js';
import { jsonAnswer, redirectAnswer } from '../responses.js';
import { showPage, type View } from '../show-page.js';
import { answerDecision, answerLate, answerMissing, answerRefusal } from './endpoint-answers.js';
import type { EndpointCall } from './endpoint-call.js';
import { callOnVerified } from './on-verified.js';
import { codesOfferUrl } from './recovery-codes.js';

/** The notice in the URL of the prompt if the user has revoked the device in use: a name, never a text. */
export const DEVICE_ENDED = 'device_ended';

type ChallengeCause = 'missing' | 'expired' | 'revoked';

/** GET: the prompt for a code. Redirects a user who has already proven what the query requires. */
export async function showChallenge<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { kit, exchange, flows } = call;
  const asked = readRequirement(call.query);
  const first = await flows.checkAccess(asked);
  const usesDevice = call.html && exchange.method === 'GET' && first.access === 'challenge' && first.because === 'missing';
  const decision = usesDevice && (await flows.rotateDevice()) ? await flows.checkAccess(asked) : first;
  const because = reasonToAsk(decision, flows.session?.returnTo);
  if (because === undefined) {
    if (decision.access !== 'allow') return answerDecision(call, decision);
    if (!call.html) return jsonAnswer(kit, 200, { challenge: null });
    return redirectAnswer(kit, flows.returnTo() === kit.options.homeUrl ? kit.options.homeUrl : `${kit.options.publicPath}/done`);
  }
  const view = await challengeView(call, { because, kind: call.query.get('use') });
  if (call.html) {
    const ended = call.query.get('notice') === DEVICE_ENDED && because !== 'expired';
    const notice = ended ? { tone: 'info' as const, text: messagesFor(kit, exchange).challenge.deviceEnded } : undefined;
    return showPage(kit, exchange, { ...view, user: flows.user, notice });
  }
  const { factors, rememberDays, waitSeconds } = view.page;
  const recoveryOffered = factors.includes('recovery-code');
  return jsonAnswer(kit, 200, { challenge: { because, factors, rememberDays, recoveryOffered, waitSeconds } });
}

/** POST: checks a code or a recovery code. */
export async function verifyProof<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { kit, flows, fields } = call;
  if (!hasOneProof(fields)) return answerMissing(call, oneProofNeeded());
  const atLogin = flows.assurance === undefined || flows.assurance.via === 'remembered-device';
  const verified = await flows.verify({ ...proofsIn(fields), rememberDevice: fields.rememberDevice });
  if (!verified.ok) {
    const { kind } = proofOf(fields);
    return answerRefusal(call, verified, { redraw: (problem) => redrawChallenge(call, { kind, problem }) });
  }
  const { ok: _, ...answer } = verified;
  const added = await callOnVerified(call, { assurance: answer.assurance, endpoint: 'verify' });
  if (!added) return answerLate(call);
  if (!call.html) return jsonAnswer(kit, 200, { ...added, ...answer });
  // Offered only at logins, because a step-up interrupts something else. The offer leads on to where the proof would have led.
  return redirectAnswer(kit, answer.recoveryCodesUnsaved && atLogin ? codesOfferUrl(call) : answer.returnTo);
}

function redrawChallenge<User extends MfaUser, Request>(
  call: EndpointCall<User, Request>,
  { kind, problem }: { kind: FactorKind; problem: Problem },
): Promise<Omit<View<User>, 'user'>> {
  const because = call.flows.session?.state === 'verified' ? 'expired' : 'missing';
  const { reason, retryAfterSeconds } = problem;
  return challengeView(call, { because, kind, waitSeconds: reason === 'throttled' ? (retryAfterSeconds ?? 0) : undefined });
}

async function challengeView<User extends MfaUser, Request>(
  { kit, flows, query }: EndpointCall<User, Request>,
  input: { because: ChallengeCause; kind: unknown; waitSeconds?: number | undefined },
) {
  const status = await flows.getStatus();
  // A bookmark may ask for recovery codes when none are left. Do not show a form that can only fail.
  const usable = status.ok ? status.status.factors : FACTORS.map((factor) => factor.kind);
  const { kind, traits } = factorOf(usable.find((one) => one === input.kind) ?? usable[0]) ?? FACTORS[0];
  const factors = status.ok ? usable : [kind];
  // The status has the wait of unknown browsers. A known browser does not wait for their guesses.
  const asked = requirementQuery(readRequirement(query));
  const unknownWait = status.ok && traits.guessable && flows.shownDeviceIds().length === 0 ? status.status.waitSeconds : 0;
  return {
    page: {
      name: 'challenge' as const,
      kind,
      factors,
      because: input.because,
      // Only a login by a code is remembered. A step-up asks each time, and a recovery code never remembers a device.
      rememberDays: flows.session?.state === 'verified' || !letsRemember(viaOf(kind)) ? 0 : kit.mfa.settings.rememberDays,
      waitSeconds: input.waitSeconds ?? unknownWait,
      ...(asked !== '' && { asked }),
    },
  };
}

function reasonToAsk(decision: AccessDecision, returnTo: string | undefined): ChallengeCause | undefined {
  if (decision.access === 'challenge') return decision.because;
  // A step-up: the guard of release 1 sent the browser here and stored in the session where it came from.
  const proven = decision.access === 'allow' && decision.assurance !== undefined;
  return proven && returnTo !== undefined ? 'expired' : undefined;
}
