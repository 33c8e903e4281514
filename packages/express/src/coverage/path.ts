/**
 * The paths that a layer answers, as far as they can be read: the leading segments that are plain text or a whole parameter,
 * and whether that is the whole path. Makes no assumption about a part that it could not read.
 */
export interface RoutePath {
  /** As the host wrote it, including the mounts. */
  text: string;
  /** The leading segments, each plain text or {@link PARAMETER}. */
  segments: readonly string[];
  /** The segments are the whole path. */
  literal: boolean;
  /** What a wildcard takes after the segments: at least one more (`some`), or any number (`any`). */
  wildcard?: 'some' | 'any';
  /** Also matches paths below, as `use` does. */
  withSubpaths: boolean;
  /** Numbers of segments after which an extra slash is accepted, because Express 4 takes it for the end of a mount. */
  slashes: readonly number[];
  /** Case sensitivity along the mounts: of none, some or all of them; `unset` before the first. */
  caseSensitive: 'no' | 'some' | 'all' | 'unset';
}

/** Matches any one segment. */
const PARAMETER = ':';

/** The path of the application itself. */
export const ROOT: RoutePath = { text: '', segments: [], literal: true, withSubpaths: true, slashes: [], caseSensitive: 'unset' };

const PLAIN_SEGMENT = /^[\w.~%@-]+$/;

/** How a layer matches. Express 4 and 5 read the same text differently, so `version` says which it is. */
export interface Matching {
  withSubpaths: boolean;
  sensitive: boolean;
  version: 4 | 5;
  /** A mount at `/`, for which Express removes nothing from the URL. */
  atRoot: boolean;
}

/** Joins a path to the one of its parent. `given` is what the host wrote, null if that is unknown. */
export function joinPath(parent: RoutePath, given: unknown, { withSubpaths, sensitive, version, atRoot }: Matching): RoutePath {
  const own = readPath(given, version);
  const segments = parent.literal ? [...parent.segments, ...own.segments] : parent.segments;
  const literal = parent.literal && own.literal;
  const passesSlash = version === 4 && withSubpaths && literal && !atRoot;
  const before = parent.caseSensitive === 'unset' ? (sensitive ? 'all' : 'no') : parent.caseSensitive;
  return {
    text: own.text === '/' ? parent.text || '/' : (parent.text === '/' ? '' : parent.text) + own.text,
    segments,
    literal,
    ...(parent.literal && own.wildcard && { wildcard: own.wildcard }),
    withSubpaths,
    slashes: passesSlash ? [...parent.slashes, segments.length] : parent.slashes,
    caseSensitive: before === (sensitive ? 'all' : 'no') ? before : 'some',
  };
}

/** Whether every request for `route` passes `gate`; `maybe` if the paths do not tell. */
export function covers(gate: RoutePath, route: RoutePath): 'yes' | 'maybe' | 'no' {
  if (gate.segments.some((segment, index) => conflicts(segment, route.segments[index]))) return 'no';
  const exact = route.literal && !route.withSubpaths;
  if (exact && gate.segments.length > route.segments.length) return 'no';
  if (exact && gate.literal && !gate.withSubpaths && gate.segments.length < route.segments.length) return 'no';
  if (!startsWithSegments(route, gate)) return 'maybe';
  if (gate.wildcard === 'some') return route.segments.length > gate.segments.length ? 'yes' : 'maybe';
  if (gate.wildcard === 'any') return 'yes';
  return gate.literal && (gate.withSubpaths || exact) ? 'yes' : 'maybe';
}

/** The path as text, if it has no parameter, no wildcard and no paths below. */
export function plainText({ segments, literal, withSubpaths, slashes }: RoutePath): string | undefined {
  return literal && !withSubpaths && slashes.length === 0 && !segments.includes(PARAMETER) ? `/${segments.join('/')}` : undefined;
}

/** Whether the path has parameters, or may have. */
export function hasParameters({ segments, literal }: RoutePath): boolean {
  return !literal || segments.includes(PARAMETER);
}

function startsWithSegments(route: RoutePath, gate: RoutePath): boolean {
  // A case-sensitive gate lets another spelling through, and a case-insensitive route answers it.
  if (gate.caseSensitive !== 'no' && route.caseSensitive !== 'all') return false;
  const last = gate.withSubpaths || gate.wildcard ? gate.segments.length - 1 : gate.segments.length;
  // `/a//b` reaches `/b` in a mount at `/a`, but does not pass a gate at `/a/b`.
  if (route.slashes.some((length) => length <= last && !gate.slashes.includes(length))) return false;
  return gate.segments.every((segment, index) => {
    const other = route.segments[index];
    if (segment === PARAMETER) return other !== undefined;
    return gate.caseSensitive === 'no' ? segment.toLowerCase() === other?.toLowerCase() : segment === other;
  });
}

function conflicts(segment: string, other: string | undefined): boolean {
  if (segment === PARAMETER || other === PARAMETER) return false;
  return other !== undefined && segment.toLowerCase() !== other.toLowerCase();
}

function readPath(given: unknown, version: 4 | 5): Pick<RoutePath, 'text' | 'segments' | 'literal' | 'wildcard'> {
  const text = typeof given === 'string' ? given : given instanceof RegExp ? given.toString() : '/<unknown>';
  const opaque = { text, segments: [], literal: false };
  if (typeof given !== 'string') return opaque;
  if (text === '/') return { text, segments: [], literal: true };
  if (text === '*' && version === 4) return { ...opaque, wildcard: 'any' };
  // In a path of Express 4 these patterns may also match what comes before them.
  const plain = text.replace(/:\w+\([^()|]*\)/g, ':()');
  if (!text.startsWith('/') || /[|\\]|\((?!\))|\/[?+]|\/\{(?![:*])/.test(plain)) return opaque;
  const parts = plain
    .replace(/\/$/, '')
    .slice(1)
    .split('/')
    // A parameter with its own pattern does not match every segment.
    .map((segment) => (/^:\w+$/.test(segment) ? PARAMETER : segment));
  const end = parts.findIndex((segment) => segment !== PARAMETER && !PLAIN_SEGMENT.test(segment));
  if (end < 0) return { text, segments: parts, literal: true };
  const wildcard = end === parts.length - 1 ? readWildcard(parts[end] ?? '', { version, first: end === 0 }) : undefined;
  return { text, segments: parts.slice(0, end), literal: false, ...(wildcard && { wildcard }) };
}

/** Reads a last segment that is a wildcard. */
function readWildcard(segment: string, { version, first }: { version: 4 | 5; first: boolean }): RoutePath['wildcard'] {
  if (version === 4) return segment === '*' ? (first ? 'any' : 'some') : undefined;
  if (/^\{\*\w+\}$/.test(segment)) return first ? 'any' : 'some';
  return /^\*\w+$/.test(segment) ? 'some' : undefined;
}
