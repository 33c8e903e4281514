import type { PageFrame, PageNotice } from '../pages/page.js';
import type { Messages } from '../pages/texts.js';
import { fillText, type Html, html } from './html.js';

/** A form that changes something: posts to a path below the mount and carries the host's hidden fields. */
export function postForm(frame: PageFrame, path: string, fields: Record<string, string>, content: Html): Html {
  return html`<form method="post" action="${frame.basePath}${path}">${hiddenInputs({ ...frame.hiddenFields, ...fields })}${content}</form>`;
}

/** Fields that the user does not see. */
export function hiddenInputs(fields: Record<string, string>): Html {
  return html`${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}`;
}

/** The notice about the code that was entered, which the input shows in place of the top of the page. */
export function codeNotice({ notice }: PageFrame): PageNotice | undefined {
  return notice?.field === 'code' ? notice : undefined;
}

/** The input for the 6 digits, the time that the shown code still lasts, and the error of the last try. */
export function codeField(frame: PageFrame, messages: Messages, options: { describedBy: string; focus: boolean }): Html {
  const notice = codeNotice(frame);
  // One input, not six: paste, autofill, screen readers and IMEs work as the browser meant them. Neither `maxlength` nor `pattern`: the
  // first would drop digits of a code pasted with blanks, and not every browser tells what the second refuses.
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

/** The input for a recovery code. */
export function recoveryCodeField(frame: PageFrame, messages: Messages, describedBy: string): Html {
  const refused = codeNotice(frame) !== undefined;
  return html`<div class="field">
<label for="recovery-code">${messages.challenge.recoveryLabel}</label>
<input class="recovery-code" id="recovery-code" name="recoveryCode" type="text" autocomplete="off" autocapitalize="characters"
 autocorrect="off" required autofocus spellcheck="false" dir="ltr"
 aria-describedby="${refused && 'code-error '}${describedBy}"${refused && html` aria-invalid="true"`}>
${refused && html`<div class="field-error" id="code-error" role="alert"><p>${messages.challenge.recoveryInvalid}</p></div>`}
</div>`;
}

/** The tick box "Remember this device", or nothing when the feature is off. */
export function rememberBox(days: number, messages: Messages): Html {
  if (days <= 0) return html``;
  return html`<div class="tick">
<input type="checkbox" id="remember" name="rememberDevice" value="on" aria-describedby="remember-hint">
<label for="remember">${messages.code.remember(days)}</label>
<p class="hint" id="remember-hint">${messages.code.rememberHint}</p>
</div>`;
}

/** An action that opens a small form or a question in place: confirmation without a script. */
export function disclosure(input: { summary: Html; content: Html; className?: string; open?: boolean }): Html {
  return html`<details class="${input.className ?? 'disclosure'}"${input.open === true && html` open`}><summary>${input.summary}</summary><div class="disclosed">${input.content}</div></details>`;
}
