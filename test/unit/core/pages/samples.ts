import { englishMessages } from '../../../../packages/core/src/pages/english.js';
import type { MfaPage, PageFrame } from '../../../../packages/core/src/pages/page.js';
import { renderPage } from '../../../../packages/core/src/pages/render.js';
import type { Messages } from '../../../../packages/core/src/pages/texts.js';

export const NOW = Date.UTC(2026, 10, 24, 10, 0, 7);
export const DAY = 86_400_000;

export const frame: PageFrame = {
  basePath: '/auth/mfa',
  brand: 'Acme',
  supportUrl: 'https://help.example/mfa',
  account: 'ada@example.com',
  hiddenFields: { _csrf: 'csrf-1', tenant: 't"1' },
  now: NOW,
};

export const enroll: MfaPage & { name: 'enroll' } = {
  name: 'enroll',
  enrollmentId: 'enrollment-1',
  kind: 'totp',
  uri: 'otpauth://totp/Acme:ada%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=Acme',
  qrSvg:
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 29 29" shape-rendering="crispEdges"><path fill="#ffffff" d="M0 0h29v29H0z"/>' +
    '<path stroke="#000000" d="M4 4.5h7m1 0h1m-9 1h1"/></svg>',
  manualKey: 'JBSW Y3DP EHPK 3PXP',
  expiresAt: NOW + 600_000,
  additional: false,
  rememberDays: 30,
};

export const challenge: MfaPage & { name: 'challenge' } = {
  name: 'challenge',
  kind: 'totp',
  factors: ['totp', 'recovery-code'],
  because: 'missing',
  rememberDays: 30,
  waitSeconds: 0,
};

export const recoveryCodes: MfaPage & { name: 'recovery-codes' } = {
  name: 'recovery-codes',
  recoveryCodes: ['7KQ4-2XWM-BD9T-CH5R-V8NZ-JPE4', 'KQ47-XWM2-D9TB-H5RC-8NZV-PE4J'],
  recoveryCodesId: 'set-1',
  continueTo: '/cases?tab=2&tab=3',
  fileName: 'acme-recovery-codes.txt',
};

export const recoveryCodesOffer: MfaPage & { name: 'recovery-codes-offer' } = {
  name: 'recovery-codes-offer',
  recoveryCodesId: 'set-1',
  continueTo: '/cases?tab=2&tab=3',
};

export const overview: MfaPage & { name: 'overview' } = {
  name: 'overview',
  authenticators: [
    { id: 'a1', kind: 'totp', name: 'PHONE', createdAt: NOW - 9 * DAY, lastUsedAt: NOW - DAY },
    { id: 'a2', kind: 'totp', name: 'TABLET', createdAt: NOW - 2 * DAY },
  ],
  devices: [
    { id: 'd1', label: 'FIREFOX', firstUsedAt: 0, lastUsedAt: NOW, rememberedUntil: NOW + DAY, current: true, endsSession: true },
    { id: 'd2', label: 'CHROME', firstUsedAt: 0, lastUsedAt: NOW, rememberedUntil: NOW - DAY, current: false },
  ],
  recoveryCodesLeft: 8,
  recoveryCodesOffered: true,
  mayRemoveLast: false,
  mayEnroll: true,
  homeUrl: '/home',
};

const message: MfaPage = { name: 'message', heading: 'HEADING', text: 'TEXT', action: { href: '/login', text: 'ACTION' } };

/** Every page in every state, with its frame. */
export function samples(messages: Messages): { title: string; page: MfaPage; frame: PageFrame }[] {
  const { refusals, code } = messages;
  const refused: PageFrame = {
    ...frame,
    notice: { tone: 'error', text: refusals.invalid_code, hint: code.clockHint, field: 'code' },
  };
  const done: PageFrame = { ...frame, notice: { tone: 'success', text: 'NOTICE' } };
  return [
    { title: 'first enrollment', page: enroll, frame },
    { title: 'additional enrollment, refused code', page: { ...enroll, additional: true }, frame: refused },
    { title: 'challenge', page: challenge, frame },
    { title: 'challenge, refused code', page: challenge, frame: refused },
    { title: 'challenge, throttled', page: { ...challenge, because: 'expired', waitSeconds: 90 }, frame: refused },
    { title: 'challenge for a recovery code', page: { ...challenge, kind: 'recovery-code' }, frame },
    { title: 'refused recovery code', page: { ...challenge, kind: 'recovery-code', because: 'revoked' }, frame: refused },
    { title: 'recovery codes', page: recoveryCodes, frame },
    { title: 'offer of recovery codes', page: recoveryCodesOffer, frame },
    { title: 'way on', page: { name: 'done', continueTo: '/cases', leads: 'path', homeUrl: '/home' }, frame },
    {
      title: 'end of a proof, with a link',
      page: { name: 'done', continueTo: '/a?b=1&c="<i>', leads: 'link', homeUrl: '/home' },
      frame,
    },
    { title: 'overview', page: overview, frame: done },
    { title: 'overview, recovery codes not seen', page: { ...overview, recoveryCodesUnsaved: true }, frame },
    {
      title: 'overview with few entries',
      page: { ...overview, authenticators: overview.authenticators.slice(1), devices: [], recoveryCodesLeft: 0 },
      frame: { ...frame, logoUrl: '/logo.svg' },
    },
    { title: 'empty overview', page: { ...overview, authenticators: [], devices: [] }, frame },
    { title: 'message', page: message, frame },
  ];
}

/** The English documents of all samples. */
export function englishDocuments(): Promise<{ title: string; document: string }[]> {
  return Promise.all(
    samples(englishMessages).map(async ({ title, page, frame }) => ({
      title,
      document: await renderPage(page, frame, englishMessages),
    })),
  );
}

/** Start tags of a document with their attributes, entities still in place. */
export function tagsOf(document: string): { name: string; attributes: Record<string, string>; at: number }[] {
  return [...document.matchAll(/<([a-z][a-z0-9]*)((?:\s+[a-zA-Z-]+(?:="[^"]*")?)*)\s*>/g)].map((match) => ({
    name: match[1] ?? '',
    at: match.index,
    attributes: Object.fromEntries(
      [...(match[2] ?? '').matchAll(/([a-zA-Z-]+)(?:="([^"]*)")?/g)].map(([, name = '', value = '']) => [name, value]),
    ),
  }));
}
