import { describe, expect, it } from 'vitest';
import type { AccessDecision, Assurance, MfaSession, Requirement } from '../../../../packages/core/src/assurance.js';
import type { EffectivePolicy } from '../../../../packages/core/src/policy/enforcement.js';
import { decideAccess } from '../../../../packages/core/src/policy/requirement.js';
import { newDevice } from '../../../../packages/core/src/profile/device.js';
import { newProfile, type Profile } from '../../../../packages/core/src/profile/profile.js';
import {
  ada,
  bob,
  createEnrolled,
  createFixture,
  DAY,
  expectOk,
  loginPending,
  loginWithCode,
  MINUTE,
  SECOND,
} from '../../../support/core-fixture.js';

const NOW = 1_800_000_000_000;
const HOUR_AGO = NOW - 3_600_000;

type Level = 'required' | 'optional' | 'off';
type State = 'none' | 'pending' | 'otp' | 'recovery-code' | 'remembered-device';

const levels: Level[] = ['required', 'optional', 'off'];
const states: State[] = ['none', 'pending', 'otp', 'recovery-code', 'remembered-device'];
const requirements: [string, Requirement][] = [
  ['plain', {}],
  ['step-up', { maxAgeSeconds: 300 }],
  ['no remembered device', { acceptRememberedDevice: false }],
];

function policyOf(mfa: Level, change: Partial<EffectivePolicy> = {}): EffectivePolicy {
  return { mfa, mayEnroll: mfa !== 'off', rememberDays: 30, ...change };
}

function profileOf(enrolled: boolean): Profile {
  const authenticator = { id: 'a', kind: 'totp', name: 'App', createdAt: 0, enrollmentId: 'e', data: {} };
  const device = {
    ...newDevice({ id: 'd', label: '', tokenId: 't' }, HOUR_AGO),
    rememberedUntil: NOW + DAY,
    rememberedAt: HOUR_AGO,
  };
  return { ...newProfile(), epoch: 'now', authenticators: enrolled ? [authenticator] : [], devices: enrolled ? [device] : [] };
}

function sessionOf(state: State, epoch: string, verifiedAt = HOUR_AGO): MfaSession | undefined {
  if (state === 'none') return undefined;
  if (state === 'pending') return { state, userId: 'u', epoch, deviceEpoch: 'x', since: HOUR_AGO, enrollmentIds: [] };
  return { state: 'verified', assurance: assuranceOf(state, epoch, verifiedAt) };
}

function assuranceOf(via: Assurance['via'], epoch: string, verifiedAt: number): Assurance {
  return { userId: 'u', epoch, amr: [], acr: '', verifiedAt, via, ...(via === 'remembered-device' ? { deviceId: 'd' } : {}) };
}

function brief(decision: AccessDecision): string {
  switch (decision.access) {
    case 'allow':
      return `allow ${decision.via}`;
    case 'challenge':
      return `challenge ${decision.because}`;
    case 'refuse':
      return `refuse ${decision.reason}`;
    default:
      return decision.access;
  }
}

/** An independent description of the access rules. */
function expected(level: Level, enrolled: boolean, state: State, current: boolean, requirement: Requirement): string {
  const stepUp = requirement.maxAgeSeconds !== undefined;
  if (level === 'off') return state === 'pending' ? 'login-again' : 'allow not-required';
  if (state === 'none') return 'login-again';
  if (!enrolled) {
    // State of another epoch counts for nothing.
    if (!current) return 'login-again';
    return level === 'optional' && !stepUp ? 'allow not-required' : 'enroll';
  }
  if (state === 'pending') return current ? 'challenge missing' : 'login-again';
  if (!current) return 'challenge revoked';
  if (state === 'remembered-device') {
    if (requirement.acceptRememberedDevice === false) return 'challenge missing';
    return stepUp ? 'challenge expired' : 'allow remembered-device';
  }
  return stepUp ? 'challenge expired' : `allow ${state}`;
}

