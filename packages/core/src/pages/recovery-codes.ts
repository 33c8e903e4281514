import { postForm } from '../html/forms.js';
import { fillText, type Html, html, safeUrl } from '../html/html.js';
import type { PageContent } from './layout.js';
import type { MfaPage, PageFrame } from './page.js';
import type { Messages } from './texts.js';

type RecoveryCodesPage = Extract<MfaPage, { name: 'recovery-codes' }>;

/** The recovery codes, shown once. The user continues with the button that says that they are saved. */
export function renderRecoveryCodes(page: RecoveryCodesPage, frame: PageFrame, messages: Messages): PageContent {
  const texts = messages.recoveryCodes;
  const created = fillText(texts.created, html`<time datetime="${isoDate(frame.now)}">${messages.date(frame.now)}</time>`);
  return {
    heading: texts.heading,
    width: 'wide',
    body: html`<div class="panel codes-panel">
<div class="screen-only"><h1>${texts.heading}</h1>
<p class="lead">${texts.text}</p></div>
<div class="print-only"><p class="print-title">${texts.fileHeading(frame.brand)}</p>
<p>${frame.account !== undefined && html`<bdi>${frame.account}</bdi> · `}${created}</p><p>${texts.fileText}</p></div>
<ol class="codes" id="recovery-codes" aria-label="${texts.listLabel}" dir="ltr">
${page.recoveryCodes.map((code) => html`<li>${codeHalves(code)}</li>`)}
</ol>
<div class="code-tools" data-tools hidden>
<button class="secondary" type="button" data-copy="recovery-codes" data-done="${texts.copied}">${texts.copy}</button>
<button class="secondary" type="button" data-download="${page.fileName}" data-text="${fileText(page, frame, messages)}">${texts.download}</button>
<button class="secondary" type="button" data-print>${texts.print}</button>
</div>
<p class="hint screen-only" role="status" data-not-copied="${texts.notCopied}"></p>
${postForm(
  frame,
  '/recovery-codes/saved',
  { id: page.recoveryCodesId, continueTo: page.continueTo },
  html`
<div class="tick"><input type="checkbox" id="saved" required><label for="saved">${texts.saved}</label></div>
<button class="primary" type="submit">${texts.continue}</button>`,
)}
</div>`,
  };
}

/** After a login: offers new codes, because the answer that showed the current ones may have been lost. The user may decline. */
export function renderRecoveryCodesOffer(
  { recoveryCodesId, continueTo }: Extract<MfaPage, { name: 'recovery-codes-offer' }>,
  frame: PageFrame,
  messages: Messages,
): PageContent {
  const texts = messages.recoveryCodesOffer;
  return {
    heading: texts.heading,
    width: 'narrow',
    body: html`<div class="panel">
<h1>${texts.heading}</h1>
<p class="lead">${texts.text}</p>
${postForm(
  frame,
  '/recovery-codes',
  { continueTo },
  html`<p class="hint" id="replaces">${texts.replaces}</p>
<button class="primary" type="submit" aria-describedby="replaces">${texts.create}</button>`,
)}
${postForm(frame, '/recovery-codes/saved', { id: recoveryCodesId, continueTo }, html`<button class="secondary" type="submit">${texts.saved}</button>`)}
<p class="other-way"><a href="${safeUrl(continueTo)}">${texts.later}</a></p>
</div>`,
  };
}

/** Two pieces that do not wrap, so that a long code wraps in its middle. */
function codeHalves(code: string): Html {
  const groups = code.includes('-') ? code.split('-') : (code.match(/.{1,4}/gs) ?? []);
  const middle = Math.ceil(groups.length / 2);
  const [first, second] = [groups.slice(0, middle).join('-'), groups.slice(middle).join('-')];
  return html`<code><span>${first}${second !== '' && '-'}</span><span>${second}</span></code>`;
}

function fileText(page: RecoveryCodesPage, frame: PageFrame, messages: Messages): string {
  const texts = messages.recoveryCodes;
  const head = [texts.fileHeading(frame.brand), frame.account, texts.created(messages.date(frame.now)), texts.fileText];
  return `${head.filter((line) => line !== undefined).join('\n')}\n\n${page.recoveryCodes.join('\n')}\n`;
}

function isoDate(at: number): string {
  return new Date(at).toISOString();
}
