import { assuranceClaims, assuranceFromClaims, type MfaUser } from '@mfa-kit/core';
import { bindFlows, checkRequirement, createHttpKit, guardRequest } from '@mfa-kit/core/http';
import { describe, expect, it } from 'vitest';
import { ada, createEnrolled, createFixture, loginPending, MINUTE, type TestUser } from '../../support/core-fixture.js';
import { watchWarnings } from '../../support/warnings.js';
import { exchangeOf, sessionOf } from './http/exchange.js';
import { createTestApp } from './http/test-app.js';

const warnings = watchWarnings();
const failed = (sentence: RegExp) =>
  expect.objectContaining({ name: 'MfaError', code: 'host_callback_failed', message: expect.stringMatching(sentence) });

/** Every flow that takes a user. */
const flows: [string, (mfa: ReturnType<typeof createFixture>['mfa'], user: TestUser) => Promise<unknown>][] = [
  ['beginLogin', (mfa, user) => mfa.beginLogin({ user })],
  ['checkAccess', (mfa, user) => mfa.checkAccess({ user, session: undefined })],
  ['startEnrollment', (mfa, user) => mfa.startEnrollment({ user, session: undefined })],
  ['currentEnrollment', (mfa, user) => mfa.currentEnrollment({ user, session: undefined })],
  [
    'confirmEnrollment',
    (mfa, user) => mfa.confirmEnrollment({ user, session: undefined, enrollmentId: 'x', proof: { kind: 'totp', code: '1' } }),
  ],
  ['cancelEnrollment', (mfa, user) => mfa.cancelEnrollment({ user, session: undefined, enrollmentId: 'x' })],
  ['verify', (mfa, user) => mfa.verify({ user, session: undefined, proof: { kind: 'totp', code: '123456' } })],
  ['getStatus', (mfa, user) => mfa.getStatus({ user })],
  ['renameAuthenticator', (mfa, user) => mfa.renameAuthenticator({ user, session: undefined, authenticatorId: 'x', name: 'y' })],
  ['removeAuthenticator', (mfa, user) => mfa.removeAuthenticator({ user, session: undefined, authenticatorId: 'x' })],
  ['regenerateRecoveryCodes', (mfa, user) => mfa.regenerateRecoveryCodes({ user, session: undefined })],
  ['revokeDevice', (mfa, user) => mfa.revokeDevice({ user, session: undefined, deviceId: 'x' })],
  ['endAllSessions', (mfa, user) => mfa.endAllSessions({ user, session: undefined })],
];

const NOT_BOOLEAN: [string, unknown][] = [
  ['1', 1],
  ['0', 0],
  ['-1', -1],
  ['NaN', Number.NaN],
  ['a bigint', 1n],
  ['"true"', 'true'],
  ['an empty text', ''],
  ['"t"', 't'],
  ['an object', {}],
  ['a list', []],
  ['a boxed true', Object(true)],
  ['a date', new Date()],
  ['bytes', Buffer.from([1])],
  ['a promise', Promise.resolve(true)],
  ['a function', () => true],
  ['a symbol', Symbol('enrolled')],
];