describe('checkAccess by policy, enrollment, state, epoch and requirement', () => {
  const cases = levels.flatMap((level) =>
    [true, false].flatMap((enrolled) =>
      states.flatMap((state) =>
        [true, false].flatMap((current) =>
          requirements.map(([name, requirement]) => ({ level, enrolled, state, current, name, requirement })),
        ),
      ),
    ),
  );

  it.each(cases)('T20, SES-4, DEV-8: $level, enrolled $enrolled, $state, epoch current $current, $name', (row) => {
    const { level, enrolled, state, current, requirement } = row;
    const decision = decideAccess({
      enrolled: undefined,
      policy: policyOf(level),
      profile: profileOf(enrolled),
      session: sessionOf(state, current ? 'now' : 'before'),
      requirement,
      now: NOW,
    });
    expect(brief(decision)).toBe(expected(level, enrolled, state, current, requirement));
  });

  it.each(cases.filter((row) => row.level !== 'off'))(
    'STO-6: the host says enrolled, the record does not: $level, $state, $name',
    ({ level, state, requirement }) => {
      for (const profile of [null, profileOf(false)]) {
        const facts = {
          enrolled: true,
          policy: policyOf(level),
          profile,
          session: sessionOf(state, 'now'),
          requirement,
          now: NOW,
        };
        expect(brief(decideAccess(facts))).toBe('refuse profile_missing');
      }
    },
  );

  it('without a record allows only "optional" and "off", and no proof counts', () => {
    for (const level of levels) {
      for (const state of states) {
        const facts = { enrolled: false, policy: policyOf(level), profile: null, requirement: {}, now: NOW };
        const access = brief(decideAccess({ ...facts, session: sessionOf(state, 'now') }));
        expect(access).toBe(level === 'off' && state !== 'pending' ? 'allow not-required' : 'login-again');
      }
    }
  });
});

describe('the grace period', () => {
  const decide = (policy: EffectivePolicy, profile: Profile, requirement: Requirement = {}) =>
    decideAccess({ enrolled: false, policy, profile, session: sessionOf('pending', 'now'), requirement, now: NOW });

  it('allows until just before the deadline, and never for a step-up', () => {
    const profile = profileOf(false);
    expect(decide(policyOf('required', { enrollBy: NOW + 1 }), profile)).toEqual({
      access: 'allow',
      via: 'grace',
      enrollBy: NOW + 1,
    });
    expect(decide(policyOf('required', { enrollBy: NOW }), profile)).toEqual({ access: 'enroll', enrollBy: NOW });
    expect(decide(policyOf('required', { enrollBy: NOW + 1 }), profile, { maxAgeSeconds: 60 }).access).toBe('enroll');
  });

  it('T41: ends at the earlier of the stored deadline and the current policy', () => {
    const profile = { ...profileOf(false), enrollBy: NOW - 1 };
    expect(decide(policyOf('required', { enrollBy: NOW + DAY }), profile).access).toBe('enroll');
    expect(decide(policyOf('required'), { ...profile, enrollBy: NOW + DAY }).access).toBe('enroll');
    expect(decide(policyOf('required', { enrollBy: NOW - 1 }), { ...profile, enrollBy: NOW + DAY }).access).toBe('enroll');
  });

  it('T42: is not extended by a new login, by switching the policy off and on, by a reset or by a later date', async () => {
    const fixture = createFixture();
    const enrollBy = fixture.clock.now() + DAY;
    const access = async (change: object) => (await fixture.mfa.beginLogin({ user: { ...ada, ...change } })).decision;
    expect(await access({ enrollBy })).toEqual({ access: 'allow', via: 'grace', enrollBy });
    expect(await access({ enrollBy: enrollBy + 30 * DAY })).toEqual({ access: 'allow', via: 'grace', enrollBy });
    await access({ mfa: 'off' });
    await access({ mfa: 'optional' });
    expectOk(await fixture.mfa.resetMfa({ userId: ada.id, actor: 'a', reason: 'r' }));
    expectOk(await fixture.mfa.passwordChanged({ userId: ada.id }));
    expect(await access({ enrollBy: enrollBy + 30 * DAY })).toEqual({ access: 'allow', via: 'grace', enrollBy });
    fixture.clock.advance(DAY);
    expect(await access({ enrollBy: enrollBy + 30 * DAY })).toEqual({ access: 'enroll', enrollBy });
    expect(await access({ enrollBy: enrollBy - 2 * DAY })).toEqual({ access: 'enroll', enrollBy: enrollBy - 2 * DAY });
  });

  it('T39: allows a user who may not enroll, and says so', () => {
    const profile = profileOf(false);
    expect(brief(decide(policyOf('required', { mayEnroll: false }), profile))).toBe('refuse not_allowed');
    expect(brief(decide(policyOf('required', { mayEnroll: false, enrollBy: NOW + 1 }), profile))).toBe('allow grace');
  });
});

