import type { PageFrame, PageNotice } from '../pages/page.js';
import type { Messages } from '../pages/texts.js';
import { type Html, html } from './html.js';

/** A form that changes something: it posts to a path below the mount and includes the host's hidden fields. */
export function postForm(frame: PageFrame, path: string, fields: Record<string, string>, content: Html): Html {
  return html`<form method="post" action="${frame.basePath}${path}">${hiddenInputs({ ...frame.hiddenFields, ...fields })}${content}</form>`;
}

/** Fields that the user does not see. */
export function hiddenInputs(fields: Record<string, string>): Html {
  return html`${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}`;
}

/** The notice about the code that was entered, which the input shows instead of the top of the page. */
export function codeNotice({ notice }: PageFrame): PageNotice | undefined {
  return notice?.field === 'code' ? notice : undefined;
}

/** The checkbox "Remember this device", or nothing if the feature is off. */
export function rememberBox(days: number, messages: Messages): Html {
  if (days <= 0) return html``;
  return html`<div class="tick">
<input type="checkbox" id="remember" name="rememberDevice" value="on" aria-describedby="remember-hint">
<label for="remember">${messages.code.remember(days)}</label>
<p class="hint" id="remember-hint">${messages.code.rememberHint}</p>
</div>`;
}

/** An action that opens a small form or a question in place, as a confirmation without a script. */
export function disclosure(input: { summary: Html; content: Html; className?: string; open?: boolean }): Html {
  return html`<details class="${input.className ?? 'disclosure'}"${input.open === true && html` open`}><summary>${input.summary}</summary><div class="disclosed">${input.content}</div></details>`;
}
