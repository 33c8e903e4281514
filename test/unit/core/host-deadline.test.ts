import type { MfaOptions } from '@mfa-kit/core';
import { bindFlows, guardMessage, guardRequest } from '@mfa-kit/core/http';
import { describe, expect, it } from 'vitest';
import { ada, createEnrolled, createFixture, expectOk, loginPending, type TestUser } from '../../support/core-fixture.js';
import { watchWarnings } from '../../support/warnings.js';
import { exchangeOf, sessionOf } from './http/exchange.js';
import { createTestApp } from './http/test-app.js';

const warnings = watchWarnings();
const never = () => new Promise<never>(() => {});
/** The time limit of an operation, plus a margin for a busy machine. */
const LATEST = 5_500;

async function within<Value>(call: Promise<Value>): Promise<Value> {
  const begun = performance.now();
  const value = await call;
  expect(performance.now() - begun).toBeLessThan(LATEST);
  return value;
}

describe('F7, I12: with a policy that never answers', () => {
  it('F7: every flow is unavailable within the time of an operation, and one warning names the policy', async () => {
    let hangs = false;
    const fixture = await createEnrolled(ada, { policy: () => (hangs ? never() : {}) });
    const who = { user: ada, session: fixture.session };
    hangs = true;
    const unavailable = { ok: false, reason: 'unavailable', retryAfterSeconds: expect.any(Number) };
    const [decision, begun, ...results] = await within(
      Promise.all([
        fixture.mfa.checkAccess(who),
        fixture.mfa.beginLogin({ user: ada }),
        fixture.mfa.startEnrollment(who),
        fixture.mfa.currentEnrollment(who),
        fixture.mfa.confirmEnrollment({ ...who, enrollmentId: 'x', proof: { kind: 'totp', code: '123456' } }),
        fixture.mfa.cancelEnrollment({ ...who, enrollmentId: 'x' }),
        fixture.mfa.verify({ ...who, proof: { kind: 'totp', code: '123456' } }),
        fixture.mfa.getStatus({ user: ada }),
        fixture.mfa.renameAuthenticator({ ...who, authenticatorId: 'x', name: 'y' }),
        fixture.mfa.removeAuthenticator({ ...who, authenticatorId: 'x' }),
        fixture.mfa.regenerateRecoveryCodes(who),
        fixture.mfa.revokeDevice({ ...who, deviceId: 'x' }),
        fixture.mfa.endAllSessions(who),
      ]),
    );
    expect(decision).toEqual({ access: 'unavailable', retryAfterSeconds: 5 });
    expect(begun).toEqual({ decision: { access: 'unavailable', retryAfterSeconds: 5 } });
    for (const result of results) expect(result).toEqual(unavailable);
    expect(fixture.counts.writes).toBe(0);
    await new Promise(setImmediate);
    expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_CALLBACK_FAILED: The option "policy" did not answer in time/)]);
  }, 20_000);

  it('F7: a late answer changes nothing, and a late rejection is handled', async () => {
    const late = (end: (resolve: (policy: object) => void, reject: (cause: Error) => void) => void) =>
      new Promise<object>((resolve, reject) => setTimeout(() => end(resolve, reject), 4_300));
    const off = createFixture({ policy: () => late((resolve) => resolve({ mfa: 'off' })) as never });
    const fails = createFixture({ policy: () => late((_, reject) => reject(new Error('late'))) as never });
    const decisions = await within(
      Promise.all([off, fails].map(({ mfa }) => mfa.checkAccess({ user: ada, session: undefined }))),
    );
    for (const { access } of decisions) expect(access).toBe('unavailable');
    await new Promise((resolve) => setTimeout(resolve, 600));
  }, 20_000);

  it('F7: policy and storage share the time of one operation', async () => {
    const fixture = createFixture();
    await loginPending(fixture.mfa);
    const slow = <Value>(value: Value, ms: number) => new Promise<Value>((resolve) => setTimeout(() => resolve(value), ms));
    const storage = { ...fixture.storage, read: async (id: string) => slow(await fixture.storage.read(id), 1_600) };
    const { mfa } = createFixture({ storage: storage as never, clock: fixture.clock.now, policy: () => slow({}, 3_200) });
    const [decision, status, begun] = await within(
      Promise.all([
        mfa.checkAccess({ user: ada, session: undefined }),
        mfa.getStatus({ user: ada }),
        mfa.beginLogin({ user: ada }),
      ]),
    );
    expect([decision.access, status.ok, begun.decision.access]).toEqual(['unavailable', false, 'unavailable']);
  }, 20_000);

  it('F7: a policy that answers synchronously costs the guard no promise and no timer', async () => {
    let level: 'required' | 'off' = 'required';
    const { mfa, session } = await createEnrolled(ada, { policy: () => ({ mfa: level }) });
    level = 'off';
    expect(mfa.settings.askAccess({ user: ada, session })).toEqual({ access: 'allow', via: 'not-required' });
  });
});

