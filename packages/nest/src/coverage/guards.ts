import type { CoveredRoute } from '@mfa-kit/core/http';
import type { ExecutionContext } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { MFA_HOST } from '../mfa.constants.js';
import { GUARDS, MfaRouteGuard } from '../mfa.decorators.js';
import { MfaGuard } from '../mfa.guard.js';
import { markOf } from '../mfa.mark.js';
import type { MfaHost } from '../platform/host.js';

/** A module of the application as Nest keeps it. */
export type HostModule = ModulesContainer extends Map<string, infer Module> ? Module : never;
/** A provider, a controller or a guard as Nest keeps it. */
export type Wrapper = ReturnType<HostModule['injectables']['values']> extends IterableIterator<infer One> ? One : never;

/** One method that a client can reach. */
export interface Handler {
  /** As `allow` names it. */
  route: string;
  transport: 'http' | 'graphql' | 'ws' | 'rpc';
  instance: object;
  callback: object;
  module: HostModule;
  /** Set where Nest runs no guard at all. */
  unguarded?: string;
}

/** How a handler stands. */
export type Standing = Pick<CoveredRoute, 'status' | 'why'>;

/**
 * What can be said of a guard. `kit`: it asks for MFA. `hidden`: it may, which cannot be seen. `other`: it is the host's, and asks
 * for something else.
 */
type Seen = 'kit' | 'hidden' | 'other';

/** The guards of the whole application, as far as they run for a handler. */
export interface GlobalGuards {
  guards: readonly unknown[];
  /** Those that modules provide. */
  wrapped: readonly Wrapper[];
  /** Whether Nest runs them for this kind of handler; undefined when that cannot be seen. */
  run: boolean | undefined;
}

/** Judges a handler by the guards that Nest runs before it, the decorators of the kit, and the option `isPublic`. */
export function judge(handler: Handler, global: GlobalGuards, hosts: readonly (MfaHost | undefined)[]): Standing {
  const { callback, instance } = handler;
  const mark = markOf(callback, instance.constructor);
  if (mark?.kind === 'skip') return { status: 'skipped', why: '@SkipMfa()' };
  const seen = handler.unguarded === undefined ? [...ownGuards(handler), ...globalGuards(global)] : [];
  if (!seen.includes('kit')) {
    if (seen.includes('hidden')) return { status: 'unknown', why: 'a guard that cannot be looked into may ask for MFA' };
    const why = handler.unguarded ?? (mark && '@RequireMfa() stands here, but its guard does not run');
    return { status: 'open', ...(why !== undefined && { why }) };
  }
  if (mark) return { status: 'guarded' };
  const asked = hosts.map((host) => (host ? askIsPublic(host, handler) : undefined));
  if (asked.includes(true)) return { status: 'skipped', why: 'isPublic()' };
  return asked.includes(undefined)
    ? { status: 'unknown', why: 'isPublic() looks at more than the handler' }
    : { status: 'guarded' };
}

/** The options of every `MfaModule`; undefined for one that is made anew for each request. */
export function findHosts(modules: Iterable<HostModule>): (MfaHost | undefined)[] {
  return [...modules].flatMap(({ providers }) => {
    const wrapper = providers.get(MFA_HOST);
    return wrapper ? [wrapper.isDependencyTreeStatic() ? (wrapper.instance as MfaHost) : undefined] : [];
  });
}

/** A metadata of a class or of a method. */
export function readMetadata<Value>(key: string, target: object): Value | undefined {
  return Reflect.getMetadata(key, target);
}

/** Those of the method and of its class. */
function ownGuards({ callback, instance, module }: Handler): Seen[] {
  return [instance.constructor, callback]
    .flatMap((target) => readMetadata<unknown[]>(GUARDS, target) ?? [])
    .map((guard) => {
      const wrapper = typeof guard === 'function' ? module.injectables.get(guard) : undefined;
      return wrapper ? seeWrapped(wrapper) : see(guard);
    });
}

function globalGuards({ guards, wrapped, run }: GlobalGuards): Seen[] {
  if (run === false) return [];
  const seen = [...guards.map(see), ...wrapped.map(seeWrapped)];
  return run ? seen : seen.map((one) => (one === 'kit' ? 'hidden' : one));
}

/** Of what is made for each request Nest keeps an object without content, which shows the class. */
function seeWrapped(wrapper: Wrapper): Seen {
  const instance: unknown = wrapper.instance ?? undefined;
  if (instance === undefined) return 'hidden';
  const [first] = wrapper.getCtorMetadata() ?? [];
  if (instance instanceof MfaRouteGuard) return first ? seeWrapped(first) : 'hidden';
  const seen = see(instance);
  if (seen !== 'other') return seen;
  // A guard of the host that was given one of the kit may ask it.
  const given = wrapper.getCtorMetadata()?.some((one) => one !== undefined && see(one.instance) !== 'other');
  return given ? 'hidden' : 'other';
}

function see(guard: unknown): Seen {
  if (!(guard instanceof MfaGuard)) return 'other';
  return guard.canActivate === MfaGuard.prototype.canActivate ? 'kit' : 'hidden';
}

/** Asks the host's own marker with a context that shows the handler and nothing of a request; undefined when that is too little. */
function askIsPublic({ options }: MfaHost, { transport, callback, instance }: Handler): boolean | undefined {
  if (!options.isPublic) return false;
  const shown = { getHandler: () => callback, getClass: () => instance.constructor, getType: () => transport };
  const context = new Proxy(shown, {
    get(target, name) {
      if (name in target) return target[name as keyof typeof target];
      throw new Error(`mfaCoverage() has no ${String(name)}`);
    },
  });
  try {
    const answer: unknown = options.isPublic(context as unknown as ExecutionContext);
    return typeof answer === 'object' && answer !== null ? undefined : answer === true;
  } catch {
    return undefined;
  }
}
