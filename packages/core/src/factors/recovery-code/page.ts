import { codeNotice } from '../../html/forms.js';
import { type Html, html } from '../../html/html.js';
import type { PageFrame } from '../../pages/page.js';
import type { Messages } from '../../pages/texts.js';
import type { FactorPage } from '../factor-page.js';

/** Recovery codes on the pages. */
export const recoveryCodePage: FactorPage = {
  words: ({ challenge, overview }) => ({ kind: overview.recoveryCodes, use: challenge.useRecoveryCode }),
  prompt: (_because, frame, messages) => ({
    heading: messages.challenge.recoveryHeading,
    text: messages.challenge.recoveryText,
    input: recoveryCodeInput(frame, messages),
  }),
};

function recoveryCodeInput(frame: PageFrame, messages: Messages): Html {
  const refused = codeNotice(frame) !== undefined;
  return html`<div class="field">
<label for="recovery-code">${messages.challenge.recoveryLabel}</label>
<input class="recovery-code" id="recovery-code" name="recoveryCode" type="text" autocomplete="off" autocapitalize="characters"
 autocorrect="off" required autofocus spellcheck="false" dir="ltr"
 aria-describedby="${refused && 'code-error '}purpose"${refused && html` aria-invalid="true"`}>
${refused && html`<div class="field-error" id="code-error" role="alert"><p>${messages.challenge.recoveryInvalid}</p></div>`}
</div>`;
}
