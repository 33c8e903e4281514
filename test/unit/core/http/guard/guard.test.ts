import type { MfaOptions } from '@mfa-kit/core';
import { bindFlows, createHttpKit, guardMessage, guardRequest } from '@mfa-kit/core/http';
import { describe, expect, it } from 'vitest';
import { ada, bob, createEnrolled, createFixture, MINUTE, type TestUser } from '../../../../support/core-fixture.js';
import { exchangeOf, sessionOf } from '../exchange.js';

async function setUp() {
  const fixture = await createEnrolled();
  const kit = createHttpKit(fixture.mfa, { loginUrl: '/login' });
  return { ...fixture, kit };
}

describe('guardRequest', () => {
  it('reads the profile once and writes nothing, neither to the storage nor to the session', async () => {
    const { kit, session: state, counts } = await setUp();
    const session = sessionOf(state);
    const outcome = await guardRequest(kit, exchangeOf({ user: ada, session }));
    expect(outcome).toMatchObject({ allowed: true, decision: { via: 'otp' }, assurance: { userId: ada.id } });
    expect([counts.reads, counts.writes, session.renewals]).toEqual([1, 0, 0]);
  });

  it.each([
    ['nobody', null],
    ['another user', bob],
  ])('SES-4: denies %s even if the session holds a proof', async (_name, user) => {
    const { kit, session: state } = await setUp();
    const outcome = await guardRequest(kit, exchangeOf({ user, session: sessionOf(state) }));
    expect(outcome.allowed).toBe(false);
  });

  it.each([null, 7, 'verified', [], { state: 'verified' }, { state: 'verified', assurance: { userId: 'user-ada' } }])(
    'SES-4: denies a session that holds %j',
    async (state) => {
      const { kit } = await setUp();
      const outcome = await guardRequest(kit, exchangeOf({ user: ada, session: sessionOf(state) }));
      expect(outcome).toMatchObject({ allowed: false, decision: { access: 'challenge' } });
    },
  );

  it('F46: keeps the path to return to in a cookie, and does not write the session', async () => {
    const { kit, mfa } = await setUp();
    const session = sessionOf((await mfa.beginLogin({ user: ada })).session);
    let writes = 0;
    const counted = {
      read: session.read,
      write: (...given: Parameters<typeof session.write>) => {
        writes += 1;
        return session.write(...given);
      },
    };
    for (const state of [session.state, undefined, null, { state: 'pending' }, 7]) {
      session.state = state;
      const exchange = exchangeOf({ url: '/cases', user: ada, session: counted, headers: { accept: 'text/html' } });
      const outcome = await guardRequest(kit, exchange);
      expect(outcome).toMatchObject({ allowed: false, decision: { access: 'challenge' } });
      expect([exchange.cookies.length, writes, session.state]).toEqual([1, 0, state]);
      expect(exchange.cookies[0]).toMatch(/^__Host-mfa_return=/);
    }
  });

  it('asks the host once for the event context, even when it refuses', async () => {
    const { kit, session: state } = await setUp();
    for (const [session, allowed] of [
      [sessionOf(state), true],
      [sessionOf(), false],
    ] as const) {
      let asked = 0;
      const eventContext = () => {
        asked += 1;
        return { ip: '192.0.2.1' };
      };
      const outcome = await guardRequest(kit, { ...exchangeOf({ user: ada, session }), eventContext });
      expect([outcome.allowed, asked]).toEqual([allowed, 1]);
    }
  });
});

describe('guardRequest without a promise', () => {
  type Policy = NonNullable<MfaOptions<TestUser>['policy']>;

  /** Returns a request with a proof within the delay. `policy` is the policy that the host returns from then on. */
  async function proveNow() {
    let policy: Policy = () => ({ mfa: 'required' });
    const { mfa, session, counts } = await createEnrolled(ada, {
      revocationDelaySeconds: 300,
      policy: (user, context) => policy(user, context),
    });
    const kit = createHttpKit(mfa, { loginUrl: '/login' });
    const exchange = {
      ...exchangeOf({ session: sessionOf(session) }),
      user: (): TestUser | Promise<TestUser | null> => ada,
      assurance: undefined,
    };
    return { kit, exchange, counts, follow: (next: Policy) => (policy = next) };
  }

  // biome-ignore lint/suspicious/noThenProperty: so are the queries of Knex, Prisma and Mongoose.
  const query = <Value>(value: Value) => ({ then: (resolve: (value: Value) => void) => resolve(value) }) as Promise<Value>;

  it('answers at once if it needs no read, and reads nothing', async () => {
    const { kit, exchange, counts } = await proveNow();
    expect(guardRequest(kit, exchange)).toMatchObject({ allowed: true, decision: { via: 'otp' } });
    expect(counts.reads).toBe(0);
  });

  it('awaits what the host returns, even if it is a query and not a promise', async () => {
    const { kit, exchange, follow } = await proveNow();
    expect(await guardRequest(kit, { ...exchange, user: () => query(ada) })).toMatchObject({ decision: { via: 'otp' } });
    for (const user of [null, bob]) {
      expect(await guardRequest(kit, { ...exchange, user: () => query(user) })).toMatchObject({ allowed: false });
    }
    follow(() => query({ mfa: 'off' }));
    expect(await guardRequest(kit, exchange)).toMatchObject({ decision: { via: 'not-required' } });
  });

  it('denies if the policy throws, synchronously or later', async () => {
    const { kit, exchange, follow } = await proveNow();
    const cause = new Error('down');
    const throws = () => {
      throw cause;
    };
    for (const policy of [throws, () => Promise.reject(cause)]) {
      follow(policy);
      await expect((async () => guardRequest(kit, exchange))()).rejects.toMatchObject({ code: 'host_callback_failed', cause });
    }
  });
});

