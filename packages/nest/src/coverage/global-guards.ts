import type { INestApplication } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { GlobalGuards, Wrapper } from './guards.js';

/** The guards that each application had when Nest created its routes. */
const present = new WeakMap<ApplicationConfig, readonly unknown[]>();

/** Records the global guards before Nest creates the routes, because it does not run guards that are added later. */
export function rememberGlobalGuards(config: ApplicationConfig): void {
  present.set(config, [...config.getGlobalGuards()]);
}

/** Returns the global guards, with Nest's wrapper for those that a module provides. */
export function globalGuardsOf(config: ApplicationConfig, modules: ModulesContainer): Pick<GlobalGuards, 'guards' | 'wrapped'> {
  const provided = [...modules.values()].flatMap(({ providers }) => [...providers.values()]);
  const guards = (present.get(config) ?? []).map((guard) => provided.find(({ instance }) => instance === guard) ?? guard);
  const isWrapper = (guard: unknown): guard is Wrapper => provided.includes(guard as Wrapper);
  return {
    guards: guards.filter((guard) => !isWrapper(guard)),
    wrapped: [...guards.filter(isWrapper), ...config.getGlobalRequestGuards()],
  };
}

/** Whether this version of Nest runs global guards for gateways; undefined if unknown. */
export function runsForSockets(app: INestApplication): boolean | undefined {
  const guards = follow(app, ['socketModule', 'webSocketsController', 'contextCreator', 'guardsContextCreator']);
  return typeof guards === 'object' && guards !== null ? 'config' in guards && Boolean(guards.config) : undefined;
}

/** Returns the server or namespace of a gateway; undefined if it cannot be read. */
export function socketServerOf(app: INestApplication, place: object): unknown {
  const container = follow(app, ['socketModule', 'socketsContainer']) as { getOneByConfig?(place: object): unknown } | undefined;
  return follow(container?.getOneByConfig?.(place), ['server']);
}

/** Whether global guards run for messages, which they do only for microservices that share the application's configuration. */
export function runsForMessages(app: INestApplication, config: ApplicationConfig): boolean | undefined {
  const microservices = app.getMicroservices();
  const shared = microservices.map((one) => follow(one, ['applicationConfig']) === config);
  return microservices.length === 0 ? undefined : shared.every(Boolean);
}

/** Reads private fields of Nest, which may have other names in another version. */
function follow(from: unknown, names: readonly string[]): unknown {
  return names.reduce(
    (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
    from,
  );
}
