import { describe, expect, it } from 'vitest';
import { ada, bob, MINUTE } from '../../../../support/core-fixture.js';
import { type Client, createTestApp, enrollBy, redirectOf, returnPathAfter } from '../test-app.js';

async function setUp() {
  const app = await createTestApp();
  const client = app.browser(ada, app.session);
  const id = (await client.get('')).body.authenticators[0]?.id ?? '';
  return { ...app, client, id };
}

const ENDPOINTS = ['/authenticators/rename', '/authenticators/remove', '/devices/revoke', '/sessions/end', '/recovery-codes'];

/** An id as the kit generates them, which belongs to nothing. */
const GONE = 'A'.repeat(22);
/** The fields that satisfy every endpoint, if the session is fresh. */
const FIELDS = { id: GONE, name: 'x' };

describe('an authenticator', () => {
  it('is renamed', async () => {
    const { client, id } = await setUp();
    const answer = await client.post('/authenticators/rename', { id, name: 'Phone' });
    expect([answer.status, answer.text, answer.cookies]).toEqual([204, '', []]);
    expect((await client.get('')).body.authenticators[0]?.name).toBe('Phone');
    const page = await client.page('POST', '/authenticators/rename', { id, name: 'Old phone' });
    expect(redirectOf(page)).toEqual([303, '/mfa?notice=authenticator_renamed']);
    expect((await client.get('')).body.authenticators[0]?.name).toBe('Old phone');
  });

  it('is removed, and the acting session continues in the new epoch, under its id', async () => {
    const { client, id, clock } = await setUp();
    const added = await enrollBy(client, clock.now);
    const renewals = client.session?.renewals;
    const { epoch } = client.state.assurance;
    expect(redirectOf(await client.page('POST', '/authenticators/remove', { id }))).toEqual([
      303,
      '/mfa?notice=authenticator_removed',
    ]);
    expect(client.state.assurance.epoch).not.toBe(epoch);
    expect(client.session?.renewals).toBe(renewals);
    const left = (await client.get('')).body.authenticators as { id: string }[];
    expect(left.map((one) => one.id)).toEqual([added.body.authenticator.id]);
  });

  it('that is the last one stays while MFA is required, and the page says so', async () => {
    const { client, id, browser, session } = await setUp();
    expect((await client.post('/authenticators/remove', { id })).body).toMatchObject({ status: 403, reason: 'not_allowed' });
    const page = await client.page('POST', '/authenticators/remove', { id });
    expect([page.status, page.body.page.name, page.body.page.authenticators[0]?.id]).toEqual([403, 'overview', id]);
    expect(page.body.frame.notice).toMatchObject({ tone: 'error', text: expect.stringContaining('not allowed to do this') });
    expect([page.body.frame.account, page.header('retry-after')]).toEqual([ada.name, undefined]);
    const optional = browser({ ...ada, mfa: 'optional' }, session);
    expect((await optional.post('/authenticators/remove', { id })).status).toBe(204);
  });

  it.each(['/authenticators/rename', '/authenticators/remove'])('that no longer exists is not found: %s', async (path) => {
    const { client } = await setUp();
    expect((await client.post(path, FIELDS)).body).toMatchObject({ status: 404, reason: 'not_found' });
    const page = await client.page('POST', path, FIELDS);
    expect([page.status, page.body.page.name]).toEqual([404, 'overview']);
    expect(page.body.frame.notice.text).toContain('It may have been removed already');
  });

  it('that no longer exists is not found even if the status cannot be read', async () => {
    const { client, faults } = await setUp();
    faults.readsLeft = 1;
    expect((await client.post('/authenticators/remove', FIELDS)).body).toMatchObject({ status: 409, reason: 'not_enrolled' });
  });
});

