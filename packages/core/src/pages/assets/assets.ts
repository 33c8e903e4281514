import { pageScript, pageStyle } from './assets.generated.js';

/** A file that the pages link to. */
export interface PageAsset {
  mediaType: string;
  text: string;
}

/** The style sheet and the script of all pages. Their address changes with their content, so browsers may cache them without a limit. */
export const assets = {
  'page.css': { mediaType: 'text/css; charset=utf-8', text: pageStyle },
  'page.js': { mediaType: 'text/javascript; charset=utf-8', text: pageScript },
} satisfies Record<string, PageAsset>;

export type AssetName = keyof typeof assets;

/** Where the browser finds a file, with a tag of its content. */
export function assetUrl(basePath: string, name: AssetName): string {
  return `${basePath}/assets/${name}?v=${contentTag(name)}`;
}

const tags = new Map<AssetName, string>();

/** FNV-1a, 32 bits: it tells versions apart and protects nothing. */
function contentTag(name: AssetName): string {
  const known = tags.get(name);
  if (known !== undefined) return known;
  let hash = 0x811c9dc5;
  for (const character of assets[name].text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  const tag = (hash >>> 0).toString(16).padStart(8, '0');
  tags.set(name, tag);
  return tag;
}
