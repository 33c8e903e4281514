import { RequestMethod, VERSION_NEUTRAL, VersioningType } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { type HostModule, readMetadata } from './guards.js';

/** Keys of Nest's own metadata. */
const PATH = 'path';
const METHOD = 'method';
const VERSION = '__version__';
const MODULE_PATH = '__module_path__';

type Version = string | typeof VERSION_NEUTRAL;

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

/** Returns every method and path of a handler, for example `GET /api/v1/cases`; an empty list if it is not a route. */
export function readRoutes(setting: PathSetting, { controller, callback, module }: RouteTarget): string[] {
  const own = readMetadata<string | string[]>(PATH, callback);
  if (own === undefined) return [];
  const method = readMetadata<RequestMethod>(METHOD, callback) ?? RequestMethod.GET;
  const paths = versionPaths(setting, controller, callback).flatMap((version) =>
    [readModulePath(setting, module)].flatMap((above) =>
      [readMetadata<string | string[]>(PATH, controller) ?? ''].flat().flatMap((middle) =>
        [own].flat().map((below) => {
          const path = [above, middle, below].map(withSlash).join('') || '/';
          return isExcluded(setting.config, path, method)
            ? version + path
            : withSlash(setting.config.getGlobalPrefix()) + version + path;
        }),
      ),
    ),
  );
  return [...new Set(paths)].map((path) => `${RequestMethod[method]} ${setting.normalize(withSlash(path) || '/')}`);
}

/** Returns the path segments for the versions of a handler; empty unless versions are part of the path. */
function versionPaths({ config }: PathSetting, controller: object, callback: object): string[] {
  const versioning = config.getVersioning();
  if (versioning?.type !== VersioningType.URI) return [''];
  const ofClass = readMetadata<Version | Version[]>(VERSION, controller) ?? versioning.defaultVersion;
  const versions = readMetadata<Version | Version[]>(VERSION, callback) ?? ofClass;
  if (versions === undefined) return [''];
  const prefix = versioning.prefix === false ? '' : (versioning.prefix ?? 'v');
  return [versions].flat().map((version) => (version === VERSION_NEUTRAL ? '' : `/${prefix}${String(version)}`));
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