describe('F80, HTTP-6: an id that the kit cannot have generated', () => {
  const malformed: [string, (id: string) => string][] = [
    ['a NUL behind it', (id) => `${id}\u0000`],
    ['a lone surrogate behind it', (id) => `${id}\ud800`],
    ['a lone surrogate in it', (id) => `\udc00${id.slice(1)}`],
    ['a line break behind it', (id) => `${id}\n`],
    ['a blank before it', (id) => ` ${id}`],
    ['a character too many', (id) => `${id}A`],
    ['a character too few', (id) => id.slice(1)],
    ['another alphabet', (id) => `${id.slice(1)}+`],
    ['look-alikes of another script', (id) => `${id.slice(1)}\u0430`],
    ['two thousand characters', () => 'A'.repeat(2000)],
    ['the name of a prototype', () => '__proto__'],
  ];
  const endpoints: [string, 'id' | 'enrollmentId', object][] = [
    ['/devices/revoke', 'id', {}],
    ['/authenticators/rename', 'id', { name: 'x' }],
    ['/authenticators/remove', 'id', {}],
    ['/enroll/confirm', 'enrollmentId', { code: '123456' }],
    ['/enroll/cancel', 'enrollmentId', {}],
    ['/recovery-codes/saved', 'id', {}],
  ];

  it.each(endpoints)('is malformed at %s, in JSON and as a form, and changes nothing', async (path, field, more) => {
    const { client, storage, events } = await setUp();
    const before = await storage.read(ada.id);
    events.length = 0;
    for (const [what, change] of malformed) {
      const fields = { ...more, [field]: change(client.state.assurance.deviceId ?? GONE) };
      const detail = `The field "${field}" is not an id that the kit generated.`;
      const answer = await client.post(path, fields);
      expect([what, answer.status, answer.body]).toEqual([what, 400, expect.objectContaining({ reason: 'malformed', detail })]);
      const page = await client.page('POST', path, fields as Record<string, string>);
      expect([what, page.status, page.body.page.name]).toEqual([what, 400, 'message']);
    }
    expect(await storage.read(ada.id)).toEqual(before);
    expect(events).toEqual([]);
  });

  it('is a field of the host if the endpoint takes no id', async () => {
    const { client } = await setUp();
    const own = { id: 'a hidden field of the host', enrollmentId: 'x' };
    expect((await client.post('/sessions/end', own)).status).toBe(204);
    expect((await client.post('/verify', { ...own, code: '000000' })).body).toMatchObject({ reason: 'invalid_code' });
  });

  it('differs from the well-formed id of a device that is gone, which is not an error', async () => {
    const { client } = await setUp();
    expect((await client.post('/devices/revoke', { id: GONE })).status).toBe(204);
  });
});

