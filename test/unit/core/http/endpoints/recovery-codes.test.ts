import { describe, expect, it } from 'vitest';
import { ada, bob, MINUTE } from '../../../../support/core-fixture.js';
import { type Client, createTestApp, redirectOf } from '../test-app.js';

const OFFER = '/mfa/recovery-codes';

/** Ada with recovery codes that nobody has confirmed as saved. */
async function setUp(options: Parameters<typeof createTestApp>[0] = {}) {
  const app = await createTestApp(options);
  const client = app.browser(ada, app.session);
  const made = (await client.post('/recovery-codes')).body;
  const unsaved = async () => (await client.get('')).body.recoveryCodesUnsaved;
  return { ...app, client, made, unsaved };
}

const verify = (client: Client, code: string) => client.page('POST', '/verify', { code });

describe('F84: the offer of new recovery codes', () => {
  it('comes after a login with a code and before the return path, which it keeps', async () => {
    const { browser, mfa, code } = await setUp();
    const client = browser(ada, { ...(await mfa.beginLogin({ user: ada })).session, returnTo: '/cases?tab=2' });
    const continueTo = '/mfa/done';
    expect(redirectOf(await verify(client, code()))).toEqual([303, OFFER]);
    const page = await client.page('GET', '/recovery-codes');
    expect([page.status, page.body.page]).toEqual([
      200,
      { name: 'recovery-codes-offer', recoveryCodesId: expect.any(String), continueTo },
    ]);
    expect((await client.page('GET', '/recovery-codes')).body.page).toEqual(page.body.page);
    const shown = (await client.page('POST', '/recovery-codes', { continueTo })).body.page;
    expect(shown).toMatchObject({ name: 'recovery-codes', recoveryCodes: { length: 10 }, continueTo });
    const saved = { id: shown.recoveryCodesId, continueTo };
    for (let press = 0; press < 2; press++) {
      expect(redirectOf(await client.page('POST', '/recovery-codes/saved', saved))).toEqual([303, continueTo]);
    }
    expect((await client.page('GET', '/done')).body.page).toMatchObject({ name: 'done', continueTo: '/cases?tab=2' });
    expect(redirectOf(await client.page('GET', '/recovery-codes'))).toEqual([303, '/mfa']);
  });

  it('comes instead of remembering the device, and not during a step-up', async () => {
    const { mfa, browser, logIn, code, client } = await setUp();
    expect(redirectOf(await verify(client, code()))).toEqual([303, '/mfa/done']);
    const other = await logIn();
    await other.post('/verify', { code: code(), rememberDevice: true });
    const begun = await mfa.beginLogin({ user: ada, deviceToken: [...other.cookies.values()] });
    expect(begun.session).toMatchObject({ assurance: { via: 'remembered-device' } });
    expect(redirectOf(await verify(browser(ada, begun.session), code()))).toEqual([303, OFFER]);
  });

  it('is in JSON: with the proof, in the status and at its own URL', async () => {
    const { logIn, code, made } = await setUp();
    const client = await logIn();
    expect((await client.post('/verify', { code: code() })).body.recoveryCodesUnsaved).toBe(true);
    expect((await client.get('')).body.recoveryCodesUnsaved).toBe(true);
    expect((await client.get('/recovery-codes')).body).toEqual({
      recoveryCodesLeft: 10,
      recoveryCodesUnsaved: true,
      recoveryCodesId: expect.any(String),
    });
    const saved = await client.post('/recovery-codes/saved', { id: made.recoveryCodesId });
    expect([saved.status, saved.text]).toEqual([204, '']);
    expect((await client.get('/recovery-codes')).body).toEqual({ recoveryCodesLeft: 10 });
  });

  it('is for users whom the guard allows with a code', async () => {
    const { browser, logIn, session, faults } = await setUp();
    expect((await browser(null).get('/recovery-codes')).body).toMatchObject({ status: 401, reason: 'login_again' });
    expect((await (await logIn()).get('/recovery-codes')).body).toMatchObject({ status: 401, reason: 'challenge' });
    expect((await (await logIn(bob)).get('/recovery-codes')).body).toMatchObject({ status: 403, reason: 'enroll' });
    faults.readsLeft = 1;
    expect((await browser(ada, session).get('/recovery-codes')).body).toMatchObject({ status: 503, reason: 'unavailable' });
  });
});