describe('F1, T34: "enrolled" of a user', () => {
  it.each(NOT_BOOLEAN)('F1: %s is an error in every flow, and one warning', async (_, enrolled) => {
    const fixture = createFixture();
    for (const [name, flow] of flows) {
      const outcome = flow(fixture.mfa, { ...ada, enrolled } as never);
      await expect(outcome, name).rejects.toEqual(failed(/Boolean\(row\.mfa_enrolled\)/));
    }
    expect(fixture.counts.writes).toBe(0);
    await new Promise(setImmediate);
    expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_ENROLLED_NOT_BOOLEAN: .*Boolean\(row\.mfa_enrolled\)/)]);
  });

  it.each(NOT_BOOLEAN)('F1: %s from the option "user" fails the request', async (_, enrolled) => {
    const { mfa } = createFixture();
    const kit = createHttpKit<TestUser, string>(mfa, { loginUrl: '/login' });
    const user = { ...ada, enrolled } as never;
    for (let request = 0; request < 3; request++) {
      const ask = async () => guardRequest(kit, exchangeOf({ user, session: sessionOf() }));
      await expect(ask()).rejects.toEqual(failed(/Boolean\(row\.mfa_enrolled\)/));
      await expect(bindFlows(kit, exchangeOf({ user, session: sessionOf() }))).rejects.toEqual(failed(/Boolean/));
    }
    await new Promise(setImmediate);
    expect(warnings).toHaveLength(1);
  });

  it('F1: the attack with a database that returns 1 and a deleted record fails', async () => {
    const fixture = await createEnrolled();
    const user = { ...ada, enrolled: 1 } as unknown as TestUser;
    await fixture.storage.remove(ada.id, (await fixture.storage.read(ada.id))?.version ?? '');
    await expect(fixture.mfa.beginLogin({ user })).rejects.toEqual(failed(/Boolean/));
    const missing = await fixture.mfa.beginLogin({ user: { ...ada, enrolled: true } });
    expect(missing.decision).toEqual({ access: 'refuse', reason: 'profile_missing' });
  });

  it.each([
    ['left out', undefined, []],
    ['null', null, [[ada.id, true]]],
  ])('F1: enrolled that is %s decides nothing, and a column that is not set yet is filled', async (_, enrolled, filled) => {
    const calls: unknown[] = [];
    const fixture = await createEnrolled(ada, { markEnrolled: (...given) => void calls.push(given) });
    calls.length = 0;
    const { decision, session } = await fixture.mfa.beginLogin({ user: { ...ada, enrolled } });
    expect(decision.access).toBe('challenge');
    expect((await fixture.mfa.checkAccess({ user: { ...ada, enrolled }, session })).access).toBe('challenge');
    expect(calls).toEqual(filled);
  });

  it('F1: a column that is null for a user who never enrolled stays null', async () => {
    const calls: unknown[] = [];
    const fixture = createFixture({ markEnrolled: (...given) => void calls.push(given) });
    expect((await fixture.mfa.beginLogin({ user: { ...ada, enrolled: null } })).decision).toEqual({ access: 'enroll' });
    expect(calls).toEqual([]);
  });

  it('F1: the first value that was read counts, even if a getter answers differently each time', async () => {
    const fixture = createFixture();
    let reads = 0;
    const user: MfaUser = {
      id: ada.id,
      name: ada.name,
      get enrolled() {
        return ++reads === 1;
      },
    };
    // True at the first reading: the record is missing. Later readings would say that the user never enrolled.
    expect((await fixture.mfa.beginLogin({ user })).decision).toEqual({ access: 'refuse', reason: 'profile_missing' });
    expect(reads).toBe(1);
    reads = 0;
    expect(await fixture.mfa.checkAccess({ user, session: undefined })).toEqual({ access: 'refuse', reason: 'profile_missing' });
    expect(reads).toBe(1);
  });

  it('F1: fields of a class or a prototype count', async () => {
    class Row {
      id = ada.id;
      name = ada.name;
      get enrolled(): boolean {
        return true;
      }
    }
    const fixture = createFixture();
    for (const user of [new Row(), Object.create({ ...ada, enrolled: true }), new Proxy({ ...ada, enrolled: true }, {})]) {
      expect((await fixture.mfa.beginLogin({ user })).decision).toEqual({ access: 'refuse', reason: 'profile_missing' });
    }
  });

  it.each([
    ['nothing', undefined, 'invalid_argument'],
    ['null', null, 'invalid_argument'],
    ['a text', 'user-ada', 'invalid_argument'],
    ['a function', Object.assign(() => 0, { id: 'x' }), 'invalid_argument'],
    ['a promise', Promise.resolve(ada), 'invalid_argument'],
    ['a list', [ada], 'invalid_argument'],
    ['a numeric id', { ...ada, id: 7 }, 'invalid_argument'],
    ['a bigint id', { ...ada, id: 7n }, 'invalid_argument'],
    ['a boxed id', { ...ada, id: Object('x') }, 'invalid_argument'],
    ['no name', { id: ada.id }, 'invalid_argument'],
    ['a name that is null', { id: ada.id, name: null }, 'invalid_argument'],
    ['a numeric name', { id: ada.id, name: 7 }, 'invalid_argument'],
    ['a list of names', { id: ada.id, name: ['x'] }, 'invalid_argument'],
  ])('F1: a user that is %s is refused in every flow', async (_, user, code) => {
    const fixture = createFixture();
    for (const [name, flow] of flows) {
      await expect(flow(fixture.mfa, user as never), name).rejects.toMatchObject({ name: 'MfaError', code });
    }
    expect(fixture.counts.writes).toBe(0);
  });

  it('F1: one warning if the host keeps enrolled up to date but never passes it', async () => {
    const fixture = await createEnrolled(ada, { markEnrolled: () => {} });
    for (let login = 0; login < 3; login++) await fixture.mfa.beginLogin({ user: ada });
    await new Promise(setImmediate);
    expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_ENROLLED_NEVER_GIVEN: .*enrolled: Boolean\(row\.mfa_enrolled\)/)]);
  });

  it('F1: no such warning if enrolled is passed, no user is enrolled, or markEnrolled is not set', async () => {
    const marked = await createEnrolled(ada, { markEnrolled: () => {} });
    await marked.mfa.beginLogin({ user: { ...ada, enrolled: true } });
    await marked.mfa.beginLogin({ user: { id: 'user-new', name: 'new' } });
    const unmarked = await createEnrolled();
    await unmarked.mfa.beginLogin({ user: ada });
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
  });
});

