import { html, safeUrl } from '../html/html.js';
import type { PageContent } from './layout.js';
import type { MfaPage } from './page.js';

/** A page with a message only, and a link to continue if there is one. */
export function renderMessage(page: Extract<MfaPage, { name: 'message' }>): PageContent {
  const { action } = page;
  return {
    heading: page.heading,
    width: 'narrow',
    body: html`<div class="panel">
<h1>${page.heading}</h1>
<p class="lead">${page.text}</p>
${action && html`<p><a class="primary" href="${safeUrl(action.href)}">${action.text}</a></p>`}
</div>`,
  };
}
