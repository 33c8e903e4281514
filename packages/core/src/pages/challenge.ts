import { codeField, codeNotice, postForm, recoveryCodeField, rememberBox } from '../html/forms.js';
import { fillText, type Html, html } from '../html/html.js';
import type { PageContent } from './layout.js';
import type { MfaPage, PageFrame } from './page.js';
import type { Messages } from './texts.js';

type ChallengePage = Extract<MfaPage, { name: 'challenge' }>;

/** The prompt for a code or for a recovery code. While throttled, the wait takes the place of the frame's notice. */
export function renderChallenge(page: ChallengePage, frame: PageFrame, messages: Messages): PageContent {
  const byRecoveryCode = page.mode === 'recovery-code';
  const texts = messages.challenge;
  const waiting = page.waitSeconds > 0;
  const heading = byRecoveryCode ? texts.recoveryHeading : texts.heading;
  const form = html`${byRecoveryCode ? recoveryCodeField(frame, messages, 'purpose') : codeField(frame, messages, { describedBy: 'purpose', focus: true })}
${rememberBox(page.rememberDays, messages)}
<button class="primary" type="submit">${messages.code.submit}</button>`;
  return {
    heading,
    width: 'narrow',
    error: waiting,
    ownsNotice: waiting || codeNotice(frame) !== undefined,
    body: html`<div class="panel">
<h1>${heading}</h1>
<p class="lead" id="purpose">${byRecoveryCode ? texts.recoveryText : texts[page.because]}</p>
${waiting && waitBox(page.waitSeconds, messages)}
${postForm(frame, `/verify${page.asked ? `?${page.asked}` : ''}`, {}, form)}
${otherWay(page, frame, messages)}
</div>`,
  };
}

function waitBox(seconds: number, messages: Messages): Html {
  const time = html`<b data-wait="${seconds}">${messages.duration(seconds)}</b>`;
  // The countdown is outside the alert; inside, a screen reader would read it out every second.
  return html`<div class="notice error wait" data-wait-box>
<p role="alert"><strong>${messages.challenge.waitHeading}</strong></p>
<p role="timer" aria-live="off">${fillText(messages.challenge.wait, time)}</p>
</div>
<p class="sr" role="status" data-wait-over="${messages.challenge.waitOver}"></p>`;
}

function otherWay(page: ChallengePage, frame: PageFrame, messages: Messages): Html {
  const asked = page.asked ?? '';
  if (page.mode === 'recovery-code') {
    return html`<p class="other-way"><a href="${frame.basePath}/challenge${asked && `?${asked}`}">${messages.challenge.useAuthenticator}</a></p>`;
  }
  if (!page.recoveryOffered) return html``;
  return html`<p class="other-way"><a href="${frame.basePath}/challenge?use=recovery-code${asked && `&${asked}`}">${messages.challenge.useRecoveryCode}</a></p>`;
}