const BAD_POLICIES: [string, unknown][] = [
  ['null', null],
  ['nothing', undefined],
  ['a text', 'required'],
  ['true', true],
  ['a number', 1],
  ['a list', []],
  ['a list with a word', ['off']],
  ['a function', () => ({ mfa: 'off' })],
  ['a date', new Date()],
  ['a map', new Map([['mfa', 'off']])],
  ['a boxed boolean', Object(false)],
  ['an unknown field', { mfa: 'required', enroll: false }],
  ['a misspelled field', { mayenroll: false }],
  ['an inherited unknown field', Object.create({ mayenrol: false })],
  ['an unknown word', { mfa: 'Required' }],
  ['a level that is true', { mfa: true }],
  ['a level that is null', { mfa: null }],
  ['a boxed word', { mfa: Object('off') }],
  ['mayEnroll: 0', { mayEnroll: 0 }],
  ['mayEnroll: 1', { mayEnroll: 1 }],
  ['mayEnroll: null', { mayEnroll: null }],
  ['mayEnroll: "false"', { mayEnroll: 'false' }],
  ['mayEnroll: a boxed false', { mayEnroll: Object(false) }],
  ['rememberDevice: null', { rememberDevice: null }],
  ['rememberDevice: 0', { rememberDevice: 0 }],
  ['rememberDevice: { days: 7 }', { rememberDevice: { days: 7 } }],
  ['enrollBy: null', { enrollBy: null }],
  ['enrollBy: 0', { enrollBy: 0 }],
  ['enrollBy: a date', { enrollBy: new Date() }],
  ['enrollBy: in seconds', { enrollBy: 1_800_000_000 }],
  ['enrollBy: in microseconds', { enrollBy: 1_800_000_000_000_000 }],
  ['enrollBy: NaN', { enrollBy: Number.NaN }],
  ['enrollBy: Infinity', { enrollBy: Number.POSITIVE_INFINITY }],
  ['enrollBy: a text', { enrollBy: '2027-01-01' }],
  ['enrollBy: a bigint', { enrollBy: 1_800_000_000_000n }],
  ['enrollBy: in seconds, even though enrolling is optional', { mfa: 'optional', enrollBy: 1_800_000_000 }],
];

