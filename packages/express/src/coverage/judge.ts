import type { Requirement } from '@mfa-kit/core';
import type { CoverageFinding } from '@mfa-kit/core/http/coverage';
import { kitHandler } from '../marks.js';
import { methodRows, methodsOf, type Place, readPlaces } from './places.js';
import { isLiteral, mayMeet, pathsOf, requestsFor, type Template } from './requests.js';
import { nameOf, type Router } from './router.js';
import { type Passed, textOf, type Visit, walk } from './walk.js';

/** What was found for a place, by all its requests or by one of them. */
type Standing = Pick<CoverageFinding, 'status' | 'why' | 'requirement'> & {
  /** The request that showed it. */
  request?: string;
  /** It depends on the path whether a guard is passed. */
  depends?: true;
};

/** Something that may answer: the layer of a place, or a callback of `param()` before it. */
interface Target {
  place: Place;
  callback: Visit['callback'];
}

type Standings = Map<Place, { callback: Visit['callback']; method: string; standing: Standing }[]>;

/** Worst first. */
const RANKS = ['open', 'unknown', 'skipped', 'guarded'] as const;

/** Lists everything in a router that may answer, and whether each request for it passes a guard. */
export function judgeAll(router: Router): CoverageFinding[] {
  const top = readPlaces(router);
  const methods = methodsOf(top);
  const places = withInner(top);
  const always: Standings = new Map();
  for (const method of methods) walk(top, { method, visit: (visit) => keep(always, method, visit, alwaysStanding(visit)) });
  const excepted: Standings = new Map();
  for (const { path, request } of openRequests(places)) {
    const matches = new Map();
    for (const method of methods) {
      const visit = (one: Visit): void => {
        const standing = standingOf(one, { request, covers: () => true });
        if (standing.status !== 'guarded')
          keep(excepted, method, one, standing.status === 'skipped' ? { ...standing, why: path } : standing);
      };
      walk(top, { method, path: request, matches, visit });
    }
  }
  const guarding = places.filter(({ matters }) => matters).flatMap(({ templates }) => templates);
  const asking = {
    depth: Math.max(0, ...guarding.map(({ segments }) => segments.length)),
    spellings: places.some((place) => place.case !== 'ignored'),
  };

  const judge: Judge = (target, template, some) => {
    const known = (all: Standings, method: string): Standing[] =>
      (all.get(target.place) ?? [])
        .filter((one) => one.method === method && one.callback?.handle === target.callback?.handle)
        .map(({ standing }) => standing);
    const depending = some.filter((method) => known(always, method).some(({ depends }) => depends));
    const asked = template.understood
      ? ask(top, { target, template, methods: depending, ...asking })
      : new Map<string, Standing[]>();
    return some.flatMap((method) => [...(asked.get(method) ?? known(always, method)), ...known(excepted, method)]);
  };

  return [...places.flatMap((place) => rowsOf(place, methods, judge)), ...callbackRows(places, methods, judge)];
}

type Judge = (target: Target, template: Template, methods: readonly string[]) => Standing[];

function rowsOf(place: Place, methods: readonly string[], judge: Judge): CoverageFinding[] {
  const { kind, layer, templates } = place;
  const target = { place, callback: undefined };
  return templates.flatMap((template): CoverageFinding[] => {
    const text = template.text || '/';
    if (kind === 'kit') return [{ route: `USE ${text} (mfa-kit)`, status: 'skipped', why: 'the endpoints of the kit' }];
    if (layer.route) {
      return methodRows(layer.route, methods).flatMap(({ row, methods: some }) =>
        combine(judge(target, template, some)).map((one) => ({ route: `${row} ${text}`, ...one })),
      );
    }
    if (kind !== 'function') return [];
    const row = { route: `USE ${text} (${nameOf(layer.handle)})`, isFunction: true };
    return combine(judge(target, template, methods).map(asFunction)).map((one) => ({ ...row, ...one }));
  });
}

/** Callbacks of `param()`. One that runs only behind a guard needs no row. */
function callbackRows(places: readonly Place[], methods: readonly string[], judge: Judge): CoverageFinding[] {
  const callbacks = places.flatMap((place) => place.callbacks.map((callback) => ({ place, callback })));
  const handles = [...new Set(callbacks.map(({ callback }) => callback.handle))];
  return handles.flatMap((handle) => {
    const targets = callbacks.filter(({ callback }) => callback.handle === handle);
    const found = targets.flatMap((target) => target.place.templates.flatMap((template) => judge(target, template, methods)));
    const route = `PARAM :${targets[0]?.callback.name} (${nameOf(handle)})`;
    return combine(found.map(asFunction)).flatMap((one) =>
      one.status === 'guarded' ? [] : [{ route, isFunction: true, ...one }],
    );
  });
}

/** Asks for one place with every path and follows the requests. Returns what they showed, by method. */
function ask(
  top: readonly Place[],
  given: { target: Target; template: Template; methods: readonly string[]; depth: number; spellings: boolean },
): Map<string, Standing[]> {
  const { target, methods, depth, spellings } = given;
  const { place, callback } = target;
  // What is mounted also gets the requests below its path.
  const template = place.layer.route ? given.template : { ...given.template, tail: true };
  const found = new Map<string, Standing[]>();
  if (methods.length === 0) return found;
  const covers = (guard: Passed): boolean => isCovered(guard, place, template);
  const mayMatch = (other: Place): boolean => other.templates.some((one) => mayMeet(one, template));
  let open = false;
  for (const path of pathsOf(template, { depth, spellings })) {
    if (open) break;
    const matches = new Map();
    for (const method of methods) {
      const visit = (one: Visit): void => {
        if (one.place !== place || one.callback?.handle !== callback?.handle) return;
        const standing = standingOf(one, { request: `${method.toUpperCase()} ${path}`, covers });
        found.set(method, [...(found.get(method) ?? []), standing]);
        open ||= standing.status === 'open';
      };
      walk(top, { method, path, matches, mayMatch, target: place, visit });
    }
  }
  return found;
}

