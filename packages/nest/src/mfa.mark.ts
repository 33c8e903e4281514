import { MfaError, type Requirement } from '@mfa-kit/core';

/** What a decorator of the kit says about a handler or its class. The handler's mark has precedence over its class's. */
export type MfaMark = ({ kind: 'skip' } & { requirement?: never }) | { kind: 'require'; requirement: Requirement };

/** Key of the metadata that holds an {@link MfaMark}. */
export const MFA_MARK = '@mfa-kit/nest:mark';

/** The key for the mark of a class itself. */
const CLASS = Symbol('class');

/** The marks as they were written, by prototype and method, because metadata is lost when another decorator replaces the method. */
const written = new WeakMap<object, Map<string | symbol, MfaMark>>();

/** Records a mark. Throws if the handler or class already has a different one, because only one of them can apply. */
export function noteMark(target: object, name: string | symbol | undefined, mark: MfaMark): void {
  const marks = written.get(target) ?? new Map<string | symbol, MfaMark>();
  written.set(target, marks);
  const known = marks.get(name ?? CLASS);
  marks.set(name ?? CLASS, mark);
  if (!known || isSame(known, mark)) return;
  const place = name === undefined ? (target as { name?: string }).name : `${target.constructor.name}.${String(name)}()`;
  throw new MfaError(
    'host_setup',
    known.kind === mark.kind
      ? `Two @RequireMfa() with different requirements are on ${place}, so their order would decide. Keep one of them.`
      : `@SkipMfa() and @RequireMfa() are both on ${place}, so their order would decide. Keep one of them.`,
  );
}

/** The mark that was written on a method of exactly this prototype, even if the method no longer has it. */
export function writtenMark(prototype: object, name: string | symbol): MfaMark | undefined {
  return written.get(prototype)?.get(name);
}

/** The mark that applies to a handler: its own, or that of its class. */
export function markOf(handler: object, type: object): MfaMark | undefined {
  return handlerMark(handler) ?? classMark(type)?.mark;
}

/** The mark of a handler itself. */
export function handlerMark(handler: object): MfaMark | undefined {
  return Reflect.getOwnMetadata(MFA_MARK, handler);
}

/**
 * The mark that applies to a class, and the class that has it. A class inherits a requirement but never `@SkipMfa()`, because what
 * opens a base class was not meant for every subclass.
 */
export function classMark(type: object): { mark: MfaMark; from: object } | undefined {
  for (const one of classesOf(type)) {
    const mark: MfaMark | undefined = Reflect.getOwnMetadata(MFA_MARK, one);
    if (mark?.kind === 'require' || (mark && one === type)) return { mark, from: one };
  }
  return undefined;
}

/**
 * The name of the marked method that a handler replaces without having its mark. The guard asks once for each handler, because a
 * controller that is created for each request may bind its methods later than the check at start.
 */
export function unmarkedCopyOf(handler: object, type: object): string | undefined {
  const name = String((handler as { name?: unknown }).name).replace(/^bound /, '');
  const prototypes = classesOf(type).map((one) => (one as { prototype?: object }).prototype ?? one);
  const owner = prototypes.find((prototype) => Object.hasOwn(prototype, name));
  return owner && writtenMark(owner, name) && Reflect.get(owner, name) !== handler ? name : undefined;
}

/** A class and its base classes, the class itself first. */
export function classesOf(type: object): object[] {
  const classes: object[] = [];
  for (let one: unknown = type; typeof one === 'function' && one !== Function.prototype; one = Object.getPrototypeOf(one)) {
    classes.push(one);
  }
  return classes;
}

/** Requirements are normalized when they are written, so their fields have one order and plain values. */
function isSame(one: MfaMark, other: MfaMark): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
