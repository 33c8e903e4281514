import { pathAndQuery } from '@mfa-kit/core/http';
import type { MfaRequest } from '../mfa.options.js';

/** What a platform says about the route that it found. */
interface RoutedRequest extends MfaRequest {
  /** Express: where this application is mounted within another one. */
  baseUrl?: unknown;
  /** Fastify: the route as it was written. */
  routeOptions?: { url?: unknown };
  /** Fastify: Node's own request, on which Express leaves `baseUrl` where Fastify is mounted within it. */
  raw?: { baseUrl?: unknown };
}

/**
 * Returns the path that the platform's router used. It may differ from what the client sent: Fastify has `rewriteUrl` and options for
 * slashes and letter case, and on Express a middleware may have changed `request.url`.
 */
export function routedPathOf(request: MfaRequest): string {
  const { baseUrl, routeOptions, raw } = request as RoutedRequest;
  const path = pathAndQuery(request.url ?? '').split('?')[0] ?? '';
  const route = routeOptions?.url;
  // Fastify decodes escapes before it looks for a route. No path of the kit contains one.
  const routed = typeof route === 'string' && !path.includes('%') ? route : path;
  const below = baseUrl ?? raw?.baseUrl;
  return typeof below === 'string' ? below + routed : routed;
}