/** What holds for every request that gets to a place. */
function alwaysStanding({ guards, lost, early }: Visit): Standing {
  if (guards.length > 0) return { status: 'guarded', ...strictest(guards) };
  if (lost !== undefined) return { status: 'unknown', why: lost, depends: true };
  return early === undefined ? { status: 'open' } : { status: 'unknown', why: `${early} runs before the guard` };
}

/** What one request shows. */
function standingOf({ guards, lost, early }: Visit, given: { request: string; covers(guard: Passed): boolean }): Standing {
  const { request, covers } = given;
  const closed = guards.filter(({ open }) => !open);
  const counting = closed.filter(covers);
  if (counting.length > 0) return { status: 'guarded', ...strictest(counting) };
  if (closed.length > 0) return { status: 'unknown', why: `a guard of ${textOf(closed[0])} may not cover all of it` };
  if (lost !== undefined) return { status: 'unknown', why: lost };
  if (guards.length > 0) return { status: 'skipped' };
  return early === undefined ? { status: 'open', request } : { status: 'unknown', why: `${early} runs before the guard` };
}

/** Whether a guard that a request for the place met is met by every other one that the template stands for. */
function isCovered({ place: guard, moved }: Passed, place: Place, template: Template): boolean {
  const shared = guard.chain.filter((one, index) => place.chain[index] === one).length;
  const own = guard.chain.slice(shared).filter(({ matchesAll }) => !matchesAll);
  if (own.length === 0) return true;
  // A router does nothing if no path is left after its mount, as for `x://host/admin` at /admin.
  if (moved || own.some((one) => one !== guard)) return false;
  const others = place.chain.slice(shared).filter(({ matchesAll }) => !matchesAll);
  if (!own.every((one) => one.case === 'ignored') && !others.every((one) => one.case === 'sensitive')) return false;
  if (guard.templates.every(({ understood }) => understood)) return true;
  // The guard's own matcher has decided about the only path there is.
  return isLiteral(template) && own.every(({ stateful }) => stateful.length === 0);
}

function strictest(guards: readonly Passed[]): Pick<Standing, 'requirement'> {
  const asked = guards.map(({ mark }) => mark.requirement);
  const ages = asked.flatMap(({ maxAgeSeconds }) => maxAgeSeconds ?? []);
  const requirement: Requirement = {};
  if (ages.length > 0) requirement.maxAgeSeconds = Math.min(...ages);
  if (asked.some(({ acceptRememberedDevice }) => acceptRememberedDevice === false)) requirement.acceptRememberedDevice = false;
  return Object.keys(requirement).length === 0 ? {} : { requirement };
}

/** A function that no guard precedes may answer, or not. */
function asFunction(standing: Standing): Standing {
  if (standing.status !== 'open') return standing;
  return { ...standing, status: 'unknown', why: 'runs before any guard, and may answer itself' };
}

/** Combines what was found for a row. The worst counts, and the requirement that all guards ask for. */
function combine(found: readonly Standing[]): Standing[] {
  const worst = RANKS.flatMap((rank) => found.filter(({ status }) => status === rank))[0];
  if (!worst) return [];
  const { status, request } = worst;
  const guarded = found.filter((one) => one.status === 'guarded');
  if (status === 'guarded') {
    const requirements = new Map(guarded.map(({ requirement }) => [JSON.stringify(requirement), requirement]));
    return [...requirements.values()].map((requirement) => ({ status, ...(requirement && { requirement }) }));
  }
  if (status === 'skipped') {
    const paths = [...new Set(found.flatMap((one) => (one.status === 'skipped' && one.why !== undefined ? [one.why] : [])))];
    return [{ status, why: `requireMfaExcept: ${listOf(paths)}` }];
  }
  if (request !== undefined && found.some((one) => one.status !== status))
    return [{ status, why: `${request} reaches it without a guard` }];
  return [worst.why === undefined ? { status } : { status, why: worst.why }];
}

function listOf(paths: readonly string[]): string {
  return paths.length > 4 ? `${paths.slice(0, 3).join(', ')} and ${paths.length - 3} more` : paths.join(', ');
}

/** The requests for the paths that guards leave open. */
function openRequests(places: readonly Place[]): { path: string; request: string }[] {
  const guards = places.flatMap(({ mark, layer }) => [
    mark,
    ...(layer.route?.stack.map(({ handle }) => kitHandler(handle)) ?? []),
  ]);
  const paths = new Set(guards.flatMap((mark) => (mark?.kind === 'guard' ? (mark.open?.paths ?? []) : [])));
  const mounts = places.filter(({ layer }) => !layer.route).flatMap(({ templates }) => templates);
  return [...paths].flatMap((path) => requestsFor(path, mounts).map((request) => ({ path, request })));
}

function withInner(places: readonly Place[]): Place[] {
  return places.flatMap((place) => [place, ...withInner(place.inner)]);
}

function keep(all: Standings, method: string, { place, callback }: Visit, standing: Standing): void {
  const known = all.get(place) ?? [];
  known.push({ callback, method, standing });
  all.set(place, known);
}
