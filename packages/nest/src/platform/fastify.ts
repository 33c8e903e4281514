import { Readable } from 'node:stream';
import { readRequestBody } from '@mfa-kit/core/http';
import type { MfaRequest } from '../mfa.options.js';

/** Fastify keeps this with a route, and the kit recognizes its own routes by it. */
export const OWN_ROUTE = { mfaKit: true };

/** Key of the metadata that Nest passes to Fastify as a route's `config`. */
export const ROUTE_CONFIG = '__fastify_route_config__';

/** A route of Fastify as its hook `onRoute` shows it. */
interface Route {
  config?: Partial<typeof OWN_ROUTE>;
  preParsing?: unknown;
  preValidation?: unknown;
}

interface FastifyRequest extends MfaRequest {
  method: string;
}

/** The headers by which Fastify chooses a parser. */
const FRAMING = ['content-type', 'content-length', 'transfer-encoding'] as const;

const bodies = new WeakMap<object, unknown>();

/**
 * Lets the kit read the bodies of its own routes, as it does on Express. What Fastify's parsers would refuse (an unknown type, invalid
 * JSON, a limit of the host) is then refused by the kit with its own problem document.
 */
export function readOwnBodies(fastify: { addHook(name: 'onRoute', hook: (route: Route) => void): unknown }): void {
  fastify.addHook('onRoute', takeOwnBodies);
}

/** The hook of {@link readOwnBodies}. */
export function takeOwnBodies(route: Route): void {
  if (route.config?.mfaKit !== true) return;
  route.preParsing = [route.preParsing ?? [], takeBody].flat();
  route.preValidation = [giveBack, route.preValidation ?? []].flat();
}

/** The body that was read for the kit. */
export function ownBody(request: object): unknown {
  return bodies.get(request);
}

const framings = new WeakMap<object, Partial<MfaRequest['headers']>>();

async function takeBody(request: FastifyRequest, _reply: unknown, payload: Readable): Promise<Readable> {
  if (request.method === 'GET' || request.method === 'HEAD') return payload;
  bodies.set(request, await readRequestBody(payload));
  const { headers } = request;
  framings.set(request, Object.fromEntries(FRAMING.flatMap((name) => (name in headers ? [[name, headers[name]]] : []))));
  for (const name of FRAMING) delete headers[name];
  return Readable.from([]);
}

async function giveBack(request: FastifyRequest): Promise<void> {
  Object.assign(request.headers, framings.get(request));
}