describe('the age of a proof', () => {
  const decide = (verifiedAt: number, maxAgeSeconds: number) =>
    brief(
      decideAccess({
        enrolled: true,
        policy: policyOf('required'),
        profile: profileOf(true),
        session: sessionOf('otp', 'now', verifiedAt),
        requirement: { maxAgeSeconds },
        now: NOW,
      }),
    );

  it.each([
    [299, 'allow otp'],
    [300, 'allow otp'],
    [301, 'challenge expired'],
    [0, 'allow otp'],
    [-60, 'allow otp'],
    [-61, 'challenge missing'],
  ])('STP-1: %i seconds after the proof, with a maximum of 300: %s', (age, access) => {
    expect(decide(NOW - age * SECOND, 300)).toBe(access);
  });

  it('STP-1: with a maximum of 0 asks each time', () => {
    expect(decide(NOW, 0)).toBe('allow otp');
    expect(decide(NOW - 1, 0)).toBe('challenge expired');
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('SES-4: does not count for a proof dated %d', (verifiedAt) => {
    expect(decide(verifiedAt, 300)).toBe('challenge missing');
  });

  it('STP-1, STP-3: is not refreshed by use, and does not count in another session', async () => {
    const fixture = await createEnrolled();
    const { session } = await loginWithCode(fixture);
    const requirement = { maxAgeSeconds: 300 };
    for (let request = 0; request < 100; request++) {
      fixture.clock.advance(3 * SECOND);
      expect((await fixture.mfa.checkAccess({ user: ada, session, requirement })).access).toBe('allow');
    }
    fixture.clock.advance(SECOND);
    const decision = await fixture.mfa.checkAccess({ user: ada, session, requirement });
    expect(decision).toEqual({
      access: 'challenge',
      because: 'expired',
      factors: ['totp', 'recovery-code'],
      maxAgeSeconds: 300,
    });
    const other = (await fixture.mfa.beginLogin({ user: ada })).session;
    expect((await fixture.mfa.checkAccess({ user: ada, session: other, requirement })).access).toBe('challenge');
  });
});

describe('checkAccess', () => {
  it('T33, SES-3: ignores the state of another user', async () => {
    const { mfa, session } = await createEnrolled();
    expect(await mfa.checkAccess({ user: bob, session })).toEqual({ access: 'login-again' });
  });

  it.each([
    ['an empty object', {}],
    ['a state that is none', { state: 'proven', assurance: { userId: 'user-ada' } }],
    ['verified of nothing', { state: 'verified' }],
    ['verified of null', { state: 'verified', assurance: null }],
    ['text', 'verified'],
    ['null', null],
    ['a list', []],
  ])('SES-4: ignores an invalid state: %s', async (_, session) => {
    const { mfa } = await createEnrolled();
    expect(await mfa.checkAccess({ user: ada, session: session as never })).toEqual({ access: 'login-again' });
    expect(await mfa.verify({ user: ada, session: session as never, proof: { kind: 'totp', code: '123456' } })).toMatchObject({
      reason: 'login_again',
    });
  });

  it('T20: allows no route without a state, or with a token from before the proof', async () => {
    const fixture = await createEnrolled();
    const begun = await fixture.mfa.beginLogin({ user: ada });
    expect((await fixture.mfa.checkAccess({ user: ada, session: begun.session })).access).toBe('challenge');
    const opened = expectOk(await fixture.mfa.openPendingToken(begun.pendingToken ?? ''));
    expect((await fixture.mfa.checkAccess({ user: ada, session: opened.session })).access).toBe('challenge');
  });

  it('T22: drops what the session had at a new login', async () => {
    const fixture = await createEnrolled();
    const begun = await fixture.mfa.beginLogin({ user: ada });
    expect(begun.session?.state).toBe('pending');
    const off = await fixture.mfa.beginLogin({ user: { ...ada, mfa: 'off' } });
    expect(off).toEqual({ decision: { access: 'allow', via: 'not-required' } });
  });

  it('reads once and never writes', async () => {
    const fixture = await createEnrolled();
    for (const session of [fixture.session, await loginPending(fixture.mfa), undefined]) {
      fixture.resetCounts();
      await fixture.mfa.checkAccess({ user: ada, session, requirement: { maxAgeSeconds: 5 } });
      expect(fixture.counts).toEqual({ reads: 1, writes: 0, removes: 0, lists: 0 });
    }
  });

  it('T29, DEV-8: does not accept a remembered device for a step-up, or for a route that refuses it', async () => {
    const fixture = await createEnrolled();
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    const { session } = await fixture.mfa.beginLogin({ user: ada, deviceToken: token });
    const access = async (requirement: Requirement) => brief(await fixture.mfa.checkAccess({ user: ada, session, requirement }));
    expect(await access({})).toBe('allow remembered-device');
    expect(await access({ maxAgeSeconds: 100_000 })).toBe('challenge expired');
    expect(await access({ acceptRememberedDevice: false })).toBe('challenge missing');
    expect(session).toMatchObject({ assurance: { amr: ['remembered_device'], acr: 'urn:mfa-kit:remembered-device' } });
  });

  it.each([
    { maxAgeSeconds: -1 },
    { maxAgeSeconds: 1.5 },
    { maxAgeSeconds: Number.NaN },
    { maxAgeSeconds: '300' },
    { maxAgeSeconds: null },
    { maxAge: 300 },
    { acceptRememberedDevice: 'no' },
  ])('SUP-6: throws for an invalid requirement: %j', async (requirement) => {
    const { mfa } = createFixture();
    const asked = mfa.checkAccess({ user: ada, session: undefined, requirement: requirement as never });
    await expect(asked).rejects.toMatchObject({ name: 'MfaError' });
  });
});

describe('revocationDelaySeconds', () => {
  it('skips the read for a recent proof, and sees its revocation after the delay', async () => {
    const fixture = await createEnrolled(ada, { revocationDelaySeconds: 60 });
    const { session } = await loginWithCode(fixture);
    const own = await loginWithCode(fixture);
    expectOk(await fixture.mfa.endAllSessions({ user: ada, session: own.session }));
    fixture.clock.advance(-1 * SECOND);
    fixture.resetCounts();
    expect(brief(await fixture.mfa.checkAccess({ user: ada, session }))).toBe('allow otp');
    expect(fixture.counts.reads).toBe(0);
    fixture.clock.advance(2 * SECOND);
    expect(brief(await fixture.mfa.checkAccess({ user: ada, session }))).toBe('challenge revoked');
  });

  it('never applies to a pending state, a remembered device, a step-up, or a proof from the future', async () => {
    const fixture = await createEnrolled(ada, { revocationDelaySeconds: 300 });
    const { session, token } = await loginWithCode(fixture, { rememberDevice: true });
    const remembered = (await fixture.mfa.beginLogin({ user: ada, deviceToken: token })).session;
    const pending = await loginPending(fixture.mfa);
    const future: MfaSession = { ...session, assurance: { ...session.assurance, verifiedAt: fixture.clock.now() + 2 * MINUTE } };
    for (const [state, requirement] of [
      [pending, {}],
      [remembered, {}],
      [session, { maxAgeSeconds: 300 }],
      [future, {}],
    ] as const) {
      fixture.resetCounts();
      await fixture.mfa.checkAccess({ user: ada, session: state, requirement });
      expect(fixture.counts.reads).toBe(1);
    }
  });

  it('does not matter if the policy requires no proof, and then none is claimed', async () => {
    let mfa: Level = 'required';
    const fixture = await createEnrolled(ada, { revocationDelaySeconds: 300, policy: () => ({ mfa }) });
    const { session } = await loginWithCode(fixture);
    mfa = 'off';
    expect(await fixture.mfa.checkAccess({ user: ada, session })).toEqual({ access: 'allow', via: 'not-required' });
  });
});

describe('a policy that returns a promise', () => {
  it.each([0, 300])('is awaited, with a delay of %i seconds', async (revocationDelaySeconds) => {
    let mfa: Level = 'required';
    const policy = async () => ({ mfa });
    const fixture = await createEnrolled(ada, { revocationDelaySeconds, policy });
    const { session } = await loginWithCode(fixture);
    expect(brief(await fixture.mfa.checkAccess({ user: ada, session }))).toBe('allow otp');
    mfa = 'off';
    expect(brief(await fixture.mfa.checkAccess({ user: ada, session }))).toBe('allow not-required');
  });

  it('denies when it rejects, and the error names the option', async () => {
    const policy = () => Promise.reject(new Error('no connection'));
    const { mfa } = createFixture({ policy });
    const asked = mfa.checkAccess({ user: ada, session: undefined });
    await expect(asked).rejects.toMatchObject({ code: 'host_callback_failed', message: expect.stringContaining('"policy"') });
  });
});
