import type { CoveredRoute } from '@mfa-kit/core/http/coverage';
import type { ExecutionContext } from '@nestjs/common';
import { MFA_HOST } from '../mfa.constants.js';
import { GUARDS, MfaRouteGuard } from '../mfa.decorators.js';
import { MfaGuard } from '../mfa.guard.js';
import { handlerMark, markOf } from '../mfa.mark.js';
import { type HostModule, type Method, readMetadata, type Wrapper } from '../mfa.methods.js';
import type { MfaHost } from '../platform/host.js';
import type { Place } from './paths.js';

/** One method that a client can reach. */
export interface Handler extends Method {
  /** The name for `allow`. */
  route: string;
  transport: 'http' | 'graphql' | 'ws' | 'rpc';
  /** Where a platform has it, for HTTP. */
  place?: Place;
  /** The reason, if Nest runs no guard at all. */
  unguarded?: string;
}

/** Whether a handler is guarded. */
export type Standing = Pick<CoveredRoute, 'status' | 'why' | 'requirement'>;

/**
 * What a guard checks: `kit` requires MFA, `hidden` may require it but cannot be inspected, `other` checks something else.
 */
type Seen = 'kit' | 'hidden' | 'other';

/** The global guards that run for a handler. */
export interface GlobalGuards {
  guards: readonly unknown[];
  /** The guards that modules provide. */
  wrapped: readonly Wrapper[];
  /** Whether Nest runs them for this kind of handler; undefined if unknown. */
  run: boolean | undefined;
}

/** Decides whether a handler is guarded from the guards that Nest runs, the kit's decorators and the option `isPublic`. */
export function judge(handler: Handler, global: GlobalGuards, hosts: readonly (MfaHost | undefined)[]): Standing {
  const { callback, instance, name } = handler;
  const type = instance.constructor.name;
  const mark = markOf(callback, instance.constructor);
  if (mark?.kind === 'skip')
    return { status: 'skipped', why: `@SkipMfa() on ${handlerMark(callback) ? `${type}.${name}` : type}` };
  const seen = handler.unguarded === undefined ? [...ownGuards(handler), ...globalGuards(global)] : [];
  if (!seen.includes('kit')) {
    if (seen.includes('hidden')) return { status: 'unknown', why: 'a guard that cannot be inspected may require MFA' };
    const why = handler.unguarded ?? (mark && '@RequireMfa() is here, but its guard does not run');
    return { status: 'open', ...(why !== undefined && { why }) };
  }
  if (mark) return { status: 'guarded', requirement: mark.requirement };
  const asked = hosts.map((host) => (host ? askIsPublic(host, handler) : undefined));
  if (asked.includes(true)) return { status: 'skipped', why: `isPublic() for ${type}.${name}` };
  return asked.includes(undefined)
    ? { status: 'unknown', why: 'isPublic() looks at more than the handler' }
    : { status: 'guarded' };
}

/** Returns the options of every `MfaModule`; undefined for one that is created for each request. */
export function findHosts(modules: Iterable<HostModule>): (MfaHost | undefined)[] {
  return [...modules].flatMap(({ providers }) => {
    const wrapper = providers.get(MFA_HOST);
    return wrapper ? [wrapper.isDependencyTreeStatic() ? (wrapper.instance as MfaHost) : undefined] : [];
  });
}

/** Returns the guards of the method and of its class. */
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

/** For a guard that is created for each request Nest keeps an empty object of its class. */
function seeWrapped(wrapper: Wrapper): Seen {
  const instance: unknown = wrapper.instance ?? undefined;
  if (instance === undefined) return 'hidden';
  const [first] = wrapper.getCtorMetadata() ?? [];
  if (instance instanceof MfaRouteGuard) return first ? seeWrapped(first) : 'hidden';
  const seen = see(instance);
  if (seen !== 'other') return seen;
  // A guard of the host with a kit guard injected may call it.
  const given = wrapper.getCtorMetadata()?.some((one) => one !== undefined && see(one.instance) !== 'other');
  return given ? 'hidden' : 'other';
}

function see(guard: unknown): Seen {
  if (!(guard instanceof MfaGuard)) return 'other';
  return guard.canActivate === MfaGuard.prototype.canActivate ? 'kit' : 'hidden';
}

/** Calls `isPublic` with a context that has the handler but no request; undefined if it needs more than that. */
function askIsPublic({ options }: MfaHost, { transport, callback, instance }: Handler): boolean | undefined {
  if (!options.isPublic) return false;
  const shown = { getHandler: () => callback, getClass: () => instance.constructor, getType: () => transport };
  let asked = false;
  const context = new Proxy(shown, {
    get(target, name) {
      if (name in target) return target[name as keyof typeof target];
      // The callback may catch the error.
      asked = true;
      throw new Error(`mfaCoverage() has no ${String(name)}`);
    },
  });
  try {
    const answer: unknown = options.isPublic(context as unknown as ExecutionContext);
    return asked || (typeof answer === 'object' && answer !== null) ? undefined : answer === true;
  } catch {
    return undefined;
  }
}
