import type { FactorKind } from '../assurance.js';
import { codeNotice, postForm, rememberBox } from '../html/forms.js';
import { fillText, type Html, html } from '../html/html.js';
import type { FactorParts } from './factor-parts.js';
import type { PageContent } from './layout.js';
import type { MfaPage, PageFrame } from './page.js';
import type { Messages } from './texts.js';

type ChallengePage = Extract<MfaPage, { name: 'challenge' }>;

/** The prompt for a proof of one kind. While throttled, the wait replaces the frame's notice. */
export function renderChallenge(page: ChallengePage, parts: FactorParts, frame: PageFrame, messages: Messages): PageContent {
  const waiting = page.waitSeconds > 0;
  const { heading, text, input } = parts[page.kind].prompt(page.because, frame, messages);
  const form = html`${input}
${rememberBox(page.rememberDays, messages)}
<button class="primary" type="submit">${messages.code.submit}</button>`;
  return {
    heading,
    width: 'narrow',
    error: waiting,
    ownsNotice: waiting || codeNotice(frame) !== undefined,
    body: html`<div class="panel">
<h1>${heading}</h1>
<p class="lead" id="purpose">${text}</p>
${waiting && waitBox(page.waitSeconds, messages)}
${postForm(frame, `/verify${page.asked ? `?${page.asked}` : ''}`, {}, form)}
${page.factors.filter((kind) => kind !== page.kind).map((kind) => otherWay(kind, page, parts, frame, messages))}
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

function otherWay(kind: FactorKind, page: ChallengePage, parts: FactorParts, frame: PageFrame, messages: Messages): Html {
  // The first kind is the default of the prompt.
  const query = [kind !== page.factors[0] && `use=${kind}`, page.asked].filter(Boolean).join('&');
  return html`<p class="other-way"><a href="${frame.basePath}/challenge${query && `?${query}`}">${parts[kind].words(messages).use}</a></p>`;
}
