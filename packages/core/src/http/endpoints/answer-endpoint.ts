import type { MfaUser } from '../../options.js';
import type { AssetName } from '../../pages/assets/assets.js';
import type { HttpAnswer, MfaExchange } from '../exchange.js';
import { openPending } from '../flows/pending.js';
import { bindFlows } from '../flows/request-flows.js';
import type { HttpKit } from '../http-kit.js';
import { assetAt, type EndpointPath } from '../paths/endpoint-paths.js';
import { describeProblem, type Problem } from '../problem.js';
import { type IdField, readFields } from '../request/body-fields.js';
import { wantsHtml } from '../request/negotiation.js';
import { mayReadSecret, proveSameOrigin, refuseOrigin, refuseReader } from '../request/same-origin.js';
import { assetAnswer, problemAnswer } from '../responses.js';
import { warnOfUnreadToken } from '../set-up-warnings.js';
import { showProblem } from '../show-page.js';
import { showChallenge, verifyProof } from './challenge.js';
import { showDone } from './done.js';
import type { EndpointCall, Handler } from './endpoint-call.js';
import { cancelEnroll, confirmEnroll, showEnroll, startEnroll } from './enroll.js';
import { endSessions, removeAuthenticator, renameAuthenticator, revokeDevice } from './manage.js';
import { showOverview } from './overview.js';
import { codesSaved, regenerateCodes, showCodesOffer } from './recovery-codes.js';

interface Endpoint {
  get?: Handler;
  post?: Handler;
  /** The answer to GET holds a secret: only a page of this origin or of an allowed one may read it. */
  showsSecret?: true;
  /** A client without a session may act by a pending token. */
  pendingToken?: true;
  /** The field of the body that names what to change. */
  idField?: IdField;
}

/** Every endpoint, by its path below the mount. */
const ENDPOINTS: Record<EndpointPath, Endpoint> = {
  '': { get: showOverview },
  '/enroll': { get: showEnroll, showsSecret: true, post: startEnroll, pendingToken: true },
  '/enroll/confirm': { post: confirmEnroll, idField: 'enrollmentId', pendingToken: true },
  '/enroll/cancel': { post: cancelEnroll, idField: 'enrollmentId', pendingToken: true },
  '/challenge': { get: showChallenge },
  '/verify': { post: verifyProof, pendingToken: true },
  '/done': { get: showDone },
  '/recovery-codes': { get: showCodesOffer, post: regenerateCodes },
  '/recovery-codes/saved': { post: codesSaved, idField: 'id' },
  '/authenticators/rename': { post: renameAuthenticator, idField: 'id' },
  '/authenticators/remove': { post: removeAuthenticator, idField: 'id' },
  '/devices/revoke': { post: revokeDevice, idField: 'id' },
  '/sessions/end': { post: endSessions },
};

/**
 * Answers one request below the mount. `path` is what follows the mount path, byte for byte: `` or `/enroll`.
 *
 * Throws only what an operator or programmer must fix. Anything that a client can send gets an answer.
 */
export async function answerEndpoint<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  path: string,
): Promise<HttpAnswer> {
  const asset = assetAt(path);
  if (asset) return answerAsset(kit, exchange, asset);
  const endpoint = endpointAt(path === '/' ? '' : path);
  if (!endpoint) return answerRefused(kit, exchange, describeProblem('not_found'));
  const handler = handlerFor(endpoint, exchange.method);
  if (!handler) return answerRefused(kit, exchange, describeProblem('method_not_allowed'), [['Allow', allowedMethods(endpoint)]]);
  const query = readQuery(exchange);
  const html = wantsHtml(exchange.header('accept'));
  if (exchange.method !== 'POST') {
    if (endpoint.showsSecret && !mayReadSecret(exchange, kit.options.allowedOrigins)) {
      const problem = refuseReader(kit);
      return html ? showProblem(kit, exchange, { problem, user: null, openHere: path }) : problemAnswer(kit, problem);
    }
    const flows = await bindFlows(kit, exchange);
    if (!flows.user) warnOfUnreadToken(kit, exchange);
    return handler({ kit, exchange, query, html, fields: { rememberDevice: false }, flows });
  }
  const call = await readCall(kit, exchange, { endpoint, html });
  return 'problem' in call ? answerRefused(kit, exchange, call.problem) : handler({ ...call, kit, exchange, query, html });
}

/** Checks the origin first, then the body, then who acts. A request that fails one check is not read further. */
async function readCall<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  { endpoint, html }: { endpoint: Endpoint; html: boolean },
): Promise<Pick<EndpointCall<User, Request>, 'fields' | 'flows'> | { problem: Problem }> {
  const proof = proveSameOrigin(exchange, kit.options.allowedOrigins);
  if (proof === 'refused') return { problem: refuseOrigin(kit) };
  const body = await readFields(exchange, endpoint.idField);
  if (!body.ok) return { problem: describeProblem('malformed', { detail: body.detail }) };
  const { fields } = body;
  const token = endpoint.pendingToken ? fields.pendingToken : undefined;
  if (proof === 'credential-in-body' && token === undefined) return { problem: refuseOrigin(kit) };
  if (token === undefined) {
    const flows = await bindFlows(kit, exchange, undefined, { proofEndsAtDone: html });
    if (!flows.user) warnOfUnreadToken(kit, exchange);
    return { fields, flows };
  }
  const flows = await openPending(kit, exchange, token);
  return flows ? { fields, flows } : { problem: describeProblem('pending_token_invalid') };
}

function endpointAt(path: string): Endpoint | undefined {
  return Object.hasOwn(ENDPOINTS, path) ? ENDPOINTS[path as EndpointPath] : undefined;
}

function handlerFor(endpoint: Endpoint, method: string): Handler | undefined {
  if (method === 'GET' || method === 'HEAD') return endpoint.get;
  return method === 'POST' ? endpoint.post : undefined;
}

function allowedMethods({ get, post }: Endpoint): string {
  return [...(get ? ['GET', 'HEAD'] : []), ...(post ? ['POST'] : [])].join(', ');
}

async function answerRefused<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  problem: Problem,
  headers: HttpAnswer['headers'] = [],
): Promise<HttpAnswer> {
  if (!wantsHtml(exchange.header('accept'))) return problemAnswer(kit, problem, headers);
  return showProblem(kit, exchange, { problem, user: null, headers });
}

async function answerAsset<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  name: AssetName,
): Promise<HttpAnswer> {
  if (exchange.method !== 'GET' && exchange.method !== 'HEAD') {
    return answerRefused(kit, exchange, describeProblem('method_not_allowed'), [['Allow', 'GET, HEAD']]);
  }
  const { assets, assetUrl } = await import('../../pages/assets/assets.js');
  const fresh = assetUrl('', name).endsWith(`?v=${readQuery(exchange).get('v')}`);
  return assetAnswer(kit, { type: assets[name].mediaType, body: assets[name].text, fresh });
}

function readQuery({ url }: Pick<MfaExchange, 'url'>): URLSearchParams {
  return new URLSearchParams(url.split('?')[1] ?? '');
}
