import { codeField, codeNotice, disclosure, postForm, rememberBox } from '../html/forms.js';
import { fillText, type Html, html } from '../html/html.js';
import type { PageContent } from './layout.js';
import type { MfaPage, PageFrame } from './page.js';
import type { Messages } from './texts.js';

type EnrollPage = Extract<MfaPage, { name: 'enroll' }>;

/** Set-up of an authenticator: scan or type the key, then prove it with a code. */
export function renderEnroll(page: EnrollPage, frame: PageFrame, messages: Messages): PageContent {
  const texts = messages.enroll;
  const heading = page.additional ? texts.headingAdditional : texts.heading;
  const picture = qrPicture(page.qrSvg, texts.qrAlt);
  // No focus at first: on a phone it would scroll past the QR code.
  const form = html`${codeField(frame, messages, { describedBy: 'confirm-text', focus: false })}
${rememberBox(page.rememberDays, messages)}
<button class="primary" type="submit">${texts.submit}</button>`;
  return {
    heading,
    width: 'wide',
    ownsNotice: codeNotice(frame) !== undefined,
    body: html`<div class="panel">
<h1>${heading}</h1>
${!page.additional && html`<p class="lead">${texts.text}</p>`}
<ol class="steps">
<li>
<h2>${texts.scanHeading}</h2>
<p>${texts.scanHint}</p>
<p class="hint">${texts.anyApp}</p>
${picture && html`<p class="qr">${picture}</p>`}
${disclosure({
  // The span has the underline, so that no engine has to pass it on through a flex box.
  summary: html`<span>${texts.trouble}</span>`,
  content: keyByHand(page, frame, messages),
  className: 'trouble',
  open: picture === undefined,
})}
</li>
<li>
<h2>${texts.confirmHeading}</h2>
<p id="confirm-text">${texts.confirmText}</p>
${postForm(frame, '/enroll/confirm', { enrollmentId: page.enrollmentId }, form)}
<p class="hint">${fillText(texts.expires, html`<time>${messages.duration(secondsLeft(page, frame))}</time>`)}</p>
${wayBack(page, frame, messages)}
</li>
</ol>
</div>`,
  };
}

function keyByHand(page: EnrollPage, frame: PageFrame, messages: Messages): Html {
  const texts = messages.enroll;
  const account =
    frame.account !== undefined && html`<div><dt>${texts.keyAccount}</dt><dd><bdi>${frame.account}</bdi></dd></div>`;
  return html`<p>${texts.troubleText}</p>
<dl class="facts">
${account}
<div><dt>${texts.key}</dt><dd><code class="key" id="manual-key" dir="ltr">${page.manualKey}</code></dd></div>
<div><dt>${texts.keyType}</dt><dd>${texts.keyTypeValue}</dd></div>
</dl>
<button class="secondary" type="button" data-copy="manual-key" data-done="${messages.recoveryCodes.copied}" hidden>${texts.copyKey}</button>
<p class="hint" role="status" data-not-copied="${messages.recoveryCodes.notCopied}"></p>`;
}

function wayBack(page: EnrollPage, frame: PageFrame, messages: Messages): Html {
  const cancel = html`<button class="quiet" type="submit"><span>${messages.enroll.cancel}</span></button>`;
  if (page.additional) return postForm(frame, '/enroll/cancel', { enrollmentId: page.enrollmentId }, cancel);
  return postForm(
    frame,
    '/enroll',
    {},
    html`<button class="quiet" type="submit"><span>${messages.enroll.startOver}</span></button>`,
  );
}

/**
 * The QR code as an element of the page, because a Content-Security-Policy of the host can block images, but not elements. Only the
 * size and the path of the text are used, so nothing else in it reaches the page. Returns undefined if `qrSvg` did not make the text.
 */
function qrPicture(svg: string, alt: string): Html | undefined {
  const [, size, modules] = QR_SVG.exec(svg) ?? [];
  if (size === undefined || modules === undefined) return undefined;
  return html`<svg viewBox="0 0 ${size} ${size}" width="216" height="216" shape-rendering="crispEdges" role="img" aria-label="${alt}"><path fill="#fff" d="M0 0h${size}v${size}H0z"></path><path stroke="#000" d="${modules}"></path></svg>`;
}

const QR_SVG =
  /^<svg [^<>]*viewBox="0 0 (\d{1,3}) \1"[^<>]*><path fill="#ffffff" d="[^"<>]*"\/><path stroke="#000000" d="([Mmhv0-9. -]+)"\/><\/svg>$/;

function secondsLeft(page: EnrollPage, frame: PageFrame): number {
  // In whole minutes, rounded down, so that the promise is kept.
  const seconds = Math.max(0, Math.floor((page.expiresAt - frame.now) / 1000));
  return seconds > 60 ? seconds - (seconds % 60) : seconds;
}
