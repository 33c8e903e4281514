import { createAuthenticator } from '@mfa-kit/core/testing';
import { walk } from '@mfa-kit-examples/bearer-api/walk';
import { createDemoMfa } from '@mfa-kit-examples/demo-host';
import { decodeJwt, type JWTPayload, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BearerAnswer, type BearerApp, call, enrollBearer, PAYOUT, SPA, startBearerApp } from '../support/bearer-app.js';
import { DAY, SECOND, STEP } from '../support/demo-app.js';

let app: BearerApp;
beforeEach(async () => {
  app = await startBearerApp();
});
afterEach(() => app.close());

/** The parts of a forged token. */
interface TokenParts {
  claims: JWTPayload;
  typ?: string | undefined;
}

function said({ status, body }: BearerAnswer): unknown[] {
  return [status, body.reason];
}

describe('a client with bearer tokens', () => {
  it('goes from the first login to the refresh, as the example prints it', async () => {
    const lines: string[] = [];
    await walk({
      origin: app.origin,
      username: 'ada',
      password: app.password,
      code: async (manualKey = '') => {
        app.advance(STEP);
        return createAuthenticator(manualKey).code(app.now());
      },
      say: (line) => lines.push(line),
    });
    expect(lines.filter((line) => /^[A-Z]+ \//.test(line))).toEqual([
      'POST /login  ->  200 enroll',
      'POST /mfa/enroll  ->  201',
      'POST /mfa/enroll/confirm  ->  200',
      'GET /cases  ->  200',
      'POST /login  ->  200 challenge',
      'POST /mfa/verify  ->  200',
      'POST /login  ->  200 allow',
      'GET /cases  ->  200',
      'POST /payouts  ->  401 challenge',
      'POST /mfa/verify  ->  200',
      'POST /payouts  ->  201',
      'POST /token  ->  200',
      'GET /cases  ->  200',
    ]);
  });

  it('STP-1, STP-2: learns how fresh a code must be, and neither use nor refresh makes it fresher', async () => {
    const ada = await enrollBearer(app);
    app.advance(300 * SECOND);
    expect((await call(app, 'POST /payouts', { token: ada.accessToken, body: PAYOUT })).status).toBe(201);
    app.advance(SECOND);
    const refreshed = await call(app, 'POST /token', { body: { refreshToken: ada.refreshToken } });
    expect(refreshed.status).toBe(200);
    const { accessToken: token } = refreshed.body;
    expect((await call(app, 'GET /cases', { token })).status).toBe(200);
    const refused = await call(app, 'POST /payouts', { token, body: PAYOUT });
    expect(refused.body).toMatchObject({ status: 401, reason: 'challenge', because: 'expired', maxAgeSeconds: 300 });
    expect(refused.headers.get('www-authenticate')).toMatch(
      /^Bearer error="insufficient_user_authentication", error_description="[^"]+", max_age="300", acr_values="[^"]+"$/,
    );
    const proven = await call(app, 'POST /mfa/verify', { token, body: { code: ada.nextCode() } });
    expect((await call(app, 'POST /payouts', { token: proven.body.accessToken, body: PAYOUT })).status).toBe(201);
    // STP-3: only the new token has the elevation.
    expect((await call(app, 'POST /payouts', { token, body: PAYOUT })).status).toBe(401);
  });

  it('SES-7: revocation by epoch ends access and refresh tokens alike, at the next request', async () => {
    const ada = await enrollBearer(app);
    const ended = await call(app, 'POST /mfa/sessions/end', { token: ada.accessToken, body: {} });
    expect(ended.status).toBe(200);
    expect((await call(app, 'GET /cases', { token: ada.accessToken })).body).toMatchObject({
      reason: 'challenge',
      because: 'revoked',
    });
    expect((await call(app, 'POST /token', { body: { refreshToken: ada.refreshToken } })).status).toBe(401);
    const { accessToken, refreshToken } = ended.body;
    expect((await call(app, 'GET /cases', { token: accessToken })).status).toBe(200);

    const support = createDemoMfa(app.host, app.now);
    expect(await support.resetMfa({ userId: 'user-ada', actor: 'support', reason: 'lost phone' })).toMatchObject({ ok: true });
    expect(said(await call(app, 'GET /cases', { token: accessToken }))).toEqual([401, 'login_again']);
    expect((await call(app, 'POST /token', { body: { refreshToken } })).status).toBe(401);
    expect((await ada.logIn()).body).toMatchObject({ access: 'enroll', pendingToken: expect.any(String) });
  });

  it.each<[string, (parts: TokenParts) => TokenParts]>([
    ['without amr', ({ claims: { amr: _, ...claims }, typ }) => ({ claims, typ })],
    ['without auth_time', ({ claims: { auth_time: _, ...claims }, typ }) => ({ claims, typ })],
    ['of another user', ({ claims, typ }) => ({ claims: { ...claims, sub: 'user-bob' }, typ })],
    ['without a user', ({ claims: { sub: _, ...claims }, typ }) => ({ claims, typ })],
    ['for another audience', ({ claims, typ }) => ({ claims: { ...claims, aud: 'larkfield-files' }, typ })],
    ['of another issuer', ({ claims, typ }) => ({ claims: { ...claims, iss: 'mfa-kit' }, typ })],
    ['of another type', ({ claims }) => ({ claims, typ: 'mfa-pending+jwt' })],
    ['of no type', ({ claims }) => ({ claims })],
    ['that does not expire', ({ claims: { exp: _, ...claims }, typ }) => ({ claims, typ })],
  ])('SES-6, T21: an access token %s is refused, although the key of the application signed it', async (_name, change) => {
    const ada = await enrollBearer(app);
    const key = Buffer.from(app.host.sessionSecret, 'base64url');
    const sign = ({ claims, typ }: TokenParts) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'HS256', ...(typ !== undefined && { typ }) }).sign(key);
    const parts: TokenParts = { claims: decodeJwt(ada.accessToken), typ: 'at+jwt' };
    expect((await call(app, 'GET /cases', { token: await sign(parts) })).status).toBe(200);
    const token = await sign(change(parts));
    for (const request of ['GET /cases', 'POST /payouts']) {
      const refused = await call(app, request, { token, ...(request === 'POST /payouts' && { body: PAYOUT }) });
      expect([request, refused.status, refused.body.reason]).toEqual([request, expect.any(Number), expect.any(String)]);
      expect([401, 403]).toContain(refused.status);
    }
  });

  it('T21: a pending token or a device token is not accepted as an access token', async () => {
    const ada = await enrollBearer(app);
    const { pendingToken } = (await ada.logIn({ 'mfa-device': '' })).body;
    const body = { pendingToken, code: ada.nextCode(), rememberDevice: true };
    const { deviceToken } = (await call(app, 'POST /mfa/verify', { body, headers: { 'mfa-device': '' } })).body;
    for (const token of [pendingToken, deviceToken, ada.refreshToken]) {
      expect(said(await call(app, 'GET /cases', { token }))).toEqual([401, 'login_again']);
    }
  });

  it('gets one successor of a refresh token, even with concurrent requests', async () => {
    const ada = await enrollBearer(app);
    const asked = Array.from({ length: 20 }, () => call(app, 'POST /token', { body: { refreshToken: ada.refreshToken } }));
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 401)).toHaveLength(19);
  });

  it('stores its device token itself, is remembered for 30 days, and cannot refresh for longer', async () => {
    const ada = await enrollBearer(app);
    const { pendingToken } = (await ada.logIn({ 'mfa-device': '' })).body;
    const body = { pendingToken, code: ada.nextCode(), rememberDevice: true };
    const verified = await call(app, 'POST /mfa/verify', { body, headers: { 'mfa-device': '' } });
    expect(verified.headers.getSetCookie()).toEqual([]);
    const again = await ada.logIn({ 'mfa-device': String(verified.body.deviceToken) });
    expect(again.body).toMatchObject({ access: 'allow', accessToken: expect.any(String), deviceToken: expect.any(String) });
    // T29: a remembered device cannot make a payment.
    expect(said(await call(app, 'POST /payouts', { token: again.body.accessToken, body: PAYOUT }))).toEqual([401, 'challenge']);
    app.advance(29 * DAY);
    const refreshed = await call(app, 'POST /token', { body: { refreshToken: again.body.refreshToken } });
    expect(refreshed.status).toBe(200);
    app.advance(DAY + SECOND);
    expect((await call(app, 'POST /token', { body: { refreshToken: refreshed.body.refreshToken } })).status).toBe(401);
    expect((await ada.logIn({ 'mfa-device': String(again.body.deviceToken) })).body.access).toBe('challenge');
  });

  it('uses a pending token once, and a recovery code if the phone is lost', async () => {
    const ada = await enrollBearer(app);
    const { pendingToken } = (await ada.logIn()).body;
    const recovered = await call(app, 'POST /mfa/verify', { body: { pendingToken, recoveryCode: ada.recoveryCodes[0] } });
    expect(recovered.body).toMatchObject({ recoveryCodesLeft: 9, accessToken: expect.any(String) });
    const twice = await call(app, 'POST /mfa/verify', { body: { pendingToken, recoveryCode: ada.recoveryCodes[1] } });
    expect(said(twice)).toEqual([401, 'pending_token_invalid']);
  });

  it('needs no MFA if the policy allows it, except for routes that require a fresh code', async () => {
    for (const username of ['grace', 'alan']) {
      const { body } = await call(app, 'POST /login', { body: { username, password: app.password } });
      expect(body.access).toBe('allow');
      expect((await call(app, 'GET /cases', { token: body.accessToken })).status).toBe(200);
      expect(said(await call(app, 'POST /payouts', { token: body.accessToken, body: PAYOUT }))).toEqual([403, 'enroll']);
      expect((await call(app, 'POST /token', { body: { refreshToken: body.refreshToken } })).status).toBe(200);
    }
  });

  it('ENR-1: enrolls with the pending token of the login even if MFA is optional', async () => {
    for (const username of ['grace', 'alan']) {
      const user = await enrollBearer(app, username);
      expect((await call(app, 'POST /payouts', { token: user.accessToken, body: PAYOUT })).status).toBe(201);
      expect((await user.logIn()).body.access).toBe('challenge');
    }
  });

  it('ENR-5: adds another authenticator with a token only if its code is fresh', async () => {
    const ada = await enrollBearer(app);
    const { accessToken: token } = ada;
    const started = await call(app, 'POST /mfa/enroll', { token, body: { name: 'tablet' } });
    expect(started.status).toBe(201);
    const { enrollmentId, manualKey } = started.body;
    const code = createAuthenticator(String(manualKey)).code(app.now());
    const confirmed = await call(app, 'POST /mfa/enroll/confirm', { token, body: { enrollmentId, code } });
    expect(said(confirmed)).toEqual([200, undefined]);
    app.advance(301 * SECOND);
    const late = await call(app, 'POST /mfa/enroll', { token: confirmed.body.accessToken, body: {} });
    expect(said(late)).toEqual([403, 'assurance_required']);
  });
});

