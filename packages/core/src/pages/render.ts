import { toMarkup } from '../html/html.js';
import { renderChallenge } from './challenge.js';
import { renderDone } from './done.js';
import { renderEnroll } from './enroll.js';
import { type FactorParts, loadFactorParts } from './factor-parts.js';
import { layOut, type PageContent } from './layout.js';
import { renderMessage } from './message-page.js';
import { renderOverview } from './overview.js';
import type { MfaPage, PageFrame } from './page.js';
import { renderRecoveryCodes, renderRecoveryCodesOffer } from './recovery-codes.js';
import type { Messages } from './texts.js';

/** One page as a complete HTML document, which needs no inline script and no inline style. */
export async function renderPage(page: MfaPage, frame: PageFrame, messages: Messages): Promise<string> {
  const content = renderContent(page, await loadFactorParts(), frame, messages);
  return toMarkup(layOut(content, frame, messages));
}

function renderContent(page: MfaPage, parts: FactorParts, frame: PageFrame, messages: Messages): PageContent {
  switch (page.name) {
    case 'enroll':
      return renderEnroll(page, parts[page.kind], frame, messages);
    case 'recovery-codes':
      return renderRecoveryCodes(page, frame, messages);
    case 'recovery-codes-offer':
      return renderRecoveryCodesOffer(page, frame, messages);
    case 'challenge':
      return renderChallenge(page, parts, frame, messages);
    case 'done':
      return renderDone(page, frame, messages);
    case 'overview':
      return renderOverview(page, parts, frame, messages);
    case 'message':
      return renderMessage(page);
  }
}
