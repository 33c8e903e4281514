import { assertMfaCoverage, mfaCoverage } from '@mfa-kit/express/coverage';
import { decodeJwt, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BearerApp, type BearerUser, call, enrollBearer, PAYOUT, startBearerApp } from '../support/bearer-app.js';

/** The open routes of the example, and the reasons. */
const OPEN = ['GET /healthz', 'POST /login', 'POST /token', 'USE / (anonymous)', 'USE / (jsonParser)'];

let app: BearerApp;
let ada: BearerUser;
beforeAll(async () => {
  app = await startBearerApp();
  ada = await enrollBearer(app);
});
afterAll(() => app.close());

interface Forgery {
  claims?: JWTPayload;
  without?: string[];
  header?: Record<string, unknown>;
  key?: Uint8Array;
}

/** A token as the example makes it, with the given changes. */
function forge({ claims = {}, without = [], header = {}, key }: Forgery = {}): Promise<string> {
  const all = Object.entries({ ...decodeJwt(ada.accessToken), ...claims }).filter(([name]) => !without.includes(name));
  return new SignJWT(Object.fromEntries(all))
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', ...header })
    .sign(key ?? Buffer.from(app.host.sessionSecret, 'base64url'));
}

async function statuses(token: string): Promise<number[]> {
  const answers = [await call(app, 'GET /cases', { token }), await call(app, 'POST /payouts', { token, body: PAYOUT })];
  return answers.map(({ status }) => status);
}

describe('the access token of the bearer example', () => {
  it('is accepted if nothing is changed in it', async () => {
    expect(await statuses(await forge())).toEqual([200, 201]);
  });

  it.each<[string, Forgery]>([
    ['without amr', { without: ['amr'] }],
    ['without auth_time', { without: ['auth_time'] }],
    ['without acr', { without: ['acr'] }],
    ['without the epoch', { without: ['mfa_epoch'] }],
    ['without the kind of proof', { without: ['mfa_via'] }],
    ['whose amr names the password alone', { claims: { amr: ['pwd'] } }],
    ['whose amr is text', { claims: { amr: 'otp' } }],
    ['of another epoch', { claims: { mfa_epoch: 'another' } }],
    ['of a proof in the future', { claims: { auth_time: 99_999_999_999 } }],
    ['of a user with optional MFA', { claims: { sub: 'user-grace' } }],
    ['of a user who has time to enroll', { claims: { sub: 'user-alan' } }],
    ['of an unknown user', { claims: { sub: 'user-nobody' } }],
    ['without a subject', { without: ['sub'] }],
    ['for another audience', { claims: { aud: 'another-api' } }],
    ['without an audience', { without: ['aud'] }],
    ['of another issuer', { claims: { iss: 'somebody' } }],
    ['that has expired', { claims: { exp: 1 } }],
    ['that never expires', { without: ['exp'] }],
    ['of another type', { header: { typ: 'JWT' } }],
    ['of the type of a pending token', { header: { typ: 'mfa-pending+jwt' } }],
    ['of another algorithm', { header: { alg: 'HS512' }, key: new Uint8Array(64) }],
    ['of another key', { key: new Uint8Array(32) }],
  ])('SES-6, T30, T33: is refused if it is a token %s', async (_name, forgery) => {
    expect(await statuses(await forge(forgery))).toEqual([401, 401]);
  });

  it('T30: is refused without a signature', async () => {
    expect(await statuses(new UnsecuredJWT(decodeJwt(ada.accessToken)).encode())).toEqual([401, 401]);
  });

  it('expires after 15 minutes', async () => {
    const token = await forge({ claims: { exp: Math.floor(app.now() / 1000) } });
    expect(await statuses(token)).toEqual([401, 401]);
    const { iat = 0, exp = 0 } = decodeJwt(ada.accessToken);
    expect(exp - iat).toBe(900);
  });
});

describe('T20, T21: each token of the bearer example has one purpose', () => {
  it('a pending, refresh or device token is not accepted as an access token', async () => {
    const { pendingToken } = (await ada.logIn()).body;
    const body = { pendingToken, code: ada.nextCode(), rememberDevice: true };
    const { deviceToken, refreshToken } = (await call(app, 'POST /mfa/verify', { body, headers: { 'mfa-device': '' } })).body;
    const fresh = (await ada.logIn()).body.pendingToken;
    for (const token of [pendingToken, fresh, deviceToken, refreshToken]) {
      expect(typeof token).toBe('string');
      expect(await statuses(String(token))).toEqual([401, 401]);
      expect((await call(app, 'GET /mfa', { token })).status).toBe(401);
    }
  });

  it('an access, refresh or device token is not accepted as a pending token', async () => {
    const { pendingToken } = (await ada.logIn()).body;
    const body = { pendingToken, code: ada.nextCode(), rememberDevice: true };
    const proven = (await call(app, 'POST /mfa/verify', { body, headers: { 'mfa-device': '' } })).body;
    for (const wrong of [proven.accessToken, proven.refreshToken, proven.deviceToken]) {
      const answer = await call(app, 'POST /mfa/verify', { body: { pendingToken: wrong, recoveryCode: ada.recoveryCodes[0] } });
      expect(answer.body).toMatchObject({ status: 401, reason: 'pending_token_invalid' });
    }
    // A pending token together with an access token is refused, because two identities contradict each other.
    const fresh = (await ada.logIn()).body.pendingToken;
    const both = await call(app, 'POST /mfa/verify', {
      token: proven.accessToken,
      body: { pendingToken: fresh, code: ada.nextCode() },
    });
    expect(both.body.reason).toBe('pending_token_invalid');
  });

  it('an access, pending or device token is not accepted as a refresh token', async () => {
    const { pendingToken } = (await ada.logIn()).body;
    for (const refreshToken of [ada.accessToken, pendingToken, '', 'A'.repeat(43), {}, ['x'], null, 5]) {
      expect((await call(app, 'POST /token', { body: { refreshToken } })).status).toBe(401);
    }
  });
});

describe('T31: the coverage of the bearer example', () => {
  it('passes if only the listed routes are open', () => {
    expect(() => assertMfaCoverage(app.app, { allow: OPEN })).not.toThrow();
    const statusOf = Object.fromEntries(mfaCoverage(app.app).routes.map(({ route, status }) => [route, status]));
    expect(statusOf).toMatchObject({ 'GET /cases': 'guarded', 'POST /payouts': 'guarded', 'USE /mfa (mfa-kit)': 'skipped' });
  });

  it('finds a planted open route', async () => {
    const other = await startBearerApp();
    try {
      other.app.get('/export', (_req, res) => void res.json({ everything: true }));
      // A typical mistake: above the line that guards the routes.
      const { stack } = (other.app as unknown as { router: { stack: unknown[] } }).router;
      stack.splice(1, 0, ...stack.splice(-1));
      expect(await call(other, 'GET /export')).toMatchObject({ status: 200, body: { everything: true } });
      expect(() => assertMfaCoverage(other.app, { allow: OPEN })).toThrow("'GET /export', // open");
    } finally {
      await other.close();
    }
  });
});
