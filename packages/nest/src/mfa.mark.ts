import { MfaError, type Requirement } from '@mfa-kit/core';

/** What a decorator of the kit says of a handler or of its class; the handler's word counts before the class's. */
export type MfaMark = ({ kind: 'skip' } & { requirement?: never }) | { kind: 'require'; requirement: Requirement };

/** Key of the metadata that holds an {@link MfaMark}. */
export const MFA_MARK = '@mfa-kit/nest:mark';

/** The name under which the mark of a class itself is noted. */
const CLASS = Symbol('class');

/** What was written on which method of which prototype: metadata are lost when another decorator replaces the method. */
const written = new WeakMap<object, Map<string | symbol, MfaMark>>();

/** Notes a mark as it is written. Throws where the same handler or class has another one, because only one of them can count. */
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
      ? `Two @RequireMfa() with different requirements stand on ${place}, so that their order would decide. Keep one of them.`
      : `@SkipMfa() and @RequireMfa() both stand on ${place}, so that their order would decide. Keep one of them.`,
  );
}

/** The mark that was written on a method of this very prototype, whether or not the method still has it. */
export function writtenMark(prototype: object, name: string | symbol): MfaMark | undefined {
  return written.get(prototype)?.get(name);
}

/** What counts for a handler: its own mark, otherwise that of its class. */
export function markOf(handler: object, type: object): MfaMark | undefined {
  return handlerMark(handler) ?? classMark(type)?.mark;
}

/** The mark of a handler itself. */
export function handlerMark(handler: object): MfaMark | undefined {
  return Reflect.getOwnMetadata(MFA_MARK, handler);
}

/**
 * The mark that counts for a class, and the class that has it. A class inherits a requirement, and never `@SkipMfa()`: what opens
 * a base class was not meant for every class that extends it.
 */
export function classMark(type: object): { mark: MfaMark; from: object } | undefined {
  for (const one of classesOf(type)) {
    const mark: MfaMark | undefined = Reflect.getOwnMetadata(MFA_MARK, one);
    if (mark?.kind === 'require' || (mark && one === type)) return { mark, from: one };
  }
  return undefined;
}

/**
 * The name of a marked method that a handler stands for without having its mark. What is bound in the constructor of a controller
 * that is made for each request is not there at start, so the guard asks this once for each handler.
 */
export function unmarkedCopyOf(handler: object, type: object): string | undefined {
  const name = String((handler as { name?: unknown }).name).replace(/^bound /, '');
  const prototypes = classesOf(type).map((one) => (one as { prototype?: object }).prototype ?? one);
  const owner = prototypes.find((prototype) => Object.hasOwn(prototype, name));
  return owner && writtenMark(owner, name) && Reflect.get(owner, name) !== handler ? name : undefined;
}

/** A class and what it extends, the class itself first. */
export function classesOf(type: object): object[] {
  const classes: object[] = [];
  for (let one: unknown = type; typeof one === 'function' && one !== Function.prototype; one = Object.getPrototypeOf(one)) {
    classes.push(one);
  }
  return classes;
}

/** A requirement was checked when it was written, so that its fields have one order and are plain values. */
function isSame(one: MfaMark, other: MfaMark): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
