/**
 * The paths that a layer answers, as far as they can be read: the leading segments that are plain text or a whole parameter,
 * and whether that is all. Nothing is assumed of what could not be read.
 */
export interface RoutePath {
  /** As the host wrote it, mounts included. */
  text: string;
  /** Plain text, or {@link PARAMETER}. */
  lead: readonly string[];
  /** The lead is the whole path. */
  literal: boolean;
  /** After the lead comes whatever a wildcard takes: at least one segment, or also nothing. */
  wild?: 'some' | 'any';
  /** Paths below count as well: what `use` mounts. */
  deep: boolean;
  /** Lengths of the lead after which one more slash passes: Express 4 takes it for the end of a mount. */
  slashes: readonly number[];
  /** The case matters at no mount, at some, at every one; unset where there is none yet. */
  minds: 'no' | 'some' | 'all' | 'unset';
}

/** Stands in a lead for any one segment. */
const PARAMETER = ':';

/** Where an application begins. */
export const ROOT: RoutePath = { text: '', lead: [], literal: true, deep: true, slashes: [], minds: 'unset' };

const PLAIN_SEGMENT = /^[\w.~%@-]+$/;

/** How a layer matches. `version`: Express 4 and 5 read the same text differently. */
export interface Matching {
  deep: boolean;
  sensitive: boolean;
  version: 4 | 5;
  /** A mount at `/`, which Express takes nothing away for. */
  atRoot: boolean;
}

/** A path below another. `given`: what the host wrote, null when it cannot be known. */
export function joinPath(parent: RoutePath, given: unknown, { deep, sensitive, version, atRoot }: Matching): RoutePath {
  const own = readPath(given, version);
  const lead = parent.literal ? [...parent.lead, ...own.lead] : parent.lead;
  const literal = parent.literal && own.literal;
  const passesSlash = version === 4 && deep && literal && !atRoot;
  const before = parent.minds === 'unset' ? (sensitive ? 'all' : 'no') : parent.minds;
  return {
    text: own.text === '/' ? parent.text || '/' : (parent.text === '/' ? '' : parent.text) + own.text,
    lead,
    literal,
    ...(parent.literal && own.wild && { wild: own.wild }),
    deep,
    slashes: passesSlash ? [...parent.slashes, lead.length] : parent.slashes,
    minds: before === (sensitive ? 'all' : 'no') ? before : 'some',
  };
}

/** Whether every request for `route` meets `gate`: `maybe` when neither that nor the opposite can be read. */
export function covers(gate: RoutePath, route: RoutePath): 'yes' | 'maybe' | 'no' {
  if (gate.lead.some((segment, index) => conflicts(segment, route.lead[index]))) return 'no';
  const exact = route.literal && !route.deep;
  if (exact && gate.lead.length > route.lead.length) return 'no';
  if (exact && gate.literal && !gate.deep && gate.lead.length < route.lead.length) return 'no';
  if (!hasLead(route, gate)) return 'maybe';
  if (gate.wild === 'some') return route.lead.length > gate.lead.length ? 'yes' : 'maybe';
  if (gate.wild === 'any') return 'yes';
  return gate.literal && (gate.deep || exact) ? 'yes' : 'maybe';
}

/** The path where it is plain text from end to end: no parameter, no wildcard, nothing below. */
export function plainText({ lead, literal, deep, slashes }: RoutePath): string | undefined {
  return literal && !deep && slashes.length === 0 && !lead.includes(PARAMETER) ? `/${lead.join('/')}` : undefined;
}

/** Whether the path takes parameters out of a request, or may. */
export function hasParameters({ lead, literal }: RoutePath): boolean {
  return !literal || lead.includes(PARAMETER);
}

function hasLead(route: RoutePath, gate: RoutePath): boolean {
  // A gate that minds the case lets another spelling pass, and a route that does not answers it.
  if (gate.minds !== 'no' && route.minds !== 'all') return false;
  const last = gate.deep || gate.wild ? gate.lead.length - 1 : gate.lead.length;
  // `/a//b` is one for `/b` in a mount at `/a`, and none for a gate of `/a/b`.
  if (route.slashes.some((length) => length <= last && !gate.slashes.includes(length))) return false;
  return gate.lead.every((segment, index) => {
    const other = route.lead[index];
    if (segment === PARAMETER) return other !== undefined;
    return gate.minds === 'no' ? segment.toLowerCase() === other?.toLowerCase() : segment === other;
  });
}

function conflicts(segment: string, other: string | undefined): boolean {
  if (segment === PARAMETER || other === PARAMETER) return false;
  return other !== undefined && segment.toLowerCase() !== other.toLowerCase();
}

function readPath(given: unknown, version: 4 | 5): Pick<RoutePath, 'text' | 'lead' | 'literal' | 'wild'> {
  const text = typeof given === 'string' ? given : given instanceof RegExp ? given.toString() : '/<unknown>';
  const opaque = { text, lead: [], literal: false };
  if (typeof given !== 'string') return opaque;
  if (text === '/') return { text, lead: [], literal: true };
  if (text === '*' && version === 4) return { ...opaque, wild: 'any' };
  // What stands in these, in a path of Express 4, may reach back over what stands before them.
  const plain = text.replace(/:\w+\([^()|]*\)/g, ':()');
  if (!text.startsWith('/') || /[|\\]|\((?!\))|\/[?+]|\/\{(?![:*])/.test(plain)) return opaque;
  const segments = plain
    .replace(/\/$/, '')
    .slice(1)
    .split('/')
    // A parameter with a pattern of its own takes less than any segment.
    .map((segment) => (/^:\w+$/.test(segment) ? PARAMETER : segment));
  const end = segments.findIndex((segment) => segment !== PARAMETER && !PLAIN_SEGMENT.test(segment));
  if (end < 0) return { text, lead: segments, literal: true };
  const wild = end === segments.length - 1 ? readWildcard(segments[end] ?? '', { version, first: end === 0 }) : undefined;
  return { text, lead: segments.slice(0, end), literal: false, ...(wild && { wild }) };
}

/** A last segment that takes whatever follows. */
function readWildcard(segment: string, { version, first }: { version: 4 | 5; first: boolean }): RoutePath['wild'] {
  if (version === 4) return segment === '*' ? (first ? 'any' : 'some') : undefined;
  if (/^\{\*\w+\}$/.test(segment)) return first ? 'any' : 'some';
  return /^\*\w+$/.test(segment) ? 'some' : undefined;
}
