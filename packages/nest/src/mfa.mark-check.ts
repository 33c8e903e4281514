import { MfaError } from '@mfa-kit/core';
import { Logger } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { hasRouteGuard } from './mfa.decorators.js';
import { classesOf, classMark, handlerMark, type MfaMark, markOf, writtenMark } from './mfa.mark.js';
import { eachMethod } from './mfa.methods.js';

/** One method, the function that Nest calls for it, and the classes that it may come from. */
interface Called {
  name: string;
  called: object;
  type: object;
  classes: readonly object[];
}

const logger = new Logger('MfaModule');

/**
 * Throws if a mark has no effect: another decorator replaced the method with a function without the mark, a subclass overrides a
 * marked method, a class lost the mark of its methods, or a class's mark contradicts a handler that it inherits. Looks at the
 * functions that Nest will call.
 */
export function checkMarks(modules: ModulesContainer): void {
  for (const kind of ['controllers', 'providers'] as const) {
    for (const { controller, methods } of eachMethod(modules, kind)) {
      const classes = classesOf(controller);
      warnOfIgnoredSkip(controller, classes);
      for (const { name, own, callback } of methods) {
        // Nest calls the instance's method of a controller, but the prototype's method of a resolver or gateway.
        checkMethod({ name, called: kind === 'controllers' ? callback : own, type: controller, classes });
      }
    }
  }
}

function checkMethod({ name, called, type, classes }: Called): void {
  if (hasRouteGuard(called) && !markOf(called, type)) refuseLostClass(name, type);
  const marked = classes.find((one) => writtenMark(prototypeOf(one), name));
  if (!marked) return;
  const owner = classes.find((one) => Object.hasOwn(prototypeOf(one), name));
  const mark = writtenMark(prototypeOf(marked), name);
  if (!mark) return;
  if (marked !== owner) checkOverride({ name, called, type, classes }, { mark, marked, owner });
  else if (handlerMark(called) !== mark || (mark.kind === 'require' && !hasRouteGuard(called))) refuseLost(name, mark, marked);
  else if (mark.kind === 'skip') checkInheritedSkip({ name, called, type, classes }, marked);
}

function refuseLost(name: string, mark: MfaMark, marked: object): never {
  throw new MfaError(
    'host_setup',
    `The mark ${nameOf(mark)} on ${named(marked)}.${name}() is not on the function that Nest calls, because something replaced the ` +
      `method. Write ${nameOf(mark)} above the decorator that replaces the method, or let that decorator copy all metadata to the ` +
      'new function (Reflect.getMetadataKeys). Do not bind a marked method in the constructor.',
  );
}

/** Only `@RequireMfa()` adds this guard to a method. Without the mark the guard would require less than what was written. */
function refuseLostClass(name: string, type: object): never {
  throw new MfaError(
    'host_setup',
    `${named(type)}.${name}() is guarded, but the mark of its class is lost, because something copied the method to another class or ` +
      `replaced the class. Write @RequireMfa() on ${named(type)}, or let it extend the class that has the mark.`,
  );
}

/** Refuses a handler without a mark that overrides one with `@RequireMfa()`. A handler is a method with metadata of its own. */
function checkOverride(
  { name, called, classes }: Called,
  found: { mark: MfaMark; marked: object; owner: object | undefined },
): void {
  const { mark, marked, owner = classes[0] ?? marked } = found;
  const isHandler = Reflect.getMetadataKeys(called).some((key) => !String(key).startsWith('design:'));
  if (mark.kind === 'skip' || !isHandler) return;
  throw new MfaError(
    'host_setup',
    `${named(owner)}.${name}() overrides ${named(marked)}.${name}(), which has @RequireMfa(), and has no mark of its own. Write ` +
      '@RequireMfa() with its requirement on it as well, or @SkipMfa().',
  );
}

/** Otherwise a class that requires MFA would have an open handler, although nothing in the class says so. */
function checkInheritedSkip({ name, type, classes }: Called, marked: object): void {
  const asked = classMark(type);
  if (asked?.mark.kind !== 'require' || classes.indexOf(asked.from) >= classes.indexOf(marked)) return;
  throw new MfaError(
    'host_setup',
    `${named(asked.from)} has @RequireMfa(), but inherits ${name}() with @SkipMfa() from ${named(marked)}. Override ${name}() in ` +
      `${named(asked.from)} and mark it there, or drop one of the two.`,
  );
}

function warnOfIgnoredSkip(type: object, classes: readonly object[]): void {
  const base = classes.find((one) => one !== type && classMark(one)?.mark.kind === 'skip');
  if (!base || classMark(type)) return;
  logger.warn(
    `${named(type)} inherits from ${named(base)}, which has @SkipMfa(). That applies to ${named(base)} only, so the routes of ` +
      `${named(type)} have no mark. Write @SkipMfa() or @RequireMfa() on ${named(type)}, above any decorator that replaces the class.`,
  );
}

function prototypeOf(type: object): object {
  return (type as { prototype?: object }).prototype ?? type;
}

function nameOf({ kind }: MfaMark): string {
  return kind === 'skip' ? '@SkipMfa()' : '@RequireMfa()';
}

function named(type: object): string {
  return (type as { name?: string }).name || 'an anonymous class';
}
