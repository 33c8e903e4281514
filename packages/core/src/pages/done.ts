import { fillText, type Html, html, safeUrl } from '../html/html.js';
import type { PageContent } from './layout.js';
import type { MfaPage, PageFrame } from './page.js';
import type { Messages } from './texts.js';

type DonePage = Extract<MfaPage, { name: 'done' }>;

const MAX_SHOWN = 80;

/** The end of a proof: redirects by the header `Refresh` of its answer, or lets the user choose. */
export function renderDone(page: DonePage, frame: PageFrame, messages: Messages): PageContent {
  const texts = messages.done;
  const byClick = page.leads === 'link';
  return {
    heading: texts.heading,
    width: 'narrow',
    body: html`<div class="panel">
<h1>${texts.heading}</h1>
<p class="lead">${byClick ? texts.choose : texts.leading}</p>
<p><a class="primary" href="${safeUrl(page.continueTo)}">${byClick ? namedLink(page, messages) : texts.continue}</a></p>
${byClick && homeLink(page, texts.home(frame.brand))}
</div>`,
  };
}

/** One box for the whole text, because the link lays its parts out side by side. */
function namedLink({ continueTo }: DonePage, messages: Messages): Html {
  const shown = continueTo.length > MAX_SHOWN ? `${continueTo.slice(0, MAX_SHOWN)}…` : continueTo;
  return html`<span>${fillText(messages.done.continueTo, html`<bdi>${shown}</bdi>`)}</span>`;
}

function homeLink({ homeUrl }: DonePage, text: string): Html {
  return html`<p class="other-way"><a href="${safeUrl(homeUrl)}">${text}</a></p>`;
}
