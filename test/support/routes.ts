import { endpointPaths } from '@mfa-kit/core/http';
import type { INestApplication } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { Express } from 'express';

/** Every path with a route in an Express application. The kit's endpoints are below `/mfa`. */
export function expressRoutes(app: Express): string[] {
  const { stack } = (app as unknown as { router: { stack: { route?: { path: unknown } }[] } }).router;
  const own = stack.flatMap(({ route }) => (typeof route?.path === 'string' ? [route.path] : []));
  return unique([...own, ...endpointPaths().map((path) => `/mfa${path}`)]);
}

/** Every path of the controllers of a Nest application. */
export function nestRoutes(app: INestApplication): string[] {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [...module.controllers.values()]);
  return unique(
    controllers.flatMap(({ metatype }) => {
      if (typeof metatype !== 'function') return [];
      const handlers: unknown[] = Object.values(Object.getOwnPropertyDescriptors(metatype.prototype)).map(({ value }) => value);
      return pathsOf(metatype).flatMap((base) => handlers.flatMap(pathsOf).map((path) => join(base, path)));
    }),
  );
}

function pathsOf(target: unknown): string[] {
  const path: unknown = typeof target === 'function' ? Reflect.getMetadata('path', target) : undefined;
  return [path].flat().filter((one) => typeof one === 'string');
}

function join(...parts: string[]): string {
  return `/${parts
    .flatMap((part) => part.split('/'))
    .filter(Boolean)
    .join('/')}`;
}

function unique(paths: string[]): string[] {
  return [...new Set(paths)];
}
