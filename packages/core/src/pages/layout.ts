import { fillText, type Html, html, safeUrl } from '../html/html.js';
import { assetUrl } from './assets/assets.js';
import type { PageFrame, PageNotice } from './page.js';
import type { Messages } from './texts.js';

/** What a page passes to the layout. */
export interface PageContent {
  heading: string;
  body: Html;
  /** `narrow`: one thing to do. `wide`: two columns or lists. */
  width: 'narrow' | 'wide';
  /** Something went wrong and the page itself says so. If unset, the frame's notice decides. */
  error?: boolean;
  /** The page shows the frame's notice itself, or something that replaces it. */
  ownsNotice?: boolean;
}

/** The whole document around one page. */
export function layOut(content: PageContent, frame: PageFrame, messages: Messages): Html {
  const title = messages.pageTitle(content.heading, frame.brand);
  const failed = content.error === true || frame.notice?.tone === 'error';
  // Split, because a bundler rewrites a template that contains the closing tag of a script to use an imported helper.
  return html`<!doctype html>
<html lang="${messages.lang}" dir="${messages.dir}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="same-origin">
<meta name="turbo-visit-control" content="reload">
<meta name="color-scheme" content="light dark">
<title>${failed ? messages.errorTitle(title) : title}</title>
<link rel="stylesheet" href="${assetUrl(frame.basePath, 'page.css')}">
${frame.themeUrl !== undefined && html`<link rel="stylesheet" href="${safeUrl(frame.themeUrl)}">`}
<script src="${assetUrl(frame.basePath, 'page.js')}" defer></${'script'}>
</head>
<body>
<div class="page ${content.width}">
<header class="top">
${brandMark(frame)}
${frame.account !== undefined && html`<p class="account">${fillText(messages.account, html`<bdi>${frame.account}</bdi>`)}</p>`}
</header>
<main>
${frame.notice && content.ownsNotice !== true && noticeBox(frame.notice)}
${content.body}
</main>
${frame.supportUrl !== undefined && html`<footer class="bottom"><a href="${safeUrl(frame.supportUrl)}">${messages.support}</a></footer>`}
</div>
</body>
</html>
`;
}

function brandMark(frame: PageFrame): Html {
  if (frame.logoUrl !== undefined) {
    return html`<p class="brand"><img class="logo" src="${safeUrl(frame.logoUrl)}" alt="${frame.brand}"></p>`;
  }
  return html`<p class="brand"><span class="monogram" aria-hidden="true">${firstLetter(frame.brand)}</span><bdi>${frame.brand}</bdi></p>`;
}

function firstLetter(brand: string): string {
  const [first] = new Intl.Segmenter().segment(brand.trim());
  return first?.segment.toUpperCase() ?? '';
}

function noticeBox(notice: PageNotice): Html {
  return html`<div class="notice ${notice.tone}" role="${notice.tone === 'error' ? 'alert' : 'status'}"><p>${notice.text}</p></div>`;
}