describe('devices and sessions', () => {
  it('F17: revoking one’s own device ends one’s own session: the overview warns, the answer says so, and the next request is asked for a code', async () => {
    const { logIn, code, mfa } = await createTestApp();
    const client = await logIn();
    await client.post('/verify', { code: code() });
    const other = await logIn();
    await other.post('/verify', { code: code() });
    const page = await client.page('GET', '');
    const devices = page.body.page.devices as { id: string; endsSession?: true }[];
    const own = devices.find(({ endsSession }) => endsSession);
    expect(devices).toHaveLength(2);
    expect(own?.id).toBe(client.state.assurance.deviceId);
    expect(devices.filter(({ endsSession }) => endsSession)).toHaveLength(1);
    const answer = await client.post('/devices/revoke', { id: own?.id });
    expect([answer.status, answer.body]).toEqual([200, { endedOwnSession: true }]);
    expect(client.state).toMatchObject({ state: 'pending' });
    expect((await client.get('')).body).toMatchObject({ status: 401, reason: 'challenge', because: 'missing' });
    expect(redirectOf(await client.page('GET', ''))).toEqual([303, '/mfa/challenge?rememberedDevice=no']);
    expect((await other.get('')).status).toBe(200);
    expect((await mfa.getStatus({ user: ada })).ok).toBe(true);
  });

  it('F17: after one’s own device was revoked, the prompt says why it asks, and leads back to the overview', async () => {
    const { logIn, code } = await createTestApp();
    const client = await logIn();
    await client.post('/verify', { code: code() });
    const revoked = await client.page('POST', '/devices/revoke', { id: client.state.assurance.deviceId ?? '' });
    expect(redirectOf(revoked)).toEqual([303, '/mfa/challenge?notice=device_ended']);
    const prompt = await client.page('GET', '/challenge?notice=device_ended');
    expect([prompt.status, prompt.body.page.because]).toEqual([200, 'missing']);
    expect(prompt.body.frame.notice).toEqual({
      tone: 'info',
      text: 'This device’s access was ended. Enter a code to continue.',
    });
    for (const query of ['', '?notice=', '?notice=device_revoked', '?notice=%3Cb%3Ex']) {
      expect((await client.page('GET', `/challenge${query}`)).body.frame.notice).toBeUndefined();
    }
    expect((await client.page('POST', '/verify', { code: '000000' })).body.frame.notice.tone).toBe('error');
    expect(redirectOf(await client.page('POST', '/verify', { code: code() }))).toEqual([303, '/mfa/done']);
    expect((await client.page('GET', '/done')).body.page).toMatchObject({ name: 'done', continueTo: '/mfa' });
    // A user who has proven enough is not told that something ended.
    expect(redirectOf(await client.page('GET', '/challenge?notice=device_ended'))).toEqual([303, '/home']);
  });

  it('a device is revoked, and one that is already gone is not an error', async () => {
    const { logIn, code } = await createTestApp();
    const client = await logIn();
    await client.post('/verify', { code: code(), rememberDevice: true });
    const id = (await client.get('')).body.devices[0]?.id ?? '';
    const other = await logIn();
    await other.post('/verify', { code: code() });
    expect((await other.post('/devices/revoke', { id })).status).toBe(204);
    expect((await other.get('')).body.devices).toHaveLength(1);
    expect(redirectOf(await other.page('POST', '/devices/revoke', { id }))).toEqual([303, '/mfa?notice=device_revoked']);
  });

  it('SES-7: all other sessions end', async () => {
    const { client, browser, session } = await setUp();
    const other = browser(ada, session);
    expect((await client.post('/sessions/end')).status).toBe(204);
    expect((await other.get('')).body).toMatchObject({ reason: 'challenge', because: 'revoked' });
    expect((await client.get('')).status).toBe(200);
    expect(redirectOf(await client.page('POST', '/sessions/end'))).toEqual([303, '/mfa?notice=sessions_ended']);
  });
});

describe('recovery codes', () => {
  it('are regenerated, shown once, and once for each proof', async () => {
    const { client, recoveryCodes, logIn } = await setUp();
    const answer = await client.post('/recovery-codes');
    expect([answer.status, Object.keys(answer.body)]).toEqual([200, ['recoveryCodes', 'recoveryCodesId']]);
    expect(answer.body.recoveryCodes).toHaveLength(10);
    expect((await client.post('/recovery-codes')).body).toMatchObject({ status: 403, reason: 'assurance_required' });
    const other = await logIn();
    expect((await other.post('/verify', { recoveryCode: recoveryCodes[0] })).status).toBe(422);
    expect((await other.post('/verify', { recoveryCode: answer.body.recoveryCodes[0] })).status).toBe(200);
  });

  it.each([
    [undefined, 'acme-recovery-codes.txt'],
    ['Ärger & Söhne, Inc.', 'rger-s-hne-inc-recovery-codes.txt'],
    ['--Acme--2--', 'acme-2-recovery-codes.txt'],
    ['日本', 'recovery-codes.txt'],
  ])('of %s are shown on a page with a download file: %s', async (brand, fileName) => {
    const render = (page: object, frame: object) => JSON.stringify({ page, frame });
    const { browser, session } = await createTestApp({ pages: { render, ...(brand !== undefined && { brand }) } });
    const page = await browser(ada, session).page('POST', '/recovery-codes');
    expect([page.status, page.body.frame.account, page.body.frame.brand]).toEqual([200, ada.name, brand ?? 'Acme']);
    const recoveryCodes = expect.arrayContaining([expect.any(String)]);
    const recoveryCodesId = expect.stringMatching(/^[\w-]{22}$/);
    expect(page.body.page).toEqual({ name: 'recovery-codes', recoveryCodes, recoveryCodesId, continueTo: '/mfa', fileName });
  });

  it('that are switched off are refused on the same page', async () => {
    const { browser, session } = await createTestApp({}, { recoveryCodes: false });
    const client = browser(ada, session);
    expect((await client.post('/recovery-codes')).body).toMatchObject({ status: 403, reason: 'not_allowed' });
    const page = await client.page('POST', '/recovery-codes');
    expect([page.status, page.body.page.name, page.body.frame.notice.tone]).toEqual([403, 'overview', 'error']);
  });
});

