// The calls of an application, compiled in a consumer's folder by each supported compiler with every strict flag.
import { createMfa, type MfaEvent, type MfaNotice, type MfaSession } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { expressMfa, type MessageOverrides, type MfaPage, type PageFrame, type RequestMfa, requestMfa } from '@mfa-kit/express';
import { MfaModule } from '@mfa-kit/nest';
import type { Request } from 'express';

interface Account {
  id: string;
  name: string;
  plan: 'free' | 'paid';
}

/** Clients of other libraries, whose calls return something. */
declare const database: { update(id: string, fields: object): Promise<{ id: string; updatedAt: Date }> };
declare const mailer: { send(mail: { to: string; subject: string }): Promise<{ accepted: string[] }> };
declare const log: { push(entry: MfaEvent): number };
declare const account: Account | undefined;
declare const realm: string | undefined;
declare const name: string | undefined;
declare const session: MfaSession | undefined;

const mfa = createMfa<Account>({
  issuer: 'Acme',
  keys: [{ id: '2026-11', secret: 'x'.repeat(64) }],
  storage: memoryStorage(),
  realm,
  policy: ({ plan }) => ({ mfa: plan === 'paid' ? 'required' : 'optional', enrollBy: undefined }),
  // F71: the results of these are not used, so any type is allowed.
  markEnrolled: (userId, enrolled) => database.update(userId, { enrolled }),
  notify: ({ userId, name: subject }: MfaNotice) => mailer.send({ to: userId, subject }),
  onEvent: (event) => log.push(event),
  rememberDevice: undefined,
  recoveryCodes: { count: undefined, lowAt: undefined },
});

const messages: MessageOverrides = { lang: 'de', challenge: { heading: 'Code', missing: undefined } };

export const { router, requireMfa } = expressMfa(mfa, {
  user: () => account,
  loginUrl: '/login',
  homeUrl: undefined,
  onRefused: (decision, _req, res) => res.status(401).json({ access: decision.access }),
  session: { read: () => session, write: async (_req, next) => database.update('s', { next }) },
  pages: {
    brand: name,
    messages: () => messages,
    render: (page: MfaPage, frame: PageFrame, texts) => `<!doctype html><title>${frame.brand} ${page.name} ${texts.lang}</title>`,
  },
});

export const module = MfaModule.forRoot<Account, Request>({
  mfa,
  user: () => account,
  loginUrl: '/login',
  path: undefined,
  isGlobal: undefined,
  session: false,
});

export const guarded = requireMfa({ maxAgeSeconds: undefined, acceptRememberedDevice: undefined });

export async function logIn(user: Account): Promise<string> {
  const { decision } = await mfa.beginLogin({ user, deviceToken: undefined, loggedInAt: undefined });
  const access = await mfa.checkAccess({ user, session, requirement: undefined, context: undefined });
  await mfa.startEnrollment({ user, session, name });
  await mfa.verify({ user, session, proof: { kind: 'totp', code: '123456' }, rememberDevice: undefined, deviceLabel: undefined });
  await mfa.rotateKeys({ dryRun: undefined, cursor: undefined, onPage: ({ cursor }) => database.update('walk', { cursor }) });
  return `${decision.access} ${access.access}`;
}

export function found(req: Request): RequestMfa | undefined {
  return requestMfa(req);
}
