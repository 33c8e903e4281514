import type { AssetName } from '../../pages/assets/assets.js';

const ENDPOINT_PATHS = [
  '',
  '/enroll',
  '/enroll/confirm',
  '/enroll/cancel',
  '/challenge',
  '/verify',
  '/done',
  '/recovery-codes',
  '/recovery-codes/saved',
  '/authenticators/rename',
  '/authenticators/remove',
  '/devices/revoke',
  '/sessions/end',
] as const;

const ASSETS: Record<`/assets/${AssetName}`, AssetName> = { '/assets/page.css': 'page.css', '/assets/page.js': 'page.js' };

/** The path of an endpoint below the mount. */
export type EndpointPath = (typeof ENDPOINT_PATHS)[number];

/** The paths below the mount that are answered, assets included. All others are 404. */
export function endpointPaths(): string[] {
  return [...ENDPOINT_PATHS, ...Object.keys(ASSETS)];
}

/** Returns the name of the style sheet or script at a path below the mount. */
export function assetAt(path: string): AssetName | undefined {
  return Object.hasOwn(ASSETS, path) ? ASSETS[path as keyof typeof ASSETS] : undefined;
}
