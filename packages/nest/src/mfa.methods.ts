import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import { GUARDS } from './mfa.decorators.js';
import { MfaGuard } from './mfa.guard.js';
import { handlerMark } from './mfa.mark.js';

/** A module of the application as Nest keeps it. */
export type HostModule = ModulesContainer extends Map<string, infer Module> ? Module : never;
/** A provider, a controller or a guard as Nest keeps it. */
export type Wrapper = ReturnType<HostModule['injectables']['values']> extends IterableIterator<infer One> ? One : never;

/** A method of a controller or provider. */
export interface Method {
  name: string;
  /** The method of the class. */
  own: object;
  /** What the instance has in its place. Nest runs this one, with the guards on it. */
  callback: object;
  instance: object;
  module: HostModule;
}

/** A class and its methods. */
export interface Methods {
  controller: object;
  methods: Method[];
}

const scanner = new MetadataScanner();

/** The methods of every controller or provider that is a class. */
export function eachMethod(modules: ModulesContainer, kind: 'controllers' | 'providers'): Methods[] {
  return [...modules.values()].flatMap((module) =>
    [...(module[kind] as Map<unknown, Wrapper>).values()].flatMap(({ instance }) => {
      if (typeof instance !== 'object' || instance === null) return [];
      const prototype: unknown = Object.getPrototypeOf(instance);
      if (typeof prototype !== 'object' || prototype === null || prototype === Object.prototype) return [];
      const methods = scanner.getAllMethodNames(prototype).flatMap((name) => {
        const own: unknown = prototype[name as keyof typeof prototype];
        const callback: unknown = instance[name as keyof typeof instance];
        return typeof own === 'function' && typeof callback === 'function' ? [{ name, own, callback, instance, module }] : [];
      });
      return methods.length > 0 ? [{ controller: instance.constructor, methods }] : [];
    }),
  );
}

/** Reads metadata of a class or a method. */
export function readMetadata<Value>(key: string, target: object): Value | undefined {
  return Reflect.getMetadata(key, target);
}

/** Whether a method is marked itself. */
export function isMarked(method: object): boolean {
  const guards = readMetadata<unknown[]>(GUARDS, method) ?? [];
  return handlerMark(method)?.kind === 'require' || guards.includes(MfaGuard);
}
