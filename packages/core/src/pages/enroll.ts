import type { FactorPage } from '../factors/factor-page.js';
import { codeNotice, postForm, rememberBox } from '../html/forms.js';
import { fillText, type Html, html } from '../html/html.js';
import type { PageContent } from './layout.js';
import type { EnrollPage, PageFrame } from './page.js';
import type { Messages } from './texts.js';

/** Set-up of an authenticator: what its kind shows, then the form for its first proof. */
export function renderEnroll(page: EnrollPage, part: FactorPage, frame: PageFrame, messages: Messages): PageContent {
  const shown = part.enroll?.(page, frame, messages);
  if (!shown) throw new TypeError(`Authenticators of the kind "${page.kind}" have no set-up page.`);
  const { heading, text, steps, proof, expires, startOver } = shown;
  const form = html`${proof.input}
${rememberBox(page.rememberDays, messages)}
<button class="primary" type="submit">${proof.submit}</button>`;
  return {
    heading,
    width: 'wide',
    ownsNotice: codeNotice(frame) !== undefined,
    body: html`<div class="panel">
<h1>${heading}</h1>
${!page.additional && html`<p class="lead">${text}</p>`}
<ol class="steps">
${steps}
<li>
<h2>${proof.heading}</h2>
<p id="confirm-text">${proof.text}</p>
${postForm(frame, '/enroll/confirm', { enrollmentId: page.enrollmentId }, form)}
<p class="hint">${fillText(expires, html`<time>${messages.duration(secondsLeft(page, frame))}</time>`)}</p>
${wayBack(page, startOver, frame, messages)}
</li>
</ol>
</div>`,
  };
}

function wayBack({ additional, enrollmentId, kind }: EnrollPage, startOver: string, frame: PageFrame, messages: Messages): Html {
  const cancel = html`<button class="quiet" type="submit"><span>${messages.enroll.cancel}</span></button>`;
  if (additional) return postForm(frame, '/enroll/cancel', { enrollmentId }, cancel);
  return postForm(frame, '/enroll', { kind }, html`<button class="quiet" type="submit"><span>${startOver}</span></button>`);
}

function secondsLeft(page: EnrollPage, frame: PageFrame): number {
  // In whole minutes, rounded down, so that the user never has less time than the page says.
  const seconds = Math.max(0, Math.floor((page.expiresAt - frame.now) / 1000));
  return seconds > 60 ? seconds - (seconds % 60) : seconds;
}