describe('F84: the button "I have saved them"', () => {
  it('on the overview shows a notice there', async () => {
    const { client, unsaved } = await setUp();
    expect((await client.page('GET', '')).body.page.recoveryCodesUnsaved).toBe(true);
    expect(redirectOf(await client.page('POST', '/recovery-codes/saved'))).toEqual([303, '/mfa?notice=recovery_codes_saved']);
    const page = await client.page('GET', '?notice=recovery_codes_saved');
    expect(page.body.frame.notice).toEqual({ tone: 'success', text: 'Good. You will not be asked about these codes again.' });
    expect([page.body.page.recoveryCodesUnsaved, await unsaved()]).toEqual([undefined, undefined]);
  });

  it('below an older set says that it no longer counts, and leaves the newer one as it is', async () => {
    const { client, made, code, unsaved } = await setUp();
    await client.post('/verify', { code: code() });
    await client.post('/recovery-codes');
    const outdated = { id: made.recoveryCodesId, continueTo: '/mfa/done' };
    expect((await client.post('/recovery-codes/saved', outdated)).body).toMatchObject({
      status: 409,
      reason: 'recovery_codes_outdated',
    });
    const page = await client.page('POST', '/recovery-codes/saved', outdated);
    expect([page.status, page.body.page.name, page.body.frame.notice.tone]).toEqual([409, 'overview', 'error']);
    expect(page.body.frame.notice.text).toContain('no longer work');
    expect(await unsaved()).toBe(true);
  });

  it('leads on to a page of the kit, which knows the return path, and never to a URL in the form', async () => {
    for (const [continueTo, location] of [
      ['/mfa/done', '/mfa/done'],
      ['/mfa', '/mfa'],
      ...['/cases', '/mfa/nothing', 'https://evil.example/', '//evil.example/', '/\\evil.example', 'javascript:alert(1)', ''].map(
        (other): [string, string] => [other, '/mfa/done'],
      ),
    ] as [string, string][]) {
      const { client } = await setUp();
      expect(redirectOf(await client.page('POST', '/recovery-codes/saved', { continueTo })), continueTo).toEqual([303, location]);
      const { browser, session } = await createTestApp();
      const shown = await browser(ada, session).page('POST', '/recovery-codes', { continueTo });
      expect(shown.body.page.continueTo, continueTo).toBe(location);
    }
  });

  it('FLT-1: leads on while the storage is down, and the offer comes again; a JSON client gets the error', async () => {
    const { client, faults, unsaved } = await setUp();
    faults.readsLeft = 0;
    expect(redirectOf(await client.page('POST', '/recovery-codes/saved', { continueTo: '/mfa/done' }))).toEqual([
      303,
      '/mfa/done',
    ]);
    expect((await client.page('POST', '/recovery-codes/saved')).status).toBe(503);
    expect((await client.post('/recovery-codes/saved')).body).toMatchObject({ status: 503, reason: 'unavailable' });
    faults.readsLeft = Number.POSITIVE_INFINITY;
    expect(await unsaved()).toBe(true);
  });

  it('needs a valid proof, but not a fresh one', async () => {
    const { client, browser, clock, mfa, unsaved } = await setUp();
    clock.advance(60 * MINUTE);
    expect(redirectOf(await client.page('POST', '/recovery-codes/saved', { continueTo: '/mfa/done' }))).toEqual([
      303,
      '/mfa/done',
    ]);
    expect(await unsaved()).toBeUndefined();
    expect((await browser(null).post('/recovery-codes/saved')).body.reason).toBe('login_again');
    await mfa.endSessionsOf({ userId: ada.id, actor: 'support', reason: 'asked' });
    expect((await client.post('/recovery-codes/saved')).body).toMatchObject({ status: 403, reason: 'assurance_required' });
    expect(redirectOf(await client.page('POST', '/recovery-codes/saved', { continueTo: '/cases' }))).toEqual([
      303,
      '/mfa/challenge?maxAge=300',
    ]);
  });
});
