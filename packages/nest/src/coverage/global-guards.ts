import type { INestApplication } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { GlobalGuards, Wrapper } from './guards.js';

/** The guards of each application at the moment when Nest made its routes. */
const present = new WeakMap<ApplicationConfig, readonly unknown[]>();

/** Notes which guards of the whole application the routes are made with: one that comes later is not run. */
export function rememberGlobalGuards(config: ApplicationConfig): void {
  present.set(config, [...config.getGlobalGuards()]);
}

/** The guards of the whole application, with what Nest knows of them where a module provides them. */
export function globalGuardsOf(config: ApplicationConfig, modules: ModulesContainer): Pick<GlobalGuards, 'guards' | 'wrapped'> {
  const provided = [...modules.values()].flatMap(({ providers }) => [...providers.values()]);
  const guards = (present.get(config) ?? []).map((guard) => provided.find(({ instance }) => instance === guard) ?? guard);
  const isWrapper = (guard: unknown): guard is Wrapper => provided.includes(guard as Wrapper);
  return {
    guards: guards.filter((guard) => !isWrapper(guard)),
    wrapped: [...guards.filter(isWrapper), ...config.getGlobalRequestGuards()],
  };
}

/** Whether they run for gateways, which not every version of Nest does; undefined when that cannot be seen. */
export function runsForSockets(app: INestApplication): boolean | undefined {
  const guards = follow(app, ['socketModule', 'webSocketsController', 'contextCreator', 'guardsContextCreator']);
  return typeof guards === 'object' && guards !== null ? 'config' in guards && Boolean(guards.config) : undefined;
}

/** The server, or the namespace, of a gateway; undefined when it cannot be seen. */
export function socketServerOf(app: INestApplication, place: object): unknown {
  const container = follow(app, ['socketModule', 'socketsContainer']) as { getOneByConfig?(place: object): unknown } | undefined;
  return follow(container?.getOneByConfig?.(place), ['server']);
}

/** Whether they run for messages: only of microservices that share the application's guards. */
export function runsForMessages(app: INestApplication, config: ApplicationConfig): boolean | undefined {
  const microservices = app.getMicroservices();
  const shared = microservices.map((one) => follow(one, ['applicationConfig']) === config);
  return microservices.length === 0 ? undefined : shared.every(Boolean);
}

/** Private parts of Nest, which may be named otherwise in another version. */
function follow(from: unknown, names: readonly string[]): unknown {
  return names.reduce(
    (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
    from,
  );
}
