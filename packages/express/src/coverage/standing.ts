import type { CoverageStatus } from '@mfa-kit/core/http/coverage';
import { type Layer, reaches } from './layer.js';
import { covers, plainText, type RoutePath } from './path.js';

/** One step that a request passes before it reaches a place. */
export type Step =
  | {
      kind: 'guard';
      path: RoutePath;
      /** The paths that the guard leaves open. */
      open: readonly string[];
      /** Whether the guard runs for this method; `ALL` asks for every method. */
      holds(method: string): boolean;
    }
  /** An error handler may continue without the error, past the guards that the error skipped. `from` is the first of those. */
  | { kind: 'error-handler'; path: RoutePath; from: number }
  /** A function that may answer before the guards that follow. */
  | { kind: 'early'; why: string }
  /** The kit answers every request here. */
  | { kind: 'kit'; chain: readonly Layer[] };

/** A place where a request may be answered. */
export interface Place {
  path: RoutePath;
  method: string;
  /** The mounts, then the layer itself. */
  chain: readonly Layer[];
}

/** Whether the steps before a place guard it. */
export interface Standing {
  status: CoverageStatus;
  why?: string;
}

/** Decides whether a place is guarded from the steps that every request for it passes. `guarded` only if no doubt is left. */
export function judge(steps: readonly Step[], place: Place): Standing {
  let guards: { index: number; open: readonly string[] }[] = [];
  let doubt: string | undefined;
  let early: string | undefined;
  let kits: (readonly Layer[])[] = [];
  for (const [index, step] of steps.entries()) {
    if (step.kind === 'guard') {
      const covered = step.holds(place.method) ? covers(step.path, place.path) : 'no';
      if (covered === 'yes') guards.push({ index, open: step.open });
      if (covered === 'maybe') doubt ??= `a guard of ${step.path.text || '/'} may not cover all of it`;
    } else if (step.kind === 'error-handler' && covers(step.path, place.path) !== 'no') {
      const before = guards.length;
      guards = guards.filter((one) => one.index < step.from);
      kits = [];
      if (guards.length < before) doubt = 'an error handler after the guard may go on without it';
    } else if (step.kind === 'early' && guards.length === 0) {
      early = step.why;
    } else if (step.kind === 'kit') {
      kits.push(step.chain);
    }
  }
  if (guards.length === 0) return doubt === undefined ? { status: 'open' } : { status: 'unknown', why: doubt };
  if (early !== undefined) return { status: 'unknown', why: early };
  const open = guards.map((one) => one.open).reduce((all, some) => all.filter((path) => some.includes(path)));
  const left = open.filter((path) => isAnswered(kits, place, path));
  if (left.length === 0) return { status: 'guarded' };
  return { status: 'skipped', ...(plainText(place.path) === undefined && { why: `without a guard only at ${left.join(', ')}` }) };
}

/** Whether this path, which the guards leave open, is answered at the place. */
function isAnswered(kits: readonly (readonly Layer[])[], { path, chain }: Place, open: string): boolean {
  // A guard that is mounted at `/x` sees `/x` as `/x/`.
  return [open, open.replace(/(.)\/$/, '$1'), `${open}/`].some((request) => {
    if (kits.some((kit) => reaches(kit, request))) return false;
    const plain = plainText(path);
    if (plain === undefined) return reaches(chain, request);
    return request.replace(/(.)\/$/, '$1').toLowerCase() === plain.toLowerCase();
  });
}
