import { type Html, html } from '../../html/html.js';
import type { EnrollPage } from '../../pages/page.js';
import type { Messages } from '../../pages/texts.js';
import type { FactorPage } from '../factor-page.js';

/** Counter codes on the pages. */
export const counterCodePage: FactorPage = {
  words: (messages) => ({ ...messages['counter-code'], addConfirm: messages['counter-code'].add }),
  prompt: (_because, _frame, messages) => ({
    heading: messages['counter-code'].kind,
    text: messages['counter-code'].label,
    input: input(messages),
  }),
  enroll: (page, _frame, messages) => ({
    heading: messages['counter-code'].add,
    text: messages['counter-code'].label,
    steps: html`<li><code>${(page as Extract<EnrollPage, { kind: 'counter-code' }>).base}</code></li>`,
    proof: {
      heading: messages.code.submit,
      text: messages['counter-code'].label,
      input: input(messages),
      submit: messages.code.submit,
    },
    expires: (time) => time,
    startOver: messages.enroll.cancel,
  }),
};

function input(messages: Messages): Html {
  return html`<label>${messages['counter-code'].label} <input name="counterCode" required></label>`;
}
