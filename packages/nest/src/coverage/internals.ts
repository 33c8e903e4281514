import type { INestApplication } from '@nestjs/common';
import { AbstractHttpAdapter, type ApplicationConfig, type ModulesContainer } from '@nestjs/core';
import type { Wrapper } from '../mfa.methods.js';
import { rememberedGuards } from '../platform/global-guards.js';
import type { GlobalGuards } from './guards.js';

interface Configuration {
  middleware: unknown;
  forRoutes: readonly object[];
}

/** Returns the global guards, with Nest's wrapper for those that a module provides. */
export function globalGuardsOf(config: ApplicationConfig, modules: ModulesContainer): Pick<GlobalGuards, 'guards' | 'wrapped'> {
  const provided = [...modules.values()].flatMap(({ providers }) => [...providers.values()]);
  const guards = rememberedGuards(config).map((guard) => provided.find(({ instance }) => instance === guard) ?? guard);
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

/** The names of the middleware that modules applied, by path, in the order in which Nest added it. */
export function appliedMiddleware(app: INestApplication): Map<string, string[]> {
  const names = new Map<string, string[]>();
  const container = follow(app, ['middlewareContainer']) as { getConfigurations?(): Map<string, Iterable<Configuration>> };
  const extractor = follow(app, ['middlewareModule', 'routeInfoPathExtractor']) as { extractPathsFrom?(route: object): string[] };
  for (const { middleware, forRoutes } of [...(container?.getConfigurations?.().values() ?? [])].flatMap((some) => [...some])) {
    for (const path of forRoutes.flatMap((route) => extractor?.extractPathsFrom?.(route) ?? []).map(withoutWildcard)) {
      names.set(path, [...(names.get(path) ?? []), ...[middleware].flat().map(nameOfMiddleware)]);
    }
  }
  return names;
}

/** A path without its wildcard at the end, which each platform writes differently. */
export function withoutWildcard(path: string): string {
  return `/${path}`
    .replace(/\/+/g, '/')
    .replace(/\/?\{?\/?(\*\w*|\(\.\*\))\}?\$?$/, '')
    .replace(/\$?\/?$/, '');
}

/** The source text of the functions that the platform's adapter adds to every application. */
export function ownFunctions(adapter: object): ReadonlySet<string> {
  const own = new Set<string>();
  const add = (...given: unknown[]): void => void own.add(String(given.at(-1)));
  let type: unknown = adapter.constructor;
  while (typeof type === 'function' && Object.getPrototypeOf(type) !== AbstractHttpAdapter) type = Object.getPrototypeOf(type);
  // Both adapters add them in the constructor, and take an application that is there already.
  if (typeof type === 'function') new (type as new (platform: object) => object)({ server: {}, use: add, addHook: add });
  return own;
}

/** Nest wraps a function in a class that has no `use` method on its prototype, and gives that a random name. */
function nameOfMiddleware(type: unknown): string {
  return typeof type === 'function' && typeof type.prototype?.use === 'function' ? type.name : 'anonymous';
}

/** Reads private fields of Nest, which may have other names in another version. */
function follow(from: unknown, names: readonly string[]): unknown {
  return names.reduce(
    (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
    from,
  );
}
