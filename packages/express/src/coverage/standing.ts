import type { CoverageStatus } from '@mfa-kit/core/http';
import { type Layer, reaches } from './layer.js';
import { covers, plainText, type RoutePath } from './path.js';

/** What a request meets on its way, in order. */
export type Step =
  | {
      kind: 'guard';
      path: RoutePath;
      /** Paths that it leaves open. */
      open: readonly string[];
      /** Whether requests of this method meet it: `GET`, or `ALL` for every method. */
      holds(method: string): boolean;
    }
  /** What takes an error and may go on as if there was none, past the guards that the error skipped. `from`: the first of them. */
  | { kind: 'error-handler'; path: RoutePath; from: number }
  /** What may answer before the guards that follow. */
  | { kind: 'early'; why: string }
  /** The kit answers here whatever comes. */
  | { kind: 'kit'; chain: readonly Layer[] };

/** A place where a request may be answered. */
export interface Place {
  path: RoutePath;
  method: string;
  /** The mounts, and the layer itself. */
  chain: readonly Layer[];
}

/** How a place stands behind the steps before it. */
export interface Standing {
  status: CoverageStatus;
  why?: string;
}

/** Judges a place by what every request for it has met before. Guarded only where nothing else can be. */
export function judge(steps: readonly Step[], place: Place): Standing {
  let held: { index: number; open: readonly string[] }[] = [];
  let doubt: string | undefined;
  let early: string | undefined;
  let kits: (readonly Layer[])[] = [];
  for (const [index, step] of steps.entries()) {
    if (step.kind === 'guard') {
      const covered = step.holds(place.method) ? covers(step.path, place.path) : 'no';
      if (covered === 'yes') held.push({ index, open: step.open });
      if (covered === 'maybe') doubt ??= `a guard of ${step.path.text || '/'} may not meet all of it`;
    } else if (step.kind === 'error-handler' && covers(step.path, place.path) !== 'no') {
      const before = held.length;
      held = held.filter((one) => one.index < step.from);
      kits = [];
      if (held.length < before) doubt = 'an error handler after the guard may go on without it';
    } else if (step.kind === 'early' && held.length === 0) {
      early = step.why;
    } else if (step.kind === 'kit') {
      kits.push(step.chain);
    }
  }
  if (held.length === 0) return doubt === undefined ? { status: 'open' } : { status: 'unknown', why: doubt };
  if (early !== undefined) return { status: 'unknown', why: early };
  const open = held.map((one) => one.open).reduce((all, some) => all.filter((path) => some.includes(path)));
  const left = open.filter((path) => isAnswered(kits, place, path));
  if (left.length === 0) return { status: 'guarded' };
  return { status: 'skipped', ...(plainText(place.path) === undefined && { why: `without a guard only at ${left.join(', ')}` }) };
}

/** Whether a request for exactly this path, which the guards leave open, is answered at the place. */
function isAnswered(kits: readonly (readonly Layer[])[], { path, chain }: Place, open: string): boolean {
  // A guard that is mounted at `/x` sees a request for `/x` as one for `/x/`.
  return [open, open.replace(/(.)\/$/, '$1'), `${open}/`].some((request) => {
    if (kits.some((kit) => reaches(kit, request))) return false;
    const plain = plainText(path);
    if (plain === undefined) return reaches(chain, request);
    return request.replace(/(.)\/$/, '$1').toLowerCase() === plain.toLowerCase();
  });
}
