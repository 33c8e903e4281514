import { describe, expect, it } from 'vitest';
import {
  decisionProblem,
  describeProblem,
  type ProblemReason,
  problemExtensions,
  refusalProblem,
} from '../../../../packages/core/src/http/problem.js';
import { problemAnswer } from '../../../../packages/core/src/http/responses.js';
import { httpOptions } from './exchange.js';

const kit = { options: httpOptions() };

const STATUS: Record<ProblemReason, number> = {
  malformed: 400,
  challenge: 401,
  login_again: 401,
  pending_token_invalid: 401,
  enroll: 403,
  assurance_required: 403,
  profile_missing: 403,
  not_allowed: 403,
  cross_site: 403,
  not_found: 404,
  method_not_allowed: 405,
  already_confirmed: 409,
  enrollment_expired: 409,
  recovery_codes_outdated: 409,
  limit_reached: 409,
  not_enrolled: 409,
  invalid_code: 422,
  throttled: 429,
  busy: 503,
  unavailable: 503,
};

describe('HTTP-5: a problem document', () => {
  it.each(Object.entries(STATUS) as [ProblemReason, number][])('for %s has the status %i, in the body too', (reason, status) => {
    const answer = problemAnswer(kit, describeProblem(reason));
    const problem = JSON.parse(answer.body);
    expect(answer.status).toBe(status);
    expect(problem).toMatchObject({ status, reason, type: `urn:mfa-kit:problem:${reason.replaceAll('_', '-')}` });
    expect(problem.title).toMatch(/^[A-Z][^\n]{3,60}$/);
    expect(headerOf(answer, 'Content-Type')).toMatch(/^application\/problem\+json/);
    expect(headerOf(answer, 'Cache-Control')).toBe('no-store');
    expect(headerOf(answer, 'WWW-Authenticate') !== undefined).toBe(status === 401);
    expect(headerOf(answer, 'Retry-After') !== undefined).toBe(status === 503);
  });

  it('THR-7: gives the wait in whole seconds, in header and body', () => {
    const answer = problemAnswer(kit, refusalProblem({ ok: false, reason: 'throttled', retryAfterSeconds: 29.2 }));
    expect(JSON.parse(answer.body).retryAfterSeconds).toBe(30);
    expect(headerOf(answer, 'Retry-After')).toBe('30');
  });

  it('STP-2: challenges a bearer client as RFC 9470 requires', () => {
    const decision = { access: 'challenge', because: 'expired', factors: ['totp', 'recovery-code'], maxAgeSeconds: 300 } as const;
    const answer = problemAnswer(kit, decisionProblem({ ...decision, factors: [...decision.factors] }));
    expect(parseChallenge(headerOf(answer, 'WWW-Authenticate') ?? '')).toEqual({
      scheme: 'Bearer',
      error: 'insufficient_user_authentication',
      error_description: 'A second factor is required',
      max_age: '300',
      acr_values: 'urn:mfa-kit:mfa',
    });
    expect(JSON.parse(answer.body)).toMatchObject({ maxAgeSeconds: 300, factors: ['totp', 'recovery-code'], because: 'expired' });
  });

  it('STP-2: omits max_age if the route has none', () => {
    const answer = problemAnswer(kit, decisionProblem({ access: 'challenge', because: 'missing', factors: ['totp'] }));
    expect(parseChallenge(headerOf(answer, 'WWW-Authenticate') ?? '')).not.toHaveProperty('max_age');
  });

  it.each([
    [{ access: 'enroll', enrollBy: 7 }, 403, 'enroll'],
    [{ access: 'login-again' }, 401, 'login_again'],
    [{ access: 'refuse', reason: 'profile_missing' }, 403, 'profile_missing'],
    [{ access: 'refuse', reason: 'not_allowed' }, 403, 'not_allowed'],
    [{ access: 'unavailable', retryAfterSeconds: 2 }, 503, 'unavailable'],
  ] as const)('for the decision %j', (decision, status, reason) => {
    expect(decisionProblem(decision)).toMatchObject({ status, reason });
  });

  it('includes what the decision knows, and no field for what it does not', () => {
    const enroll = { access: 'enroll' } as const;
    const challenge = decisionProblem({ access: 'challenge', because: 'missing', factors: ['totp'] });
    expect(decisionProblem(enroll)).toStrictEqual(describeProblem('enroll'));
    expect(decisionProblem({ ...enroll, enrollBy: 7 })).toStrictEqual({ ...describeProblem('enroll'), enrollBy: 7 });
    expect(challenge).toStrictEqual({ ...describeProblem('challenge'), because: 'missing', factors: ['totp'] });
    expect(decisionProblem({ access: 'unavailable', retryAfterSeconds: 2 })).toMatchObject({ retryAfterSeconds: 2 });
    expect(refusalProblem({ ok: false, reason: 'assurance_required', maxAgeSeconds: 300 })).toStrictEqual({
      ...describeProblem('assurance_required'),
      maxAgeSeconds: 300,
    });
    expect(refusalProblem({ ok: false, reason: 'invalid_code' })).toStrictEqual({
      type: 'urn:mfa-kit:problem:invalid-code',
      title: 'The code is not valid',
      status: 422,
      reason: 'invalid_code',
    });
  });

  it('gives a wait of one second for busy and five for unavailable, unless the flow gives another', () => {
    expect(describeProblem('busy').retryAfterSeconds).toBe(1);
    expect(describeProblem('unavailable').retryAfterSeconds).toBe(5);
    expect(describeProblem('busy', { retryAfterSeconds: 3 }).retryAfterSeconds).toBe(3);
    expect(describeProblem('throttled', { retryAfterSeconds: 0 }).retryAfterSeconds).toBe(1);
  });

  it.each([
    ['challenge', 'UNAUTHENTICATED'],
    ['enroll', 'FORBIDDEN'],
    ['invalid_code', 'INVALID_CODE'],
    ['unavailable', 'UNAVAILABLE'],
  ] as const)('for %s is carried by a GraphQL error with the code %s', (reason, code) => {
    const problem = describeProblem(reason);
    expect(problemExtensions(problem)).toEqual({ ...problem, code });
  });
});

it('HTTP-3: the content security policy of every answer allows only the origins that the host named', () => {
  const options = httpOptions({
    loginUrl: 'https://sso.example/login',
    pages: { logoUrl: 'https://cdn.example/logo.svg', themeUrl: '/theme.css' },
  });
  const policy = headerOf(problemAnswer({ options }, describeProblem('not_found')), 'Content-Security-Policy');
  expect(policy).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https://cdn.example; " +
      "form-action 'self' https://sso.example; frame-ancestors 'none'; base-uri 'none'",
  );
});

function headerOf(answer: { headers: [string, string][] }, name: string): string | undefined {
  return answer.headers.find(([key]) => key === name)?.[1];
}

/** `auth-scheme SP auth-param *( "," auth-param )`, strictly (RFC 9110 section 11). */
function parseChallenge(value: string): Record<string, string> {
  const [, scheme = '', rest = ''] = /^([A-Za-z]+) (.+)$/.exec(value) ?? [];
  const fields: Record<string, string> = { scheme };
  for (const part of rest.split(', ')) {
    const [, name = '', text] = /^([a-z_]+)="([^"\\]*)"$/.exec(part) ?? [];
    if (text === undefined || name in fields) throw new Error(`not a parameter: ${part}`);
    fields[name] = text;
  }
  return fields;
}