describe('the guard sends a browser', () => {
  it.each<[string, TestUser | null, string]>([
    ['the challenge', ada, '/mfa/challenge'],
    ['the enrollment', bob, '/mfa/enroll'],
    ['the login', null, '/login'],
  ])('%s', async (_name, user, location) => {
    const { kit, mfa } = await setUp();
    const session = sessionOf(user && (await mfa.beginLogin({ user })).session);
    const { state } = session;
    const exchange = exchangeOf({ url: '/cases', user, session, headers: { accept: 'text/html' } });
    const outcome = await guardRequest(kit, exchange);
    if (outcome.allowed) throw new Error('allowed');
    expect(outcome.answer.status).toBe(303);
    expect(outcome.answer.headers).toContainEqual(['Location', location]);
    expect([exchange.cookies.length, session.state]).toEqual([1, state]);
  });

  it.each([
    ['a record is missing', 403, 'MFA settings not found'],
    ['the storage is down', 503, 'Temporarily unavailable'],
  ])('nowhere if %s: a page says so, and no way back is kept', async (_what, status, title) => {
    const { mfa, storage, clock } = await setUp();
    const session = sessionOf((await mfa.beginLogin({ user: ada })).session);
    const read = () => (status === 403 ? Promise.resolve(null) : Promise.reject(new Error('down')));
    const faulty = createFixture({ storage: { ...storage, read }, clock: clock.now });
    const kit = createHttpKit(faulty.mfa, { loginUrl: '/login' });
    const user = { ...ada, enrolled: true };
    const headers = { accept: 'text/html' };
    const exchange = exchangeOf({ url: '/cases', user, session, headers });
    const outcome = await guardRequest(kit, exchange);
    expect(exchange.cookies).toEqual([]);
    if (outcome.allowed) throw new Error('allowed');
    expect(outcome.answer.status).toBe(status);
    expect(outcome.answer.headers).toContainEqual(['Content-Type', expect.stringMatching(/^text\/html/)]);
    expect(outcome.answer.body).toContain(title);
    expect(JSON.stringify(session.state)).not.toContain('/cases');
  });
});

describe('guardMessage', () => {
  it('SES-4: makes the same decision, and writes nothing', async () => {
    const { kit, session: state, mfa, counts } = await setUp();
    const ask = (user: TestUser | null, given: unknown) => guardMessage(kit, exchangeOf({ user, session: sessionOf(given) }));
    const pending = (await mfa.beginLogin({ user: ada })).session;
    const before = counts.writes;
    expect(await ask(ada, state)).toMatchObject({ access: 'allow', via: 'otp' });
    expect(await ask(ada, pending)).toMatchObject({ access: 'challenge' });
    expect(await ask(null, state)).toEqual({ access: 'login-again' });
    expect((await ask(bob, state)).access).not.toBe('allow');
    expect((await ask(ada, undefined)).access).not.toBe('allow');
    expect(counts.writes).toBe(before);
  });

  it('treats a client without a session as one that has proven its first factor', async () => {
    const { kit } = await setUp();
    const decision = await guardMessage(kit, exchangeOf({ user: bob, session: null }));
    expect(decision).toEqual((await guardRequest(kit, exchangeOf({ user: bob, session: null }))).decision);
    expect(decision.access).toBe('enroll');
  });
});

describe('a proof without a framework', () => {
  it('SES-1: renews the session, then sets the cookie; does neither if the session store fails', async () => {
    const { kit, mfa, authenticator, clock } = await setUp();
    const session = sessionOf((await mfa.beginLogin({ user: ada })).session);
    const failing = exchangeOf({ user: ada, session });
    session.fail = true;
    const code = () => authenticator.code(clock.now());
    expect(await (await bindFlows(kit, failing)).verify({ code: code(), rememberDevice: true })).toMatchObject({
      ok: false,
      reason: 'unavailable',
    });
    expect([failing.cookies, session.renewals, (session.state as { state: string }).state]).toEqual([[], 0, 'pending']);
    session.fail = false;
    clock.advance(MINUTE);
    const working = exchangeOf({ user: ada, session });
    const verified = await (await bindFlows(kit, working)).verify({ code: code(), rememberDevice: true });
    expect(verified).toMatchObject({ ok: true, returnTo: '/' });
    expect([working.cookies.length, session.renewals, (session.state as { state: string }).state]).toEqual([1, 1, 'verified']);
  });

  it('proves nothing if nobody is logged in', async () => {
    const { kit, session } = await setUp();
    const flows = await bindFlows(kit, exchangeOf({ session: sessionOf(session) }));
    expect(flows.session).toBeUndefined();
    for (const answer of [await flows.verify({ code: '123456' }), await flows.startEnrollment(), await flows.getStatus()]) {
      expect(answer).toEqual({ ok: false, reason: 'login_again' });
    }
    await expect(flows.beginLogin()).rejects.toMatchObject({ code: 'host_setup' });
  });
});
