import { disclosure, postForm } from '../html/forms.js';
import { fillText, type Html, html, safeUrl } from '../html/html.js';
import type { AuthenticatorSummary } from '../mfa.js';
import type { FactorParts } from './factor-parts.js';
import type { PageContent } from './layout.js';
import type { MfaPage, PageFrame } from './page.js';
import type { Messages } from './texts.js';

type OverviewPage = Extract<MfaPage, { name: 'overview' }>;

/** Shows what the user has enrolled and which devices are known, with the forms that change them. */
export function renderOverview(page: OverviewPage, parts: FactorParts, frame: PageFrame, messages: Messages): PageContent {
  const texts = messages.overview;
  return {
    heading: texts.heading,
    width: 'wide',
    body: html`<div class="intro">
<p class="back"><a href="${safeUrl(page.homeUrl)}">${fillText(texts.back, html`<bdi>${frame.brand}</bdi>`)}</a></p>
<h1>${texts.heading}</h1>
<p class="lead">${texts.text}</p></div>
${authenticators(page, parts, frame, messages)}
${page.recoveryCodesOffered && recoveryCodes(page, frame, messages)}
${devices(page, frame, messages)}
${sessions(frame, messages)}`,
  };
}

function authenticators(page: OverviewPage, parts: FactorParts, frame: PageFrame, messages: Messages): Html {
  const texts = messages.overview;
  const stays = page.authenticators.length === 1 && !page.mayRemoveLast;
  const rows = page.authenticators.map((authenticator, index) =>
    authenticatorRow({ authenticator, index, stays, parts, frame, messages }),
  );
  return section(
    'authenticators',
    texts.authenticators,
    html`
${rows.length > 0 ? html`<ul class="rows">${rows}</ul>` : html`<p class="empty">${texts.noAuthenticator}</p>`}
${stays && html`<p class="hint">${texts.lastStays}</p>`}
${page.mayEnroll && addForms(parts, frame, messages)}`,
  );
}

/** A form for each kind that users set up. */
function addForms(parts: FactorParts, frame: PageFrame, messages: Messages): Html {
  const forms = Object.entries(parts).map(([kind, part]) => {
    const { add, addConfirm } = part.words(messages);
    if (add === undefined || addConfirm === undefined) return html``;
    const form = html`<div class="field"><label for="new-${kind}">${messages.overview.nameLabel}</label>
<input id="new-${kind}" name="name" type="text" maxlength="64" autocomplete="off" dir="auto"></div>
<button class="primary" type="submit">${addConfirm}</button>`;
    return disclosure({
      summary: html`${add}`,
      content: postForm(frame, '/enroll', { kind }, form),
      className: 'disclosure standing',
    });
  });
  return html`${forms}`;
}

/** Returns the name of a kind. A kind that this version does not know was set up by a later version. */
function kindShown(kind: string, parts: FactorParts, messages: Messages): string {
  return Object.hasOwn(parts, kind) ? parts[kind as keyof FactorParts].words(messages).kind : messages.overview.kind(kind);
}

function authenticatorRow(input: {
  authenticator: AuthenticatorSummary;
  index: number;
  stays: boolean;
  parts: FactorParts;
  frame: PageFrame;
  messages: Messages;
}): Html {
  const { authenticator, index, stays, parts, frame, messages } = input;
  const texts = messages.overview;
  const { id, name, kind, createdAt, lastUsedAt } = authenticator;
  const rename = html`<div class="field"><label for="rename-${index}">${texts.renameLabel}</label>
<input id="rename-${index}" name="name" type="text" value="${name}" maxlength="64" required autocomplete="off" dir="auto"></div>
<button class="secondary" type="submit">${texts.save}</button>`;
  const remove = html`<p>${texts.removeText}</p><button class="danger" type="submit">${texts.removeConfirm}</button>`;
  return html`<li class="row"><div class="row-text">
<h3><bdi>${name}</bdi></h3>
<p class="meta"><span>${kindShown(kind, parts, messages)}</span><span>${dated(texts.added, createdAt, messages)}</span>
<span>${lastUsedAt === undefined ? texts.neverUsed : dated(texts.lastUsed, lastUsedAt, messages)}</span></p></div>
<div class="row-actions">
${disclosure({ summary: actionOn(texts.rename, name), content: postForm(frame, '/authenticators/rename', { id }, rename) })}
${!stays && disclosure({ summary: actionOn(texts.remove, name), content: postForm(frame, '/authenticators/remove', { id }, remove) })}
</div></li>`;
}

