/** A handler as a router keeps it. */
export interface Handler {
  (...given: never[]): unknown;
  /** Set on a nested router. */
  stack?: unknown;
}

/** One entry of a router, as Express 4 and 5 keep it. */
export interface Layer {
  handle: Handler;
  route?: Route;
  /** Express 5: mounted at `/`. */
  slash?: boolean;
  /** Express 5 with router 2.3.0 or later: what the host wrote. */
  rawPath?: unknown;
  /** Express 4. */
  regexp?: RegExp & { fast_slash?: boolean; fast_star?: boolean };
  keys?: readonly { name: string | number }[];
  /** Express 5. */
  match?(path: string): unknown;
  path?: string;
}

/** The handlers of one path. */
export interface Route {
  path: unknown;
  stack: readonly { handle: Handler; method?: string }[];
  methods: Readonly<Record<string, boolean>>;
}

/** The router of an application, or a nested one. */
export interface Router {
  stack: readonly Layer[];
  params: object;
  caseSensitive?: boolean;
}

/** The router of an application, or the router itself; null for anything else. */
export function routerOf(app: unknown): Router | null {
  if (typeof app !== 'function') return null;
  if (isRouter(app)) return app;
  // Reading `router` throws in Express 4, and Express 5 has no `_router`.
  const { _router: router4, lazyrouter, settings } = app as { _router?: unknown; lazyrouter?: unknown; settings?: unknown };
  if (settings === undefined) return null;
  const router: unknown = lazyrouter === undefined ? (app as { router?: unknown }).router : router4;
  if (router === undefined) return { stack: [], params: {} };
  return isRouter(router) ? router : null;
}

/** Whether the value is a router whose entries can be read. */
export function isRouter(value: unknown): value is Router & Handler {
  return typeof value === 'function' && 'stack' in value && Array.isArray(value.stack) && 'params' in value;
}

/** The paths of a layer as the host wrote them, with null for an unknown one. */
export function writtenPaths(layer: Layer): unknown[] {
  if (layer.route) return [layer.route.path].flat(Infinity);
  if (layer.regexp) return readRegexp(layer.regexp, layer.keys ?? []);
  if (layer.slash) return ['/'];
  return layer.rawPath === undefined ? [null] : [layer.rawPath].flat(Infinity);
}

/** Whether the layer is case-sensitive. */
export function isCaseSensitive(layer: Layer, router: Router): boolean {
  return layer.regexp ? !layer.regexp.flags.includes('i') : router.caseSensitive === true;
}

/** Whether a request for `path` passes all these mounts and matches the last layer. */
export function reaches(chain: readonly Layer[], path: string): boolean {
  let rest = path;
  for (const layer of chain) {
    const matched = matchLayer(layer, rest);
    if (matched === null) return false;
    if (layer.route) return true;
    if (!rest.startsWith(matched) || !(matched === '' || /^([/.]|$)/.test(rest.slice(matched.length)))) return false;
    rest = rest.slice(matched.length);
    if (!rest.startsWith('/')) rest = `/${rest}`;
  }
  return true;
}

function matchLayer(layer: Layer, path: string): string | null {
  if (layer.regexp) return layer.regexp.fast_slash ? '' : (layer.regexp.exec(path)?.[0] ?? null);
  try {
    const match = layer.match?.(path);
    if (!match) return null;
    return typeof match === 'object' && 'path' in match ? String(match.path) : (layer.path ?? '');
  } catch {
    return null;
  }
}

/** Express 4 keeps only the expression that it made of a mount's path. Reads back a path if the expression has exactly that form. */
function readRegexp(regexp: NonNullable<Layer['regexp']>, keys: NonNullable<Layer['keys']>): unknown[] {
  if (regexp.fast_slash) return ['/'];
  if (regexp.fast_star) return ['*'];
  if (!/^i?$/.test(regexp.flags)) return [regexp];
  const names = keys.map(({ name }) => name);
  const written = regexp.source.split(/\|(?=\^)/).map((source) => {
    const path = /^\^((?:\\\/(?:[\w~%@-]|\\\.)+|\(\?:\\\/\(\[\^\\?\/\]\+\?\)\))*(?:\\\/\(\.\*\))?)\\\/\?\(\?=\\\/\|\$\)$/.exec(
      source,
    )?.[1];
    return path
      ?.replace('(.*)', '*')
      .replace(/\(\?:[^)]*\)\)/g, () => `/:${names.shift() ?? 'param'}`)
      .replace(/\\/g, '');
  });
  return written.includes(undefined) ? [regexp] : written.map((path) => path || '/');
}
