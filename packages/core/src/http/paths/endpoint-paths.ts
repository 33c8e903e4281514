import { ASSET_NAMES } from '../../pages/asset-names.js';

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

/** The path of an endpoint below the mount. */
export type EndpointPath = (typeof ENDPOINT_PATHS)[number];

/** The paths below the mount that answer, assets included; everything else there is 404. */
export function endpointPaths(): string[] {
  return [...ENDPOINT_PATHS, ...ASSET_NAMES.map((name) => `/assets/${name}`)];
}