describe('F2, SES-4: an invalid answer of "policy" is an error, never the lax reading', () => {
  it.each(BAD_POLICIES)('F2: %s', async (_, answer) => {
    for (const policy of [() => answer, async () => answer, () => Promise.resolve(Promise.resolve(answer))]) {
      const fixture = createFixture({ policy: policy as never });
      const session = await loginPending(createFixture({ storage: fixture.storage, clock: fixture.clock.now }).mfa);
      for (const [name, flow] of flows) {
        if (!['beginLogin', 'checkAccess', 'getStatus'].includes(name)) continue;
        await expect(flow(fixture.mfa, ada), name).rejects.toEqual(failed(/"policy"/));
      }
      await expect(fixture.mfa.startEnrollment({ user: ada, session })).rejects.toEqual(failed(/"policy"/));
    }
  });

  it('F2: the message names the field, its value, and what to write', async () => {
    const fixture = createFixture({ policy: () => ({ mayEnroll: 0 }) as never });
    await expect(fixture.mfa.getStatus({ user: ada })).rejects.toThrow(/"mayEnroll" .*it is 0.*Boolean\(/);
    const dated = createFixture({ policy: () => ({ enrollBy: new Date() }) as never });
    await expect(dated.mfa.getStatus({ user: ada })).rejects.toThrow(/"enrollBy" must be an instant .*getTime\(\)/);
    const seconds = createFixture({ policy: () => ({ enrollBy: 1_800_000_000 }) });
    await expect(seconds.mfa.getStatus({ user: ada })).rejects.toThrow(/in seconds\. Multiply seconds by 1000/);
  });

  it.each([
    ['an empty object', {}],
    ['an object without prototype', Object.assign(Object.create(null), { mfa: 'required' })],
    ['fields that are undefined', { mfa: undefined, enrollBy: undefined, mayEnroll: undefined, rememberDevice: undefined }],
    ['inherited fields', Object.create({ mfa: 'required' })],
  ])('F2: %s is good', async (_, answer) => {
    const fixture = createFixture({ policy: () => answer });
    expect((await fixture.mfa.beginLogin({ user: ada })).decision).toEqual({ access: 'enroll' });
  });

  it('F2: each field is read once', async () => {
    const reads: string[] = [];
    const answer = new Proxy({ mfa: 'required', mayEnroll: false, rememberDevice: false, enrollBy: 1_800_000_000_000 } as const, {
      get(target, name: 'mfa' | 'mayEnroll') {
        reads.push(name);
        return target[name];
      },
    });
    const fixture = createFixture({ policy: () => answer });
    await fixture.mfa.checkAccess({ user: ada, session: undefined });
    // "then" decides whether it must be awaited.
    expect(reads.filter((name) => name !== 'then').sort()).toEqual(['enrollBy', 'mayEnroll', 'mfa', 'rememberDevice']);
  });

  it('F2: a time in the past is a deadline that is over', async () => {
    const fixture = createFixture({ policy: () => ({ enrollBy: 1_700_000_000_000 }) });
    expect((await fixture.mfa.beginLogin({ user: ada })).decision).toEqual({ access: 'enroll', enrollBy: 1_700_000_000_000 });
  });

  it('policy receives the context of the request in every flow that has one', async () => {
    const seen: unknown[] = [];
    const fixture = await createEnrolled(ada, {
      policy: (_user, context) => {
        seen.push(context);
        return {};
      },
    });
    const context = { network: '10.0.0.0/8', country: 'SE' };
    const { session } = fixture;
    const who = { user: ada, session, context };
    seen.length = 0;
    await fixture.mfa.beginLogin({ user: ada, context });
    await fixture.mfa.checkAccess(who);
    await fixture.mfa.getStatus({ user: ada, context });
    await fixture.mfa.startEnrollment(who);
    await fixture.mfa.currentEnrollment(who);
    await fixture.mfa.confirmEnrollment({ ...who, enrollmentId: 'x', proof: { kind: 'totp', code: '1' } });
    await fixture.mfa.cancelEnrollment({ ...who, enrollmentId: 'x' });
    await fixture.mfa.verify({ ...who, proof: { kind: 'totp', code: '123456' } });
    await fixture.mfa.endAllSessions(who);
    expect(seen).toHaveLength(9);
    for (const given of seen) expect(given).toBe(context);
    seen.length = 0;
    const kit = createHttpKit<TestUser, string>(fixture.mfa, { loginUrl: '/login' });
    const bound = await bindFlows(kit, exchangeOf({ user: ada, session: sessionOf(session), context }));
    await bound.getStatus();
    await bound.checkAccess();
    expect(seen).toHaveLength(2);
    for (const given of seen) expect(given).toBe(context);
  });
});

describe('F3, F4, SUP-6: a requirement', () => {
  const stale = async (requirement: object) => {
    const fixture = await createEnrolled();
    fixture.clock.advance(10 * MINUTE);
    return (await fixture.mfa.checkAccess({ user: ada, session: fixture.session, requirement: requirement as never })).access;
  };

  it.each([
    ['inherited', () => Object.create({ maxAgeSeconds: 300 })],
    [
      'a getter',
      () => ({
        get maxAgeSeconds() {
          return 300;
        },
      }),
    ],
    [
      'a getter of a class',
      () =>
        new (class {
          get maxAgeSeconds() {
            return 300;
          }
        })(),
    ],
    ['a field that is not listed', () => Object.defineProperty({}, 'maxAgeSeconds', { value: 300, enumerable: false })],
    ['behind a proxy', () => new Proxy({ maxAgeSeconds: 300 }, {})],
    ['behind a proxy that lists nothing', () => new Proxy({ maxAgeSeconds: 300 }, { ownKeys: () => [] })],
    ['without prototype', () => Object.assign(Object.create(null), { maxAgeSeconds: 300 })],
  ])('F3: maxAgeSeconds counts if it is %s', async (_, make) => {
    expect(await stale(make())).toBe('challenge');
    expect(checkRequirement(make())).toStrictEqual({ maxAgeSeconds: 300 });
  });

  it('F3: the value that was checked counts, even if a getter answers differently the next time', async () => {
    let reads = 0;
    const requirement = {
      get maxAgeSeconds() {
        return ++reads === 1 ? 300 : undefined;
      },
    };
    expect(await stale(requirement)).toBe('challenge');
    expect(reads).toBe(1);
  });

  it.each([
    ['an inherited unknown field', Object.create({ maxAge: 300 })],
    ['a list', []],
    ['a list with a number', [300]],
    ['a function', () => ({ maxAgeSeconds: 300 })],
    ['a map', new Map([['maxAgeSeconds', 300]])],
    ['a date', new Date()],
    ['a boxed number', Object(300)],
    ['a promise', Promise.resolve({ maxAgeSeconds: 300 })],
    ['null', null],
    ['false', false],
    ['a text', 'fresh'],
    ['maxAgeSeconds that is null', { maxAgeSeconds: null }],
    ['maxAgeSeconds that is a string', { maxAgeSeconds: '300' }],
    ['maxAgeSeconds that is a bigint', { maxAgeSeconds: 300n }],
    ['maxAgeSeconds that is NaN', { maxAgeSeconds: Number.NaN }],
    ['maxAgeSeconds without end', { maxAgeSeconds: Number.POSITIVE_INFINITY }],
    ['maxAgeSeconds that is boxed', { maxAgeSeconds: Object(300) }],
    ['acceptRememberedDevice that is null', { acceptRememberedDevice: null }],
    ['acceptRememberedDevice that is 0', { acceptRememberedDevice: 0 }],
  ])('F3: %s is refused', async (_, requirement) => {
    expect(() => checkRequirement(requirement as never)).toThrow(expect.objectContaining({ code: 'invalid_option' }));
    await expect(stale(requirement as never)).rejects.toMatchObject({ code: 'invalid_option' });
  });

  it.each([0, 1, 4, -5, 4.5])('F4: maxAgeSeconds: %d is refused, and the message names the minimum', (maxAgeSeconds) => {
    expect(() => checkRequirement({ maxAgeSeconds })).toThrow(/maxAgeSeconds must be a whole number of seconds, at least 5/);
  });

  it('F4: 5 seconds are the minimum', async () => {
    const fixture = await createEnrolled();
    const { session, clock } = fixture;
    const requirement = { maxAgeSeconds: 5 };
    clock.set(session.assurance.verifiedAt + 5_000);
    expect((await fixture.mfa.checkAccess({ user: ada, session, requirement })).access).toBe('allow');
    clock.advance(1);
    expect((await fixture.mfa.checkAccess({ user: ada, session, requirement })).access).toBe('challenge');
  });
});

const NO_INSTANTS: [string, unknown][] = [
  ['in seconds', 1_800_000_000],
  ['in seconds with a fraction', 1_800_000_000.5],
  ['in microseconds', 1_800_000_000_000_000],
  ['in nanoseconds', 1_800_000_000_000_000_000],
  ['a date', new Date()],
  ['NaN', Number.NaN],
  ['without end', Number.POSITIVE_INFINITY],
  ['negative', -1_800_000_000_000],
  ['one', 1],
  ['a text', '2027-01-15T08:00:00Z'],
  ['a number as text', '1800000000000'],
  ['a bigint', 1_800_000_000_000n],
  ['null', null],
  ['a boxed number', Object(1_800_000_000_000)],
  ['a promise', Promise.resolve(1_800_000_000_000)],
  ['an object', { valueOf: () => 1_800_000_000_000 }],
];

describe('F5: an invalid instant is refused', () => {
  it.each(NO_INSTANTS)('F5: loggedInAt: %s', async (_, loggedInAt) => {
    const fixture = createFixture();
    const begin = () => fixture.mfa.beginLogin({ user: ada, loggedInAt: loggedInAt as number });
    await expect(begin()).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(/"loggedInAt" must be/),
    });
    const kit = createHttpKit<TestUser, string>(fixture.mfa, { loginUrl: '/login' });
    const bound = await bindFlows(kit, exchangeOf({ user: ada, session: sessionOf() }));
    await expect(bound.beginLogin({ loggedInAt: loggedInAt as number })).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(fixture.counts.writes).toBe(0);
  });

  it.each([
    ['left out', undefined, true],
    ['a minute ago', 1_800_000_000_000 - MINUTE, true],
    ['with a fraction of a millisecond', 1_800_000_000_000 - 0.25, true],
    ['an hour ago', 1_800_000_000_000 - 60 * MINUTE, false],
    ['0: not known', 0, false],
  ])('F5: loggedInAt %s is valid', async (_, loggedInAt, fresh) => {
    const fixture = createFixture();
    const { session } = await fixture.mfa.beginLogin({ user: ada, ...(loggedInAt !== undefined && { loggedInAt }) });
    const started = await fixture.mfa.startEnrollment({ user: ada, session });
    expect(started.ok ? 'ok' : started.reason).toBe(fresh ? 'ok' : 'login_again');
  });

  it('F5: loggedInAt slightly in the future counts as now; further ahead it is unknown, and a warning says so', async () => {
    const fixture = createFixture();
    const now = fixture.clock.now();
    const start = async (loggedInAt: number, later: number) => {
      fixture.clock.set(now);
      const { session } = await fixture.mfa.beginLogin({ user: ada, loggedInAt });
      fixture.clock.set(now + later);
      const started = await fixture.mfa.startEnrollment({ user: ada, session });
      return started.ok ? 'ok' : started.reason;
    };
    expect(await start(now + 5 * MINUTE, 0)).toBe('ok');
    // A time in the future does not give more time.
    expect(await start(now + 5 * MINUTE, 15 * MINUTE + 1)).toBe('login_again');
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
    expect(await start(now + 5 * MINUTE + 1, 0)).toBe('login_again');
    await new Promise(setImmediate);
    expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_LOGGED_IN_AHEAD: .*not the end of the session/)]);
  });

  it.each(NO_INSTANTS)('F5: restoredAt: %s', async (_, restoredAt) => {
    const fixture = createFixture();
    await expect(fixture.mfa.afterRestore({ restoredAt: restoredAt as number })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(/"restoredAt" must be an instant/),
    });
  });

  it.each([...NO_INSTANTS, ['nothing', undefined], ['zero', 0]] as [string, unknown][])(
    'F5: a clock that returns %s is refused at start, and on every call',
    async (_, now) => {
      const start = () => createFixture({ clock: () => now as number });
      expect(start).toThrow(
        expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(/"clock" must be/) }),
      );
      let broken = false;
      const fixture = createFixture({ clock: () => (broken ? (now as number) : 1_800_000_000_000) });
      const session = await loginPending(fixture.mfa);
      broken = true;
      await expect(fixture.mfa.startEnrollment({ user: ada, session })).rejects.toEqual(failed(/"clock" must be an instant/));
      await expect(fixture.mfa.getStatus({ user: ada })).rejects.toEqual(failed(/"clock" must be an instant/));
    },
  );

  it('F5: a clock that throws is refused, and so is an async one', () => {
    const throws = () => {
      throw new Error('no clock');
    };
    expect(() => createFixture({ clock: throws })).toThrow(/"clock" threw\. It must return the time, as/);
    expect(() => createFixture({ clock: (async () => Date.now()) as never })).toThrow(/it is a Promise object/);
  });

  it('F5: the message says what to write', async () => {
    const { mfa } = createFixture();
    const begin = (loggedInAt: unknown) => mfa.beginLogin({ user: ada, loggedInAt: loggedInAt as number });
    await expect(begin(new Date())).rejects.toThrow(/it is a Date object\. Pass its getTime\(\)\./);
    await expect(begin(1_800_000_000)).rejects.toThrow(/as if it were in seconds\. Multiply seconds by 1000\./);
    await expect(begin(1_800_000_000_000_000)).rejects.toThrow(/as if it were in microseconds\./);
  });
});

