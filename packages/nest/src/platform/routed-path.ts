import { pathAndQuery } from '@mfa-kit/core/http';
import type { MfaRequest } from '../mfa.options.js';

/** What a platform tells of the route that it found. */
interface RoutedRequest extends MfaRequest {
  /** Express: where this application is mounted within another one. */
  baseUrl?: unknown;
  /** Fastify: the route as it was written. */
  routeOptions?: { url?: unknown };
  /** Fastify: Node's own request, on which Express leaves `baseUrl` where Fastify is mounted within it. */
  raw?: { baseUrl?: unknown };
}

/**
 * The path that the platform's router went by. It is not always what the client sent: Fastify has `rewriteUrl` and options for
 * slashes and letter case, and on Express a function may have changed `request.url`.
 */
export function routedPathOf(request: MfaRequest): string {
  const { baseUrl, routeOptions, raw } = request as RoutedRequest;
  const path = pathAndQuery(request.url ?? '').split('?')[0] ?? '';
  const route = routeOptions?.url;
  // Fastify reads escapes before it looks for a route. The kit has no path with one.
  const routed = typeof route === 'string' && !path.includes('%') ? route : path;
  const below = baseUrl ?? raw?.baseUrl;
  return typeof below === 'string' ? below + routed : routed;
}
