import type { AccessDecision, Mfa, MfaSession, MfaUser } from '@mfa-kit/core';
import { proofOf } from '../support/proof-of.js';
import type { Names } from './names.js';
import type { Answer, Name, Session, Step, Token } from './state.js';

/** What is observable of an answer, of core or of the model. */
export interface Seen {
  said: string;
  session: string;
  minted: boolean;
  left: number | undefined;
  codes: boolean;
  retryAfterSeconds: number | undefined;
}

/** An answer of core, with the ids for the names of the model. */
export interface Real {
  seen: Seen;
  session?: MfaSession | undefined;
  device?: { token: string; deviceId: string } | undefined;
  enrollment?: { id: string; uri: string } | undefined;
  authenticator?: { id: string } | undefined;
  recoveryCodes?: string[] | undefined;
}

export interface Meaning {
  user: MfaUser;
  names: Names;
  sessionOf(session: Session | undefined): MfaSession | undefined;
  codesOf(set: Name): readonly string[];
}

type Given = Partial<Omit<Real, 'seen'>> & { recoveryCodesLeft?: number };

const UNKNOWN_CODE = '0000-0000-0000-0000-0000-0000';

/** Runs a step of the model in core. */
export async function perform(mfa: Mfa, step: Step, meaning: Meaning): Promise<Real> {
  const { user, names, sessionOf, codesOf } = meaning;
  const support = { userId: user.id, actor: 'support', reason: 'asked' };
  switch (step.kind) {
    case 'log in':
      return logIn(mfa, step, meaning);
    case 'verify': {
      const { proof } = step;
      const given =
        'digits' in proof ? { code: proof.digits } : { recoveryCode: codesOf(proof.set)[proof.number] ?? UNKNOWN_CODE };
      return realOf(
        await mfa.verify({ user, session: sessionOf(step.session), proof: proofOf(given), ...browserOf(step, names) }),
      );
    }
    case 'start':
      return realOf(await mfa.startEnrollment({ user, session: sessionOf(step.session) }));
    case 'confirm': {
      const given = { enrollmentId: names.idOf(step.enrollment), proof: proofOf({ code: step.digits }) };
      return realOf(await mfa.confirmEnrollment({ user, session: sessionOf(step.session), ...given, ...browserOf(step, names) }));
    }
    case 'cancel':
      return realOf(
        await mfa.cancelEnrollment({ user, session: sessionOf(step.session), enrollmentId: names.idOf(step.enrollment) }),
      );
    case 'rename':
    case 'remove': {
      const input = { user, session: sessionOf(step.session), authenticatorId: names.idOf(`${step.app}.app`) };
      return realOf(
        await (step.kind === 'remove'
          ? mfa.removeAuthenticator(input)
          : mfa.renameAuthenticator({ ...input, name: 'Another name' })),
      );
    }
    case 'regenerate':
      return realOf(await mfa.regenerateRecoveryCodes({ user, session: sessionOf(step.session) }));
    case 'end all sessions':
      return realOf(await mfa.endAllSessions({ user, session: sessionOf(step.session) }));
    case 'revoke':
      return realOf(await mfa.revokeDevice({ user, session: sessionOf(step.session), deviceId: names.idOf(step.device) }));
    case 'change the password': {
      const keep = sessionOf(step.keep);
      return realOf(await mfa.passwordChanged({ userId: user.id, ...(keep ? { keep } : {}) }));
    }
    case 'reset':
      return realOf(await mfa.resetMfa(support));
    case 'clear the lockout':
      return realOf(await mfa.clearLockout(support));
    case 'forget':
      return realOf(await mfa.forgetUser({ userId: user.id }));
  }
}

async function logIn(mfa: Mfa, step: Extract<Step, { kind: 'log in' }>, { user, names }: Meaning): Promise<Real> {
  const { decision, device, pendingToken, ...begun } = await mfa.beginLogin({ user, ...shownTokens(step.tokens, names) });
  let session = begun.session;
  if (step.byToken && pendingToken !== undefined) {
    const opened = await mfa.openPendingToken(pendingToken);
    session = opened.ok ? opened.session : undefined;
  }
  return { seen: { ...seenOf({ session, device }), said: wordOf(decision) }, session, device };
}

function realOf(result: ({ ok: true } & Given) | { ok: false; reason: string; retryAfterSeconds?: number }): Real {
  if (result.ok) return { ...result, seen: { ...seenOf(result), said: 'ok' } };
  return { seen: { ...seenOf({}), said: result.reason, retryAfterSeconds: result.retryAfterSeconds } };
}

function seenOf({ session, device, recoveryCodes, recoveryCodesLeft }: Given): Omit<Seen, 'said'> {
  return {
    session: session?.state === 'verified' ? session.assurance.via : (session?.state ?? 'none'),
    minted: device !== undefined,
    left: recoveryCodesLeft,
    codes: recoveryCodes !== undefined,
    retryAfterSeconds: undefined,
  };
}

/** The observable part of the model's answer. */
export function seenInModel({ said, session, minted, left, codes, retryAfterSeconds }: Answer): Seen {
  return {
    said,
    session: session?.state === 'verified' ? session.via : (session?.state ?? 'none'),
    minted: minted !== undefined,
    left,
    codes: codes !== undefined,
    retryAfterSeconds,
  };
}

/** The guard's answer in a word or two. */
export function wordOf(decision: AccessDecision): string {
  if (decision.access === 'allow') return `allow: ${decision.via}`;
  return decision.access === 'challenge' ? `challenge: ${decision.because}` : decision.access;
}

function browserOf(step: { tokens: readonly Token[]; remember: boolean; label: boolean }, names: Names) {
  return {
    ...shownTokens(step.tokens, names),
    rememberDevice: step.remember,
    ...(step.label ? { deviceLabel: 'Firefox on Windows' } : {}),
  };
}

function shownTokens(tokens: readonly Token[], names: Names): { deviceToken?: string[] } {
  return tokens.length === 0 ? {} : { deviceToken: tokens.map(({ name }) => names.idOf(name)) };
}
