/** The requests that a layer answers, as far as its path and those of its mounts can be read. */
export interface Template {
  /** As the host wrote it. */
  text: string;
  /** Each plain text, or {@link PARAMETER}. */
  segments: readonly string[];
  /** The path may go on after the segments. */
  tail: boolean;
  /** The segments and the tail are the whole path. */
  understood: boolean;
  /** Numbers of segments after which a router may take an extra slash for the end of a mount. */
  joints: readonly number[];
}

/** Any one segment. */
const PARAMETER = ':';

const PLAIN_SEGMENT = /^[\w.~%@-]+$/;
const WILDCARD = { 4: /(?:^|\/)\*$/, 5: /\/\*\w+$|\/?\{\/?\*\w+\}$/ };

/** More mounts than this in each other would give too many paths to ask for. */
const MOST_JOINTS = 5;

/** The path of the application itself. */
export const ROOT: Template = { text: '', segments: [], tail: false, understood: true, joints: [] };

/**
 * Joins a path to the one of its mount. `written` is what the host wrote, null if that is unknown; `removes` whether Express removes the
 * path from the URL.
 */
export function joinPath(parent: Template, written: unknown, given: { version: 4 | 5; removes: boolean }): Template {
  const own = readPath(written, WILDCARD[given.version]);
  const segments = [...parent.segments, ...own.segments];
  const joints = given.removes ? [...parent.joints, segments.length] : parent.joints;
  const afterTail = parent.tail && (own.tail || own.segments.length > 0);
  return {
    text: own.text === '/' ? parent.text || '/' : (parent.text === '/' ? '' : parent.text) + own.text,
    segments,
    tail: parent.tail || own.tail,
    understood: parent.understood && own.understood && !afterTail && joints.length <= MOST_JOINTS,
    joints,
  };
}

/** Whether the template stands for one path, apart from case and slashes. */
export function isLiteral({ segments, tail, understood }: Template): boolean {
  return understood && !tail && !segments.includes(PARAMETER);
}

/** Whether some request may match both. Says yes if in doubt. */
export function mayMeet(some: Template, other: Template): boolean {
  if (!some.understood || !other.understood) return true;
  if (!other.tail && some.segments.length > other.segments.length) return false;
  return some.segments.every((segment, index) => {
    const opposite = other.segments[index];
    return opposite === undefined || [segment, opposite].includes(PARAMETER) || same(segment, opposite);
  });
}

/**
 * Whether requests for `target` may have another path before the mount than after it. Express removes as many characters as `req.path`
 * has there, but `req.url` has fewer if Node escaped some: of `/{{/one/admin#`, a mount at `/:id` leaves `/admin`.
 */
export function mayMove(mount: Template, target: Template): boolean {
  if (!mount.understood || mount.tail || !target.understood) return true;
  return mount.segments.some((segment, index) => segment === PARAMETER && (target.segments[index] ?? PARAMETER) === PARAMETER);
}

/** Whether a path that matches the mount begins with one that matches the guard. */
export function beginsWith(mount: Template, guard: Template): boolean {
  if (!mount.understood || !guard.understood || guard.tail || guard.segments.length > mount.segments.length) return false;
  return guard.segments.every((segment, index) => segment === PARAMETER || same(segment, mount.segments[index] ?? ''));
}

/**
 * Paths that stand for everything that matches the template: spellings and slashes, values for its parameters that no other path names,
 * and for a tail each number of segments up to one more than `depth`.
 */
export function pathsOf({ segments, tail, joints }: Template, given: { depth: number; spellings: boolean }): string[] {
  const values = segments.includes(PARAMETER) ? ['mfa-kit-value', 'Mfa.Kit%2Fvalue'] : [''];
  const rests = tail ? tails(Math.max(1, given.depth + 1 - segments.length)) : ['', '/'];
  const paths = values.flatMap((value) => {
    const filled = segments.map((segment) => (segment === PARAMETER ? value : segment));
    const plain = spell(filled, []) || '/';
    const others = slashesAt(joints).flatMap((slashes) => rests.map((rest) => spell(filled, slashes) + rest || '/'));
    return given.spellings ? [plain, plain.toUpperCase(), plain.toLowerCase(), ...others] : [plain, ...others];
  });
  // Node accepts this one for a path, too.
  if (tail && segments.length === 0) paths.push('*');
  return [...new Set(paths)];
}

/** The requests for which a guard reads this path: a router removes a slash at a joint, and adds one at the end of a mount. */
export function requestsFor(path: string, mounts: readonly Template[]): string[] {
  const parts = path.split('/').slice(1);
  const own = joinPath(ROOT, path, { version: 5, removes: false });
  const met = mounts.filter((mount) => mayMeet(mount, own));
  // In a mount whose path cannot be read, they may be anywhere.
  const most = met.some(({ understood }) => !understood) ? [0, 1, 2, 3] : [];
  for (const { joints } of met) {
    for (const [index, joint] of joints.entries()) {
      if (count(joint, most) <= count(joint, joints.slice(0, index))) most.push(joint);
    }
  }
  const requests = slashesAt(most.filter((joint) => joint <= parts.length)).map((slashes) => spell(parts, slashes));
  return [...new Set(requests.flatMap((request) => [request, request.replace(/(.)\/$/, '$1'), `${request}/`]))];
}

function readPath(written: unknown, wildcard: RegExp): Pick<Template, 'text' | 'segments' | 'tail' | 'understood'> {
  const text = typeof written === 'string' ? written : written instanceof RegExp ? written.toString() : '/<unknown>';
  const unread = { text, segments: [], tail: true, understood: false };
  if (typeof written !== 'string') return unread;
  const fixed = text.replace(wildcard, '').replace(/\/$/, '');
  const segments = fixed === '' ? [] : fixed.slice(1).split('/');
  const plain = segments.map((segment) => (/^:\w+$/.test(segment) ? PARAMETER : segment));
  if (fixed !== '' && !fixed.startsWith('/')) return unread;
  if (plain.some((segment) => segment !== PARAMETER && !PLAIN_SEGMENT.test(segment))) return unread;
  return { text, segments: plain, tail: wildcard.test(text), understood: true };
}

function count(joint: number, joints: readonly number[]): number {
  return joints.filter((one) => one === joint).length;
}

function same(segment: string, other: string): boolean {
  return segment.toLowerCase() === other.toLowerCase();
}

function spell(segments: readonly string[], slashes: readonly number[]): string {
  const extra = (index: number): string => '/'.repeat(count(index, slashes));
  return segments.map((segment, index) => `${extra(index)}/${segment}`).join('') + extra(segments.length);
}

/** Every choice of places for an extra slash. */
function slashesAt(joints: readonly number[]): number[][] {
  let choices: number[][] = [[]];
  for (const joint of joints.slice(0, MOST_JOINTS)) choices = choices.flatMap((some) => [some, [...some, joint]]);
  return choices;
}

/** What may follow the segments: up to `depth` more, with an extra slash in each place. */
function tails(depth: number): string[] {
  const found = new Set<string>();
  for (let count = 0; count <= depth; count += 1) {
    const parts = Array.from({ length: count }, () => '/below');
    for (let at = 0; at <= count; at += 1) {
      const doubled = [...parts.slice(0, at), '/', ...parts.slice(at)].join('');
      found
        .add(parts.join(''))
        .add(`${parts.join('')}/`)
        .add(doubled)
        .add(`${doubled}/`);
    }
  }
  return [...found];
}
