import { RequestMethod, VERSION_NEUTRAL, VersioningType } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { type HostModule, readMetadata } from '../mfa.methods.js';

/** Keys of Nest's own metadata. */
const PATH = 'path';
const METHOD = 'method';
const VERSION = '__version__';
const MODULE_PATH = '__module_path__';
const FASTIFY_CONSTRAINTS = '__fastify_route_constraints__';

type Version = string | typeof VERSION_NEUTRAL;

/** Where the platform's router has a handler. */
export interface Place {
  method: string;
  path: string;
  /** Of Fastify's router: also the version, unless that is part of the path. */
  constraints: object;
}

/** What the paths of an application depend on. */
export interface PathSetting {
  config: ApplicationConfig;
  modules: ModulesContainer;
  /** Writes a path as the platform does. */
  normalize(path: string): string;
}

/** A method of a controller, and its class. */
export interface RouteTarget {
  controller: object;
  callback: object;
  module: HostModule;
}

/** Returns every place of a handler, for example `GET /api/v1/cases`; an empty list if it is not a route. */
export function readPlaces(setting: PathSetting, { controller, callback, module }: RouteTarget): Place[] {
  const own = readMetadata<string | string[]>(PATH, callback);
  if (own === undefined) return [];
  const method = readMetadata<RequestMethod>(METHOD, callback) ?? RequestMethod.GET;
  const versioning = setting.config.getVersioning();
  const version =
    readMetadata<Version | Version[]>(VERSION, callback) ??
    readMetadata<Version | Version[]>(VERSION, controller) ??
    versioning?.defaultVersion;
  const inPath = versioning?.type === VersioningType.URI;
  const constraints = {
    ...readMetadata<object>(FASTIFY_CONSTRAINTS, callback),
    ...(versioning && !inPath && version !== undefined && version !== VERSION_NEUTRAL && { version }),
  };
  const prefix = inPath && versioning.prefix === false ? '' : (inPath && versioning.prefix) || 'v';
  const versions = inPath && version !== undefined ? [version].flat() : [VERSION_NEUTRAL];
  const versionPaths = versions.map((one) => (one === VERSION_NEUTRAL ? '' : `/${prefix}${String(one)}`));
  const paths = versionPaths.flatMap((above) =>
    [readModulePath(setting, module)].flatMap((outer) =>
      [readMetadata<string | string[]>(PATH, controller) ?? ''].flat().flatMap((middle) =>
        [own].flat().map((below) => {
          const path = [outer, middle, below].map(withSlash).join('') || '/';
          return isExcluded(setting.config, path, method)
            ? above + path
            : withSlash(setting.config.getGlobalPrefix()) + above + path;
        }),
      ),
    ),
  );
  return [...new Set(paths)].map((path) => ({
    method: RequestMethod[method] ?? 'ALL',
    path: setting.normalize(withSlash(path) || '/'),
    constraints,
  }));
}

function readModulePath({ modules }: PathSetting, { metatype }: HostModule): string {
  return readMetadata(MODULE_PATH + modules.applicationId, metatype) ?? readMetadata(MODULE_PATH, metatype) ?? '';
}

function isExcluded(config: ApplicationConfig, path: string, method: RequestMethod): boolean {
  const { exclude = [] } = config.getGlobalPrefixOptions();
  return exclude.some(
    ({ pathRegex, requestMethod }) => (requestMethod === RequestMethod.ALL || requestMethod === method) && pathRegex.test(path),
  );
}

/** Returns the path with one leading slash and no trailing one; empty for the root. */
function withSlash(path: string): string {
  const bare = path.replace(/^\/+|\/+$/g, '');
  return bare === '' ? '' : `/${bare}`;
}
