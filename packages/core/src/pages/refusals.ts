import type { RefusalReason } from '../results.js';
import type { MfaPage } from './page.js';
import type { Messages } from './texts.js';

/** Why the pages may refuse: the reasons of the flows, and those that only a request over HTTP can have. */
export type PageRefusal = RefusalReason | 'session_lost' | 'not_found' | 'cross_site' | 'bad_request';

/** The text of one refusal, for a notice. */
export function refusalText(messages: Messages, reason: PageRefusal, retryAfterSeconds = 0): string {
  return reason === 'throttled' ? messages.refusals.throttled(retryAfterSeconds) : messages.refusals[reason];
}

/** A page that says why a request was refused, with a link to continue if there is one. */
export function refusalPage(
  messages: Messages,
  refusal: { reason: PageRefusal; retryAfterSeconds?: number },
  action?: { href: string; text: string },
): MfaPage {
  return {
    name: 'message',
    heading: messages.headings[refusal.reason],
    text: refusalText(messages, refusal.reason, refusal.retryAfterSeconds),
    action,
  };
}