describe('F7, I12: with HTTP callbacks that never answer', () => {
  const problem = { status: 503, reason: 'unavailable', retryAfterSeconds: 5 };
  const core: Partial<MfaOptions<TestUser>> = {};

  it('F7: every endpoint, page and guard is unavailable if user or assurance hang, and no user counts as logged out', async () => {
    const app = await createTestApp({}, core);
    const exchanges = [
      () => ({ ...exchangeOf({ session: sessionOf(app.session) }), user: never }),
      () => ({ ...exchangeOf({ user: ada, session: null }), assurance: never }),
    ];
    for (const open of exchanges) {
      const [guarded, message, page] = await within(
        Promise.all([
          guardRequest(app.kit, open()),
          guardMessage(app.kit, open()),
          guardRequest(app.kit, { ...open(), header: (name) => (name === 'accept' ? 'text/html' : undefined) }),
        ]),
      );
      expect(guarded).toMatchObject({ allowed: false, decision: { access: 'unavailable' }, answer: { status: 503 } });
      expect(JSON.parse(guarded.allowed ? '' : guarded.answer.body)).toMatchObject(problem);
      expect(message).toEqual({ access: 'unavailable', retryAfterSeconds: 5 });
      expect(page).toMatchObject({ allowed: false, answer: { status: 503 } });
    }
    const client = app.browser(null);
    const open = client.exchange.bind(client);
    client.exchange = (given) => ({ ...open(given), user: never });
    const { pendingToken, code } = { pendingToken: await app.pendingToken(), code: app.code() };
    const answers = await within(
      Promise.all([
        client.get(''),
        client.get('/challenge'),
        client.get('/enroll'),
        client.post('/verify', { code }),
        // The user of the session is unknown, so a pending token must not be used next to it.
        client.post('/verify', { code, pendingToken }),
        client.post('/enroll'),
        client.post('/recovery-codes'),
        client.post('/devices/revoke', { id: 'x'.repeat(22) }),
        client.post('/sessions/end'),
        client.page('GET', ''),
      ]),
    );
    for (const { status, header } of answers) expect([status, header('retry-after')]).toEqual([503, '5']);
    expect(answers[3]?.body).toMatchObject(problem);
    await new Promise(setImmediate);
    expect(new Set(warnings.map((line) => /"(\w+)"/.exec(line)?.[1]))).toEqual(new Set(['user', 'assurance']));
    expect(warnings).toHaveLength(2);
  }, 20_000);

  it('F7: userById and onVerified time out', async () => {
    const byId = await createTestApp({ userById: never });
    const verified = await createTestApp({ onVerified: never });
    const tool = byId.tool();
    const browser = await verified.logIn();
    const pendingToken = await byId.pendingToken();
    const [opened, proven] = await within(
      Promise.all([
        tool.post('/verify', { pendingToken, code: byId.code() }, { 'sec-fetch-site': 'same-origin' }),
        browser.post('/verify', { code: verified.code() }),
      ]),
    );
    expect(opened.body).toMatchObject(problem);
    expect(proven.body).toMatchObject(problem);
    await new Promise(setImmediate);
    expect(warnings.map((line) => /"(\w+)"/.exec(line)?.[1]).sort()).toEqual(['onVerified', 'userById']);
  }, 20_000);

  it('F7: a session store that hangs grants nothing', async () => {
    const app = await createTestApp();
    const { session } = await app.mfa.beginLogin({ user: ada });
    const port = { ...sessionOf(session), write: never };
    const bound = await bindFlows(app.kit, exchangeOf({ user: ada, session: port }));
    const other = await bindFlows(app.kit, exchangeOf({ user: ada, session: port }));
    const code = app.code();
    const [verified, begun] = await within(Promise.all([bound.verify({ code }), other.beginLogin()]));
    expect(verified).toMatchObject({ ok: false, reason: 'unavailable' });
    expect(bound.assurance).toBeUndefined();
    expect(begun).toEqual({ decision: { access: 'unavailable', retryAfterSeconds: 5 } });
    await new Promise(setImmediate);
    expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_CALLBACK_FAILED: The option "session" did not answer in time/)]);
  }, 20_000);

  it('F7: a request whose session the framework could not read in time is unavailable', async () => {
    const app = await createTestApp();
    const exchange = { ...exchangeOf({ user: ada, session: sessionOf(app.session) }), late: true };
    expect(await guardRequest(app.kit, exchange)).toMatchObject({ allowed: false, decision: { access: 'unavailable' } });
    expect(await guardMessage(app.kit, exchange)).toMatchObject({ access: 'unavailable' });
    const flows = await bindFlows(app.kit, exchange);
    expect(await flows.endAllSessions()).toMatchObject({ ok: false, reason: 'unavailable' });
    const notDone = { code: 'not_done', message: expect.stringContaining('did not answer in time') };
    await expect(flows.passwordChanged(), 'F15').rejects.toMatchObject(notDone);
  });

  it('F7: a page that the host never renders times out', async () => {
    const app = await createTestApp({ pages: { render: never } });
    const browser = await app.logIn();
    expect((await within(browser.page('GET', '/challenge'))).body).toMatchObject(problem);
    expectOk(await app.mfa.getStatus({ user: ada }));
  }, 20_000);
});
