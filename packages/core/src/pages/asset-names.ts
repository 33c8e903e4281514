/** The files below `${basePath}/assets/`. */
export const ASSET_NAMES = ['page.css', 'page.js'] as const;

export type AssetName = (typeof ASSET_NAMES)[number];
