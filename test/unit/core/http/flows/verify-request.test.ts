import { verifyRequest } from '@mfa-kit/core/http';
import { describe, expect, it } from 'vitest';
import { ada, bob, wrongCode } from '../../../../support/core-fixture.js';
import { type Client, createTestApp } from '../test-app.js';

const JSON_BODY = { 'content-type': 'application/json' };

/** Returns what the host's own route gets for a request with this body. */
function prove(client: Client, body: unknown, headers: Record<string, string> = JSON_BODY) {
  return verifyRequest(client.kit, client.exchange({ method: 'POST', url: '/payouts', body, headers }));
}

describe('verifyRequest on the host’s own route', () => {
  it('SES-1: stores the proof under a new session id, and says who proved it', async () => {
    const { logIn, code } = await createTestApp();
    const client = await logIn();
    const proven = await prove(client, { code: code() });
    expect(proven).toEqual({ ok: true, user: ada, returnTo: '/home', assurance: client.state.assurance });
    expect([client.state.state, client.session?.renewals]).toEqual(['verified', 1]);
  });

  it('accepts a recovery code, and may remember the device', async () => {
    const { logIn, code, recoveryCodes, mfa } = await createTestApp();
    const client = await logIn();
    expect(await prove(client, { recoveryCode: recoveryCodes[0] })).toMatchObject({ ok: true, recoveryCodesLeft: 9 });
    const another = await logIn();
    const exchange = another.exchange({ method: 'POST', body: { code: code(), rememberDevice: true }, headers: JSON_BODY });
    expect(await verifyRequest(client.kit, exchange)).toMatchObject({ ok: true });
    const [, deviceToken = ''] = /^[^=]+=([^;]+)/.exec(exchange.cookies[0] ?? '') ?? [];
    const { decision } = await mfa.beginLogin({ user: ada, deviceToken });
    expect(decision).toMatchObject({ access: 'allow', via: 'remembered-device' });
  });

  it('HTTP-1: refuses a request from another site, and one without a header that says where it comes from', async () => {
    const { logIn, code, tool, session } = await createTestApp();
    const client = await logIn();
    const body = { code: code() };
    const refused = { ok: false, problem: expect.objectContaining({ status: 403, reason: 'cross_site' }) };
    expect(await prove(client, body, { ...JSON_BODY, 'sec-fetch-site': 'cross-site' })).toEqual(refused);
    expect(await prove(tool(ada, session.assurance), body)).toEqual(refused);
    expect(client.state.state).toBe('pending');
    expect(await prove(tool(ada), body, { ...JSON_BODY, authorization: 'Bearer t' })).toMatchObject({ ok: true });
  });

  it.each([
    [['x'], 'The body must be an object of named fields.'],
    [{ code: 1 }, 'The field "code" must be text.'],
    [{}, 'One of the fields "code" and "recoveryCode" is needed.'],
    [{ code: '123456', recoveryCode: 'x' }, 'One of the fields "code" and "recoveryCode" is needed.'],
  ])('refuses the body %j', async (body, detail) => {
    const { logIn } = await createTestApp();
    const refused = await prove(await logIn(), body);
    expect(refused).toEqual({ ok: false, problem: expect.objectContaining({ status: 400, reason: 'malformed', detail }) });
  });

  it('returns the problem with a refusal', async () => {
    const { logIn, browser, authenticator, clock } = await createTestApp();
    const wrong = await prove(await logIn(), { code: wrongCode(authenticator, clock.now()) });
    expect(wrong).toEqual({ ok: false, problem: expect.objectContaining({ status: 422, reason: 'invalid_code' }) });
    const early = await prove(await logIn(bob), { code: '123456' });
    expect(early).toEqual({ ok: false, problem: expect.objectContaining({ status: 409, reason: 'not_enrolled' }) });
    const nobody = await prove(browser(null), { code: '123456' });
    expect(nobody).toEqual({ ok: false, problem: expect.objectContaining({ status: 401, reason: 'login_again' }) });
  });
});