describe('F5: an answer of the option "assurance"', () => {
  const ask = async (answer: unknown) => {
    const app = await createTestApp();
    const exchange = exchangeOf({ user: ada, assurance: answer as never });
    return guardRequest(app.kit, exchange, { maxAgeSeconds: 300 });
  };

  it.each([
    ['true', true],
    ['a text', 'otp'],
    ['a number', 1],
    ['a list', [{}]],
    ['a function', () => ({})],
    ['a map', new Map()],
  ])('F5: %s', async (_, answer) => {
    await expect(ask(answer)).rejects.toEqual(failed(/"assurance" must return what assuranceFromClaims\(\) returns/));
  });

  it.each(NO_INSTANTS)('F5: verifiedAt: %s', async (_, verifiedAt) => {
    const { session } = await createEnrolled();
    await expect(ask({ ...session.assurance, verifiedAt })).rejects.toEqual(failed(/"verifiedAt" must be an instant/));
  });

  it('F5: auth_time in milliseconds', async () => {
    const { session } = await createEnrolled();
    const claims = { ...assuranceClaims(session.assurance, ['pwd']), sub: ada.id, auth_time: session.assurance.verifiedAt };
    await expect(ask(assuranceFromClaims(claims))).rejects.toEqual(failed(/as if it were in microseconds/));
  });

  it.each([null, undefined, {}])('F5: %j is no proof, but not an error either', async (answer) => {
    expect(await ask(answer)).toMatchObject({ allowed: false });
  });
});

