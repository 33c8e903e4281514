import type { AccessDecision } from '../../assurance.js';
import type { MfaUser } from '../../options.js';
import { CLOCK_TOLERANCE_MS } from '../../time.js';
import type { HttpAnswer } from '../exchange.js';
import type { WayBack } from '../paths/way-back.js';
import { jsonAnswer } from '../responses.js';
import { showPage } from '../show-page.js';
import { answerDecision } from './endpoint-answers.js';
import type { EndpointCall } from './endpoint-call.js';

/**
 * GET: the end of a proof by form. It leads on by a link and the header `Refresh`, because browsers apply `form-action 'self'` to the
 * redirects after a form, and the way back may lead to another origin.
 */
export async function showDone<User extends MfaUser, Request>(call: EndpointCall<User, Request>): Promise<HttpAnswer> {
  const { kit, exchange, flows } = call;
  const { homeUrl } = kit.options;
  const decision = await flows.checkAccess();
  if (decision.access !== 'allow') return answerDecision(call, decision);
  const way = flows.takeWayBack();
  const continueTo = way?.path ?? homeUrl;
  const leads = way === undefined ? 'home' : isFollowed(way, decision) ? 'path' : 'link';
  if (!call.html) return jsonAnswer(kit, 200, { returnTo: leads === 'link' ? homeUrl : continueTo });
  return showPage(kit, exchange, {
    page: { name: 'done', continueTo, leads, homeUrl },
    user: flows.user,
    ...(leads !== 'link' && { headers: [['Refresh', `0; url=${continueTo}`]] }),
  });
}

/**
 * Whether the browser continues without a click: it came from a page of this origin, and a proof was made since. Without a proof it could
 * loop between a page that refuses and a challenge that has nothing to ask.
 */
function isFollowed(way: WayBack, { assurance }: AccessDecision & { access: 'allow' }): boolean {
  if (way.navigation !== 'follow' || !assurance || assurance.via === 'remembered-device') return false;
  return assurance.verifiedAt >= way.since - CLOCK_TOLERANCE_MS;
}