describe('a page of another origin', () => {
  it('can read refusals without exposed headers, including those of the guard', async () => {
    const headers = { origin: SPA, 'sec-fetch-site': 'cross-site' };
    const preflight = await call(app, 'OPTIONS /payouts', { headers: { ...headers, 'access-control-request-method': 'POST' } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/Authorization.*MFA-Device/);
    const login = await call(app, 'POST /login', { body: { username: 'ada', password: app.password }, headers });
    const enroll = await call(app, 'POST /mfa/enroll', { body: { pendingToken: login.body.pendingToken }, headers });
    expect(enroll.status).toBe(201);
    const refused = await call(app, 'GET /cases', { headers });
    expect(refused.headers.get('access-control-allow-origin')).toBe(SPA);
    expect(refused.headers.get('vary')).toContain('Origin');
    expect(said(refused)).toEqual([401, 'login_again']);
  });

  it('cannot read or change anything if its origin is not allowed', async () => {
    const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    const ada = await enrollBearer(app);
    const { pendingToken } = (await ada.logIn()).body;
    const answer = await call(app, 'POST /mfa/verify', { body: { pendingToken, code: ada.nextCode() }, headers });
    expect(said(answer)).toEqual([403, 'cross_site']);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect((await call(app, 'OPTIONS /payouts', { headers })).headers.get('access-control-allow-origin')).toBeNull();
  });

  it('gets JSON and never a page of the kit', async () => {
    const answer = await call(app, 'GET /mfa/challenge', { headers: { accept: 'text/html' } });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });
});
