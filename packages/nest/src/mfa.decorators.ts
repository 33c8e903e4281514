import { type Assurance, MfaError, type Requirement } from '@mfa-kit/core';
import { type Awaitable, checkRequirement } from '@mfa-kit/core/http';
import {
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Inject,
  Injectable,
  SetMetadata,
  UseGuards,
} from '@nestjs/common';
import { MFA } from './mfa.constants.js';
import { MfaGuard } from './mfa.guard.js';
import { MFA_MARK, type MfaMark, noteMark } from './mfa.mark.js';
import { askForAssurance, assuranceOf } from './platform/context.js';

/** Nest keeps a handler's guards under this key. */
export const GUARDS = '__guards__';

/** Delegates to the guard that the host's modules provide, so that a subclass of `MfaGuard` can replace it. */
@Injectable()
export class MfaRouteGuard implements CanActivate {
  readonly #guard: MfaGuard;

  constructor(@Inject(MfaGuard) guard: MfaGuard) {
    this.#guard = guard;
  }

  canActivate(context: ExecutionContext): Awaitable<boolean> {
    return this.#guard.canActivate(context);
  }
}

/** Guards inherited handlers. The class's own handlers have the route guard, which runs after all other guards. */
@Injectable()
export class MfaClassGuard extends MfaRouteGuard {
  override canActivate(context: ExecutionContext): Awaitable<boolean> {
    return hasRouteGuard(context.getHandler()) || super.canActivate(context);
  }
}

/**
 * Guards a handler, or every handler of a class. With `maxAgeSeconds` it asks for a fresh code, also on a remembered device.
 *
 * On a class it runs after the class's other guards, in whatever order they are written. On a handler, write it above `@UseGuards()`,
 * because Nest runs decorators from the bottom up, and above every decorator that replaces the method. A handler's requirement
 * replaces that of its class, and a subclass inherits the requirement of its base class.
 */
export function RequireMfa(requirement: Requirement = {}): ClassDecorator & MethodDecorator {
  refuseTarget('RequireMfa', requirement);
  const mark: MfaMark = { kind: 'require', requirement: checkRequirement(requirement) };
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor) => {
    checkPlace('RequireMfa', { target, name, descriptor });
    noteMark(target, name, mark);
    if (name !== undefined && descriptor !== undefined) {
      SetMetadata(MFA_MARK, mark)(target, name, descriptor);
      guardHandler(target, name, descriptor);
      return;
    }
    const type = target as new () => object;
    SetMetadata(MFA_MARK, mark)(type);
    UseGuards(MfaClassGuard)(type);
    for (const [key, own] of Object.entries(Object.getOwnPropertyDescriptors(type.prototype))) {
      if (key !== 'constructor' && typeof own.value === 'function') guardHandler(type.prototype, key, own);
    }
  };
}

/**
 * Leaves a handler, or every handler of a class, open to everybody, for example the login. On a class it applies to that class
 * only, not to its subclasses.
 */
export function SkipMfa(nothing?: never): ClassDecorator & MethodDecorator {
  refuseTarget('SkipMfa', nothing);
  const skip: MfaMark = { kind: 'skip' };
  const mark = SetMetadata(MFA_MARK, skip);
  return (target: object, name?: string | symbol, descriptor?: PropertyDescriptor) => {
    checkPlace('SkipMfa', { target, name, descriptor });
    noteMark(target, name, skip);
    if (name !== undefined && descriptor !== undefined) mark(target, name, descriptor);
    else mark(target as new () => object);
  };
}

/** The assurance that the guard found; undefined if no proof was required. */
export const CurrentAssurance: typeof decorateParameter = (...pipes) => {
  askForAssurance();
  return decorateParameter(...pipes);
};

const decorateParameter = createParamDecorator((_data: undefined, context: ExecutionContext): Assurance | undefined =>
  assuranceOf(context),
);

/** Injects the flows that `createMfa()` made. */
export function InjectMfa(): PropertyDecorator & ParameterDecorator {
  return Inject(MFA);
}

function guardHandler(prototype: object, name: string | symbol, descriptor: PropertyDescriptor): void {
  if (!hasRouteGuard(descriptor.value)) UseGuards(MfaRouteGuard)(prototype, name, descriptor);
}

/** Whether a method has the guard that {@link RequireMfa} adds to it, on the method or on its class. */
export function hasRouteGuard(handler: object): boolean {
  const guards: unknown = Reflect.getMetadata(GUARDS, handler);
  return Array.isArray(guards) && guards.includes(MfaRouteGuard);
}

/** A decorator without parentheses gets the class or its prototype as an argument, and decorates nothing. */
function refuseTarget(decorator: string, given: unknown): void {
  const isPrototype = typeof given === 'object' && given !== null && Object.hasOwn(given, 'constructor');
  if (typeof given === 'function' || isPrototype) {
    throw new MfaError('host_setup', `@${decorator} is written without parentheses and has no effect. Write @${decorator}().`);
  }
}

function checkPlace(
  decorator: string,
  { target, name, descriptor }: { target: object; name: string | symbol | undefined; descriptor: unknown },
): void {
  if (name === undefined && descriptor === undefined) return;
  const { value } = Object(descriptor) as PropertyDescriptor;
  if (typeof value === 'function' && typeof target !== 'function') return;
  const type = typeof target === 'function' ? target.name : target.constructor.name;
  const why = typeof value === 'function' ? 'which is a static method' : 'which is not a method';
  throw new MfaError(
    'host_setup',
    `@${decorator}() is on "${String(name ?? 'constructor')}" of ${type}, ${why}. Put it on a handler, or on the class.`,
  );
}
