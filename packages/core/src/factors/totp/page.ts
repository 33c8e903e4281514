import { codeNotice, disclosure } from '../../html/forms.js';
import { fillText, type Html, html } from '../../html/html.js';
import type { EnrollPage, PageFrame } from '../../pages/page.js';
import type { Messages } from '../../pages/texts.js';
import type { FactorPage } from '../factor-page.js';

type TotpEnrollPage = Extract<EnrollPage, { kind: 'totp' }>;

/** Authenticator apps on the pages. */
export const totpPage: FactorPage = {
  words: ({ challenge, code, overview }) => ({
    kind: overview.kind('totp'),
    use: challenge.useAuthenticator,
    add: overview.add,
    addConfirm: overview.addConfirm,
    malformed: code.malformed,
    hint: code.clockHint,
  }),
  prompt: (because, frame, messages) => ({
    heading: messages.challenge.heading,
    text: messages.challenge[because],
    input: codeInput(frame, messages, { describedBy: 'purpose', focus: true }),
  }),
  enroll(page, frame, messages) {
    const texts = messages.enroll;
    return {
      heading: page.additional ? texts.headingAdditional : texts.heading,
      text: texts.text,
      steps: scanStep(page as TotpEnrollPage, frame, messages),
      proof: {
        heading: texts.confirmHeading,
        text: texts.confirmText,
        // No initial focus: on a phone it would scroll past the QR code.
        input: codeInput(frame, messages, { describedBy: 'confirm-text', focus: false }),
        submit: texts.submit,
      },
      expires: texts.expires,
      startOver: texts.startOver,
    };
  },
};

function scanStep(page: TotpEnrollPage, frame: PageFrame, messages: Messages): Html {
  const texts = messages.enroll;
  const picture = qrPicture(page.qrSvg, texts.qrAlt);
  return html`<li>
<h2>${texts.scanHeading}</h2>
<p>${texts.scanHint}</p>
<p class="hint">${texts.anyApp}</p>
${picture && html`<p class="qr">${picture}</p>`}
${disclosure({
  // The span has the underline, because not every engine passes it on through a flex box.
  summary: html`<span>${texts.trouble}</span>`,
  content: keyByHand(page, frame, messages),
  className: 'trouble',
  open: picture === undefined,
})}
</li>`;
}

/** The input for the 6 digits, the remaining time of the shown code, and the error of the last try. */
function codeInput(frame: PageFrame, messages: Messages, options: { describedBy: string; focus: boolean }): Html {
  const notice = codeNotice(frame);
  // One input, not six, so that paste, autofill, screen readers and IMEs work normally. Neither `maxlength` nor `pattern`: the first would
  // drop digits of a code pasted with spaces, and not every browser tells what the second refuses.
  return html`<div class="field code-field">
<label for="code">${messages.code.label}</label>
<input class="code" id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" required spellcheck="false" dir="ltr"
 title="${messages.code.format}" aria-describedby="code-error ${options.describedBy}"
${(options.focus || notice !== undefined) && html` autofocus`}${notice && html` aria-invalid="true"`}>
<div class="period" data-period="${frame.now}" hidden><span class="period-ticks" aria-hidden="true"></span>
<p role="timer" aria-live="off">${fillText(messages.code.period, html`<b data-period-left></b>`)}</p></div>
<div class="field-error" id="code-error" role="alert" data-format="${messages.code.malformed}">${notice && html`<p>${notice.text}</p>`}${notice?.hint !== undefined && html`<p>${notice.hint}</p>`}</div>
</div>`;
}

function keyByHand(page: TotpEnrollPage, frame: PageFrame, messages: Messages): Html {
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