function recoveryCodes(page: OverviewPage, frame: PageFrame, messages: Messages): Html {
  const texts = messages.overview;
  const confirm = html`<p>${texts.regenerateText}</p><button class="danger" type="submit">${texts.regenerateConfirm}</button>`;
  return section(
    'recovery-codes',
    texts.recoveryCodes,
    html`<p class="hint">${texts.recoveryCodesText}</p>
${page.recoveryCodesUnsaved === true && unsaved(page, frame, messages)}
<div class="row"><p class="count${page.recoveryCodesLeft === 0 && ' none'}">${texts.recoveryCodesLeft(page.recoveryCodesLeft)}</p>
<div class="row-actions">${disclosure({ summary: html`${texts.regenerate}`, content: postForm(frame, '/recovery-codes', {}, confirm) })}</div></div>`,
  );
}

function unsaved({ recoveryCodesId: id }: OverviewPage, frame: PageFrame, messages: Messages): Html {
  const texts = messages.overview;
  const saved = html`<button class="secondary" type="submit">${texts.recoveryCodesSaved}</button>`;
  return html`<div class="notice info"><p>${texts.recoveryCodesUnsaved}</p>${postForm(frame, '/recovery-codes/saved', id === undefined ? {} : { id }, saved)}</div>`;
}

function devices(page: OverviewPage, frame: PageFrame, messages: Messages): Html {
  const texts = messages.overview;
  const rows = page.devices.map(({ id, label, current, endsSession, lastUsedAt, rememberedUntil }) => {
    const remembered = rememberedUntil !== undefined && rememberedUntil > frame.now;
    const button = html`<button class="secondary" type="submit">${actionOn(texts.revoke, label)}</button>`;
    return html`<li class="row"><div class="row-text">
<h3><bdi>${label}</bdi>${current && html` <span class="badge">${texts.currentDevice}</span>`}</h3>
<p class="meta"><span>${remembered ? dated(texts.rememberedUntil, rememberedUntil, messages) : texts.notRemembered}</span>
<span>${dated(texts.lastUsed, lastUsedAt, messages)}</span></p>${
      endsSession &&
      html`
<p class="hint">${texts.revokeEndsSession}</p>`
    }</div>
<div class="row-actions">${postForm(frame, '/devices/revoke', { id }, button)}</div></li>`;
  });
  return section(
    'devices',
    texts.devices,
    html`<p class="hint">${texts.devicesText}</p>
${rows.length > 0 ? html`<ul class="rows">${rows}</ul>` : html`<p class="empty">${texts.noDevice}</p>`}`,
  );
}

function sessions(frame: PageFrame, messages: Messages): Html {
  const texts = messages.overview;
  const confirm = html`<p>${texts.endSessionsText}</p><button class="danger" type="submit">${texts.endSessionsConfirm}</button>`;
  return section(
    'sessions',
    texts.sessions,
    html`<p class="hint">${texts.sessionsText}</p>
${disclosure({ summary: html`${texts.endSessions}`, content: postForm(frame, '/sessions/end', {}, confirm), className: 'disclosure standing' })}`,
  );
}

function section(id: string, heading: string, content: Html): Html {
  return html`<section class="panel" aria-labelledby="${id}"><h2 id="${id}">${heading}</h2>${content}</section>`;
}

/** The visible action, with the name of its object for screen readers, which may read it outside its row. */
function actionOn(action: string, name: string): Html {
  return html`${action} <bdi class="sr">${name}</bdi>`;
}

function dated(text: (date: string) => string, at: number, messages: Messages): Html {
  return fillText(text, html`<time datetime="${new Date(at).toISOString()}">${messages.date(at)}</time>`);
}
