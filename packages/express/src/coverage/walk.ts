import { type KitHandler, kitHandler } from '../marks.js';
import type { Place } from './places.js';
import { beginsWith, mayMove } from './requests.js';
import { entersRoute, type Handler, handlersFor, type LayerMatch, matchLayer, nameOf } from './router.js';

/** A guard that a request has passed. */
export interface Passed {
  mark: Extract<KitHandler, { kind: 'guard' }>;
  place: Place;
  /** The guard leaves the path of the request open. */
  open: boolean;
  /** A mount after it may have changed the path that it was asked for. */
  moved: boolean;
}

/** What a request reaches, and what it has passed before. */
export interface Visit {
  place: Place;
  /** The callback of `param()`; absent for what the layer itself runs. */
  callback?: Place['callbacks'][number];
  guards: readonly Passed[];
  /** Why a guard before it does not count. */
  lost: string | undefined;
  /** The handler of a route whose guard comes later. */
  early: string | undefined;
}

/** A request to follow, or all of them at once. */
export interface Course {
  method: string;
  /** Absent: follows the requests for each place. Then only guards count that every request for it meets. */
  path?: string;
  /** What each layer answered for this path, for the next method. */
  matches?: Map<Place, LayerMatch | null>;
  /** Whether a layer that does not match this path may match another one that the path stands for. */
  mayMatch?(place: Place): boolean;
  /** Where the course ends. Layers that do not matter for it are left out. */
  target?: Place;
  visit(visit: Visit): void;
}

interface Position {
  path: string;
  base: string;
}

const ERROR_HANDLER = 'an error handler after the guard may go on without it';
const CALLBACK = 'a callback of param() also runs if the guard fails';
const NEXT_ROUTER = 'a function before the guard may leave its router with next("router")';
const NEXT_ROUTE = 'a function before the guard may leave its route with next("route")';

/** Goes through the layers as Express does. Assumes that a function of the host passes on, by any form of `next`. */
export function walk(places: readonly Place[], course: Course): void {
  const { method, path, matches, mayMatch, target, visit } = course;
  const passed: Passed[] = [];
  let lost: string | undefined;

  const drop = (length: number, why: string): void => {
    if (passed.slice(length).some(({ open }) => !open)) lost ??= why;
    passed.length = Math.min(passed.length, length);
  };
  const match = (place: Place, at: Position | undefined): LayerMatch | null | undefined => {
    const known = matches?.get(place);
    if (!at || known !== undefined) return known;
    const found = matchLayer(place.layer, at.path, place.stateful);
    matches?.set(place, found);
    return found;
  };
  const meet = (place: Place, more: Partial<Visit> = {}): void =>
    visit({ place, guards: [...passed], lost, early: undefined, ...more });
  const pass = (place: Place, mark: Passed['mark'], at: Position | undefined): void => {
    passed.push({ mark, place, open: at !== undefined && mark.open?.has(at.base + at.path) === true, moved: false });
  };

  /** Notes which guards a mount that follows them may bypass. */
  const move = (mount: Place): void => {
    if (!target || mount.layer.route || mount.matchesAll) return;
    if (!mount.templates.some((one) => target.templates.some((other) => mayMove(one, other)))) return;
    for (const guard of passed) {
      const { layer, templates } = guard.place;
      const same = !layer.route && mount.templates.every((one) => templates.some((other) => beginsWith(one, other)));
      if (!same) guard.moved = true;
    }
  };

  /** Returns how many guards a request has passed that leaves the router by next('router'). */
  const walkRoute = (place: Place, handlers: readonly Handler[], at: Position | undefined): number => {
    const start = passed.length;
    let kept = Number.POSITIVE_INFINITY;
    for (const [index, handle] of handlers.entries()) {
      const mark = kitHandler(handle);
      if (mark?.kind === 'guard') pass(place, mark, at);
      if (mark) continue;
      if (handle.length === 4) drop(start, ERROR_HANDLER);
      const followed = handlers.slice(index + 1).some((later) => kitHandler(later)?.kind === 'guard');
      meet(place, { early: followed ? nameOf(handle) : undefined });
      kept = Math.min(kept, passed.length);
    }
    drop(kept, NEXT_ROUTE);
    return kept;
  };

  /** Returns whether the request has ended. */
  const walkRouter = (inner: readonly Place[], at: Position | undefined, depth = 1): boolean => {
    const start = passed.length;
    let kept = Number.POSITIVE_INFINITY;
    for (const place of inner) {
      const { layer, kind, mark, callbacks } = place;
      if (target && depth === 1 && !place.matters && !target.chain.includes(place)) {
        if (!layer.route && !place.matchesAll && mayMatch?.(place)) move(place);
        continue;
      }
      const before = passed.length;
      const handlers = layer.route && entersRoute(layer.route, method) ? handlersFor(layer.route, method) : undefined;
      if (kind === 'route' && !handlers) continue;
      const matched = match(place, at);
      if (matched === null) {
        if (mayMatch?.(place) !== true) continue;
        move(place);
        if (kind === 'error-handler') drop(start, ERROR_HANDLER);
        if (callbacks.length > 0 || ['error-handler', 'function', 'route'].includes(kind)) kept = Math.min(kept, passed.length);
        continue;
      }
      // Express also calls them after an error, except before a route.
      const met = !layer.route && passed.length > start ? { guards: passed.slice(0, start), lost: lost ?? CALLBACK } : {};
      for (const callback of callbacks) meet(place, { callback, ...met });
      if (callbacks.length > 0) kept = Math.min(kept, passed.length);
      const next = at && !layer.route ? trim(place, matched?.path ?? '', at) : at;
      if (next === null) continue;
      if (kind === 'router') move(place);
      if (handlers) kept = Math.min(kept, walkRoute(place, handlers, next));
      else if (mark?.kind === 'guard') pass(place, mark, next);
      else if (kind === 'kit' && at) return true;
      else if (kind === 'error-handler') drop(start, ERROR_HANDLER);
      else if (kind === 'router' && walkRouter(place.inner, next, depth + 1)) return true;
      else if (kind === 'function') meet(place);
      if (kind !== 'router' && place !== target) move(place);
      if (kind === 'error-handler' || kind === 'function') kept = Math.min(kept, passed.length);
      if (callbacks.length > 0) drop(before, 'a callback of param() may leave the guard out with next("route")');
      if (!at && !place.matchesAll) drop(before, `a guard of ${textOf(passed[before])} may not cover all of it`);
      if (place === target) return true;
    }
    drop(kept, NEXT_ROUTER);
    return false;
  };

  walkRouter(places, path === undefined ? undefined : { path, base: '' });
}

/** What a nested handler sees of the path; null if Express passes the layer by. */
function trim({ layer }: Place, matched: string, { path, base }: Position): Position | null {
  const rest = path.slice(matched.length);
  const boundary = layer.regexp ? /^(?:[/.]|$)/ : /^(?:\/|$)/;
  if (matched !== '' && !(path.startsWith(matched) && boundary.test(rest))) return null;
  return { path: rest.startsWith('/') || matched === '' ? rest : `/${rest}`, base: base + matched.replace(/\/$/, '') };
}

/** The path of a guard as the report prints it. */
export function textOf(guard: Passed | undefined): string {
  return guard?.place.templates[0]?.text || '/';
}
