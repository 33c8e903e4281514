import { isFieldObject } from '../host-input.js';
import type { MfaUser } from '../options.js';
import type { MfaPage, PageFrame, PageNotice } from '../pages/page.js';
import { type PageRefusal, refusalPage, refusalText } from '../pages/refusals.js';
import type { Messages } from '../pages/texts.js';
import type { HttpAnswer, MfaExchange } from './exchange.js';
import type { HttpKit } from './http-kit.js';
import { messagesFor, refuseAnswer } from './page-messages.js';
import { describeProblem, type Problem } from './problem.js';
import { pageAnswer, problemAnswer, problemHeaders } from './responses.js';
import { callHost, LATE } from './session/request-identity.js';

/** A page to show. */
export interface View<User extends MfaUser> {
  page: MfaPage;
  user: User | null;
  status?: number;
  notice?: PageNotice;
  headers?: HttpAnswer['headers'];
}

/** Renders a page: with the host's `pages.render` if it is set, otherwise with the kit's own. */
export async function showPage<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  view: View<User>,
): Promise<HttpAnswer> {
  const { pages, publicPath } = kit.options;
  const { page, user, notice } = view;
  const { logoUrl, themeUrl, supportUrl } = pages;
  const frame: PageFrame = {
    basePath: publicPath,
    brand: brandFor(kit, user),
    hiddenFields: hiddenFieldsFor(kit, exchange),
    now: kit.mfa.settings.now(),
    logoUrl,
    themeUrl,
    supportUrl,
    account: user?.name,
    notice,
  };
  const messages = messagesFor(kit, exchange);
  const html: unknown = pages.render
    ? await callHost(kit, 'pages.render', () => pages.render?.(page, frame, messages, exchange.request), exchange.request)
    : await (await import('../pages/render.js')).renderPage(page, frame, messages);
  if (html === LATE) return problemAnswer(kit, describeProblem('unavailable'));
  if (typeof html !== 'string') refuseAnswer('pages.render', 'the HTML of the page as a string', html);
  return pageAnswer(kit, { status: view.status ?? 200, html, headers: view.headers });
}

/** A page that says why the request was refused. */
export async function showProblem<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  input: {
    problem: Problem;
    user: User | null;
    reason?: PageRefusal;
    headers?: HttpAnswer['headers'];
    /** Path below the mount that the page offers to open, if the user may open what the request may not. */
    openHere?: string;
  },
): Promise<HttpAnswer> {
  const { problem, user, headers = [], openHere } = input;
  const messages = messagesFor(kit, exchange);
  const reason = input.reason ?? pageReason(problem);
  const { loginUrl, reauthUrl, publicPath } = kit.options;
  const logIn = problem.status === 401 ? { href: user ? reauthUrl : loginUrl, text: messages.logIn } : undefined;
  const open = openHere === undefined ? undefined : { href: publicPath + openHere, text: messages.code.submit };
  const page = refusalPage(messages, { reason, retryAfterSeconds: problem.retryAfterSeconds }, open ?? logIn);
  return showPage(kit, exchange, { page, user, status: problem.status, headers: [...problemHeaders(problem), ...headers] });
}

/** The notice about a problem on the page where it came up. */
export function problemNotice(
  messages: Messages,
  problem: Problem,
  { malformed, hint }: { malformed?: string | undefined; hint?: string | undefined } = {},
): PageNotice {
  const text = refusalText(messages, pageReason(problem), problem.retryAfterSeconds);
  if (problem.reason !== 'invalid_code') return { tone: 'error', text };
  return malformed === undefined
    ? { tone: 'error', text, hint, field: 'code' }
    : { tone: 'error', text: malformed, field: 'code' };
}

function hiddenFieldsFor<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
): Record<string, string> {
  const given: unknown = kit.options.pages.hiddenFields?.(exchange.request);
  if (given === undefined || given === null) return {};
  if (!isFieldObject(given)) refuseAnswer('pages.hiddenFields', 'an object of texts (not a promise) or nothing', given);
  for (const value of Object.values(given)) {
    if (typeof value !== 'string') refuseAnswer('pages.hiddenFields', 'text in every field', value);
  }
  return { ...given } as Record<string, string>;
}

/** Name of the application on pages and in the name of the file with recovery codes. */
export function brandFor<User extends MfaUser, Request>(kit: HttpKit<User, Request>, user: User | null): string {
  return kit.options.pages.brand ?? (user ? kit.mfa.settings.issuerFor(user) : 'MFA');
}

function pageReason({ reason }: Problem): PageRefusal {
  switch (reason) {
    case 'malformed':
    case 'method_not_allowed':
      return 'bad_request';
    case 'challenge':
      return 'assurance_required';
    case 'enroll':
      return 'not_enrolled';
    default:
      return reason;
  }
}
