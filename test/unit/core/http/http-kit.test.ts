import { bindFlows, createHttpKit, guardRequest, verifyRequest, watchLogin } from '@mfa-kit/core/http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ada, bob, createFixture } from '../../../support/core-fixture.js';
import { exchangeOf, sessionOf } from './exchange.js';
import { type Client, createTestApp } from './test-app.js';

type Warning = Error & { code?: string };

describe('the kit warns the operator', () => {
  const warnings: Warning[] = [];
  const note = (warning: Warning) => warnings.push(warning);
  beforeEach(() => {
    warnings.length = 0;
    process.on('warning', note);
  });
  afterEach(() => {
    process.off('warning', note);
  });

  /** Warnings are emitted at the end of the turn. */
  const warningTexts = async () => {
    await new Promise(setImmediate);
    return warnings.map(({ name, code, message }) => `${name} ${code}: ${message}`);
  };

  it('once, that the login does not call beginLogin', async () => {
    const { browser, kit } = await createTestApp();
    for (let index = 0; index < 2; index++) await guardRequest(kit, browser(ada).exchange({ url: '/cases' }));
    expect(await warningTexts()).toEqual([
      expect.stringMatching(
        /^MfaKitWarning MFA_KIT_NO_BEGIN_LOGIN: A session had no MFA state .* Begin the login .*beginLogin\(\)"/,
      ),
    ]);
    await guardRequest((await createTestApp()).kit, browser(ada).exchange({ url: '/cases' }));
    expect(await warningTexts()).toHaveLength(2);
  });

  it.each([
    [
      'nothing, as one from before the deployment',
      undefined,
      /is older than this deployment, the storage was down at its login, or the session store lost/,
    ],
    [
      'a field of the application',
      { theme: 'dark' },
      /held something else where its MFA state belongs.*If your application uses req\.session\.mfa itself/,
    ],
    ['a text', 'mfa', /held something else where its MFA state belongs/],
    [
      'the state of somebody else',
      { state: 'pending', userId: bob.id, epoch: 'e', deviceEpoch: 'd', since: 1, enrollmentIds: [] },
      /the MFA state of another user than the one that the option user returns/,
    ],
  ])('F40: of what the session holds instead of the state: %s', async (_what, state, sentence) => {
    const { browser, kit } = await createTestApp();
    await guardRequest(kit, browser(ada, state).exchange({ url: '/cases' }));
    expect(await warningTexts()).toEqual([expect.stringMatching(sentence)]);
    expect((await warningTexts()).join()).not.toMatch(/dark|user-bob|user-ada/);
  });

  it('of no missing beginLogin if the user has nothing to prove or the record is missing', async () => {
    const { browser, kit } = await createTestApp();
    for (const user of [
      { ...bob, mfa: 'off' as const },
      { ...bob, enrolled: true },
    ])
      await guardRequest(kit, browser(user).exchange({ url: '/cases' }));
    expect(await warningTexts()).toEqual([]);
  });

  it('of no missing beginLogin if no session keeps the state', async () => {
    const { tool, kit } = await createTestApp();
    await guardRequest(kit, tool(ada).exchange({ url: '/cases' }));
    expect((await tool(ada).post('/verify', { code: '000' }, { authorization: 'Bearer t' })).status).toBe(422);
    expect(await warningTexts()).toEqual([]);
  });

  it.each([
    ['an error', new TypeError('a secret in it'), 'TypeError'],
    ['a text', 'a secret in it', 'string'],
  ])('that the session store failed with %s, without its message', async (_what, fault, name) => {
    const { logIn, kit, code } = await createTestApp();
    const client = await logIn();
    const session = { read: () => client.state, write: () => Promise.reject(fault) };
    await (await bindFlows(kit, { ...client.exchange(), session })).verify({ code: code() });
    expect(await warningTexts()).toEqual([
      'MfaKitWarning MFA_KIT_SESSION_STORE: ' +
        `The session store did not take the MFA state (${name}); the request was answered as unavailable.`,
    ]);
  });

  it('HTTP-1: once, that a state change did not come from a page of this origin', async () => {
    const { browser, session, kit } = await createTestApp();
    const client = browser(ada, session);
    await client.post('/sessions/end');
    expect(await warningTexts()).toEqual([]);
    for (let index = 0; index < 2; index++) await client.post('/sessions/end', {}, { 'sec-fetch-site': 'cross-site' });
    expect(await warningTexts()).toEqual([
      'MfaKitWarning MFA_KIT_CROSS_SITE: A state change was refused because neither Sec-Fetch-Site nor Origin shows that it came ' +
        'from a page of this origin. Add the origins of your other pages to the option allowedOrigins. Otherwise it was a cross-site ' +
        'request, and refusing it was right.',
    ]);
    const other = await createTestApp();
    await verifyRequest(other.kit, client.exchange({ method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } }));
    await other.tool().post('/sessions/end');
    expect(await warningTexts()).toHaveLength(2);
    expect(kit.options.allowedOrigins).toEqual([]);
  });

  it('that the answer to a login was sent before the login had finished', async () => {
    const { browser, kit } = await createTestApp();
    const login = (client: Client, answered: boolean) =>
      bindFlows(kit, client.exchange()).then((flows) => watchLogin(kit, flows, () => answered).beginLogin());
    expect(await login(browser(ada), false)).toMatchObject({ decision: { access: 'challenge' } });
    expect(await warningTexts()).toEqual([]);
    expect(await login(browser(ada), true)).toMatchObject({ decision: { access: 'challenge' } });
    expect(await warningTexts()).toEqual([
      'MfaKitWarning MFA_KIT_LATE_LOGIN: The answer to a login was sent before beginLogin() had finished, so the browser has ' +
        'lost its session. Write "await" before both, as in "await (await mfaFor(req, res)).beginLogin()", and answer afterwards.',
    ]);
  });

  it('that a login failed which was not awaited, and of nothing if there is no session to renew', async () => {
    const { browser, tool, kit } = await createTestApp();
    const flows = await bindFlows(kit, tool(ada).exchange());
    await watchLogin(kit, flows, () => true).beginLogin({ user: ada });
    expect(await warningTexts()).toEqual([]);
    const nobody = watchLogin(kit, await bindFlows(kit, browser(null).exchange()), () => true);
    await expect(nobody.beginLogin()).rejects.toMatchObject({ code: 'host_setup' });
    expect(await warningTexts()).toEqual([expect.stringContaining('MFA_KIT_LATE_LOGIN')]);
  });

  it('that a session has MFA state, but the option user returned nobody', async () => {
    const { browser, tool, kit, session } = await createTestApp();
    for (const nobody of [browser(null), browser(null, null), tool()])
      await guardRequest(kit, nobody.exchange({ url: '/cases' }));
    await guardRequest(kit, browser({ ...bob, enrolled: true }, session).exchange({ url: '/cases' }));
    expect(await warningTexts()).toEqual([]);
    const outcome = await guardRequest(kit, browser(null, session).exchange({ url: '/cases' }));
    expect([outcome.allowed, outcome.decision]).toEqual([false, { access: 'login-again' }]);
    expect(await warningTexts()).toEqual([
      'MfaKitWarning MFA_KIT_LOST_USER: The guard found a session with MFA state, but the option user returned nobody. Mount the guard ' +
        'after the middleware that sets the user, for example passport.session(). In Nest provide MfaGuard after the guard that ' +
        'logs in. A logout should end the session.',
    ]);
  });

  it('of nothing if the host’s session cannot be read without a user, and still redirects to the login', async () => {
    const { kit } = await createTestApp();
    const session = sessionOf();
    session.read = () => {
      throw new Error('there is nobody');
    };
    const outcome = await guardRequest(kit, exchangeOf({ url: '/cases', session }));
    expect([outcome.allowed, outcome.decision]).toEqual([false, { access: 'login-again' }]);
    expect(await warningTexts()).toEqual([]);
  });

  it.each(['/login', '/login?next=1', '/mfa', '/mfa/challenge', '/mfa/assets/page.css'])(
    'that a guard also guards the login at %s',
    async (url) => {
      const { browser, kit } = await createTestApp();
      expect((await guardRequest(kit, browser(null).exchange({ url }))).allowed).toBe(false);
      const [path] = url.split('?');
      expect(await warningTexts()).toEqual([
        `MfaKitWarning MFA_KIT_GUARDED_LOGIN: The guard refused ${path}, where it redirects refused requests, so nobody can log in. ` +
          'Leave it open: use requireMfaExcept([...]) instead of requireMfa() for the whole application, or in Nest @SkipMfa() ' +
          'on the login.',
      ]);
    },
  );

  it.each(['/cases', '/', '', '/Login', '/mfa/nothing', '/cases?x=/login'])('of no guarded login at %s', async (url) => {
    const { browser, kit, session } = await createTestApp();
    await guardRequest(kit, browser(null).exchange({ url }));
    await guardRequest(kit, browser(ada, session).exchange({ url: '/login' }));
    expect(await warningTexts()).toEqual([]);
  });
});

it('SUP-6: createHttpKit requires what createMfa() returned as its first argument', () => {
  const { mfa } = createFixture();
  expect(createHttpKit(mfa, { loginUrl: '/login' }).mfa).toBe(mfa);
  for (const wrong of [undefined, null, {}, { checkAccess: true }]) {
    expect(() => createHttpKit(wrong as unknown as typeof mfa, { loginUrl: '/login' })).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: 'The first argument must be what createMfa() returned.' }),
    );
  }
});