describe('every change', () => {
  it.each(ENDPOINTS)('ENR-5: needs a code of the last five minutes at %s', async (path) => {
    const { client, logIn, clock, code } = await setUp();
    const pending = await logIn();
    clock.advance(5 * MINUTE);
    for (const stale of [client, pending]) {
      expect((await stale.post(path, FIELDS)).body).toMatchObject({
        status: 403,
        reason: 'assurance_required',
        maxAgeSeconds: 300,
      });
      expect(redirectOf(await stale.page('POST', path, FIELDS))).toEqual([303, '/mfa/challenge?maxAge=300']);
      expect(stale.way).toBe('/mfa');
      expect(await returnPathAfter(stale, await stale.page('POST', '/verify', { code: code() }))).toBe('/mfa');
    }
  });

  it.each(ENDPOINTS)('leads a user without an authenticator to the enrollment: %s', async (path) => {
    const { logIn } = await setUp();
    const client = await logIn(bob);
    expect((await client.post(path, FIELDS)).body).toMatchObject({ status: 409, reason: 'not_enrolled' });
    expect(redirectOf(await client.page('POST', path, FIELDS))).toEqual([303, '/mfa/enroll']);
  });

  it.each(ENDPOINTS)('needs a login: %s', async (path) => {
    const { browser } = await setUp();
    expect((await browser(null).post(path, FIELDS)).body).toMatchObject({ status: 401, reason: 'login_again' });
    const page = await browser(null).page('POST', path, FIELDS);
    expect([page.status, page.body.page.heading]).toEqual([401, 'Your session has ended']);
  });

  it.each(ENDPOINTS)('FLT-1: fails while the storage is down: %s', async (path) => {
    const { client, faults } = await setUp();
    faults.readsLeft = 0;
    const answer = await client.post(path, FIELDS);
    expect([answer.body.status, answer.header('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)]);
    const page = await client.page('POST', path, FIELDS);
    expect([page.status, page.body.page.heading, page.body.frame.account]).toEqual([503, 'Temporarily unavailable', ada.name]);
  });

  it.each(['/devices/revoke', '/sessions/end', '/recovery-codes'])(
    'FLT-1: is reported only after the session has its new state: %s',
    async (path) => {
      const { client } = await setUp();
      Object.assign(client.session ?? {}, { fail: true });
      const before = client.state;
      expect((await client.post(path, FIELDS)).body).toMatchObject({ status: 503, reason: 'unavailable', retryAfterSeconds: 5 });
      expect(client.state).toBe(before);
    },
  );

  it.each<[string, object, string]>([
    ['/authenticators/rename', {}, 'The fields "id" and "name" are needed.'],
    ['/authenticators/rename', { id: GONE }, 'The fields "id" and "name" are needed.'],
    ['/authenticators/rename', { name: 'x' }, 'The fields "id" and "name" are needed.'],
    ['/authenticators/rename', { id: '', name: 'x' }, 'The fields "id" and "name" are needed.'],
    ['/authenticators/rename', { id: GONE, name: '  ' }, 'The fields "id" and "name" are needed.'],
    ['/authenticators/remove', {}, 'The field "id" is needed.'],
    ['/authenticators/remove', { id: '' }, 'The field "id" is needed.'],
    ['/devices/revoke', {}, 'The field "id" is needed.'],
    ['/devices/revoke', { id: '' }, 'The field "id" is needed.'],
  ])('names the fields that the body lacks: %s with %j', async (path, fields, detail) => {
    const { client } = await setUp();
    expect((await client.post(path, fields)).body).toMatchObject({ status: 400, reason: 'malformed', detail });
    const page = await client.page('POST', path, fields as Record<string, string>);
    expect([page.status, page.body.page.heading]).toEqual([400, 'Request not understood']);
  });

  it('keeps the return path of a step-up', async () => {
    const { browser, session } = await setUp();
    const client: Client = browser(ada, { ...session, returnTo: '/payouts' });
    await client.post('/sessions/end');
    expect(client.state).toMatchObject({ state: 'verified', returnTo: '/payouts' });
  });
});