describe('invalid return values of other HTTP callbacks', () => {
  const NO_OBJECTS: [string, unknown][] = [
    ['a text', 'token'],
    ['true', true],
    ['false', false],
    ['a number', 7],
    ['a list', [{ accessToken: 'x' }]],
    ['a function', () => ({})],
    ['a map', new Map()],
    ['a date', new Date()],
  ];

  it.each([...NO_OBJECTS, ['a bigint within', { count: 7n }]] as [string, unknown][])('onVerified: %s', async (_, answer) => {
    const app = await createTestApp({ onVerified: (() => answer) as never });
    const browser = await app.logIn();
    await expect(browser.post('/verify', { code: app.code() })).rejects.toEqual(failed(/"onVerified" must return an object/));
  });

  it('onVerified: an error that it throws is the cause of an error that names it, and its fields never replace those of the kit', async () => {
    const cause = new Error('no keys');
    const app = await createTestApp({
      onVerified: () => {
        throw cause;
      },
    });
    const browser = await app.logIn();
    const failure = await browser.post('/verify', { code: app.code() }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'host_callback_failed', message: expect.stringContaining('"onVerified"'), cause });
    const other = await createTestApp({
      onVerified: () => ({ accessToken: 'x', assurance: 'forged', returnTo: 'https://evil.example' }),
    });
    const { body } = await (await other.logIn()).post('/verify', { code: other.code() });
    expect(body).toMatchObject({ accessToken: 'x', returnTo: '/home', assurance: { userId: ada.id, via: 'otp' } });
  });

  it.each([...NO_OBJECTS, ['a promise', Promise.resolve({})]] as [string, unknown][])('eventContext: %s', async (_, answer) => {
    const app = await createTestApp();
    const exchange = { ...app.browser(ada, app.session).exchange(), eventContext: (() => answer) as never };
    await expect((async () => guardRequest(app.kit, exchange))()).rejects.toEqual(failed(/"eventContext" must return an object/));
  });

  it.each([undefined, null, 1, 'yes', {}, Promise.resolve(true)])('returnTo: %s', async (answer) => {
    const app = await createTestApp({ returnTo: (() => answer) as never });
    const exchange = app.browser(ada, (await app.mfa.beginLogin({ user: ada })).session).exchange({ url: '/cases' });
    const navigation: Record<string, string> = {
      accept: 'text/html',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    const open = { ...exchange, header: (name: string) => navigation[name] ?? exchange.header(name) };
    await expect((async () => guardRequest(app.kit, open))()).rejects.toEqual(failed(/"returnTo" must return true or false/));
  });

  it.each(NO_OBJECTS)('pages.messages and pages.hiddenFields: %s', async (_, answer) => {
    for (const name of ['messages', 'hiddenFields']) {
      const app = await createTestApp({ pages: { [name]: () => answer } });
      const page = (await app.logIn()).page('GET', '/challenge');
      await expect(page, name).rejects.toEqual(failed(new RegExp(`"pages.${name}" must return an object`)));
    }
  });

  it.each([undefined, null, 7, {}, true])('pages.hiddenFields with a field %s, and pages.render with %s', async (value) => {
    const fields = await createTestApp({ pages: { hiddenFields: () => ({ csrf: value as string }) } });
    await expect((await fields.logIn()).page('GET', '/challenge')).rejects.toEqual(
      failed(/"pages.hiddenFields" must return text in every field/),
    );
    const drawn = await createTestApp({ pages: { render: () => value as string } });
    await expect((await drawn.logIn()).page('GET', '/challenge')).rejects.toEqual(failed(/"pages.render" must return the HTML/));
  });

  it('session.read: a promise is not a state', async () => {
    const app = await createTestApp();
    const port = { ...sessionOf(), read: async () => app.session };
    const exchange = { ...app.browser(ada).exchange(), session: port };
    await expect((async () => guardRequest(app.kit, exchange))()).rejects.toEqual(failed(/read\(\) returned a promise/));
  });
});
