import { describe, expect, it } from 'vitest';
import type { Device } from '../../../../packages/core/src/profile/device.js';
import type { Profile } from '../../../../packages/core/src/profile/profile.js';
import { peek, poke } from '../../../faults/core-faulty-storage.js';
import {
  ada,
  createAuthenticator,
  createEnrolled,
  createFixture,
  DAY,
  type Enrolled,
  enrollAnother,
  expectOk,
  HOUR,
  loginPending,
  loginWithCode,
  MINUTE,
  reasonOf,
  SECOND,
  wrongCode,
} from '../../../support/core-fixture.js';

const YEAR = 365 * DAY;
const T = 1_800_000_000_000;

/** Any change of the profile: a login by code from a new browser. */
async function write(fixture: Enrolled): Promise<void> {
  await loginWithCode(fixture);
}

const access = async (fixture: Enrolled, deviceToken: string) =>
  (await fixture.mfa.beginLogin({ user: ada, deviceToken })).decision.access;

describe('F32: after a clock was a year ahead for a moment', () => {
  it.each([
    ['once', [65 * DAY]],
    ['each month', Array.from({ length: 12 }, () => 30 * DAY)],
  ])('DEV-6: a device remembered then is not valid again on day 394, if the user logged in %s', async (_, pauses) => {
    const fixture = await createEnrolled();
    const begin = fixture.clock.now();
    fixture.clock.advance(YEAR);
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    fixture.clock.advance(-YEAR);
    expect(await access(fixture, token)).toBe('challenge');
    for (const pause of pauses) {
      fixture.clock.advance(pause);
      await write(fixture);
    }
    fixture.clock.set(begin + 394 * DAY);
    expect(await access(fixture, token)).toBe('challenge');
    const { devices } = expectOk(await fixture.mfa.getStatus({ user: ada })).status;
    expect(devices.some(({ rememberedUntil }) => rememberedUntil !== undefined)).toBe(false);
  });

  it('DEV-6: a lead of a minute does not matter', async () => {
    const fixture = await createEnrolled();
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    fixture.clock.advance(-60 * SECOND);
    const code = wrongCode(fixture.authenticator, fixture.clock.now());
    await fixture.mfa.verify({ user: ada, session: await loginPending(fixture.mfa), proof: { kind: 'totp', code } });
    fixture.clock.advance(60 * SECOND);
    expect(await access(fixture, token)).toBe('allow');
  });

  it('T28: a token that was retired then does not work again a year later', async () => {
    const fixture = await createEnrolled();
    fixture.clock.advance(YEAR);
    const first = await loginWithCode(fixture, { rememberDevice: true });
    const { device: second } = await fixture.mfa.beginLogin({ user: ada, deviceToken: first.token });
    await fixture.mfa.beginLogin({ user: ada, deviceToken: second?.token ?? '' });
    expect((await peek(fixture.storage, ada.id))?.devices[0]?.retiring).toHaveLength(1);
    fixture.clock.advance(-YEAR);
    await write(fixture);
    const kept = (await peek(fixture.storage, ada.id))?.devices.find(({ id }) => id === first.deviceId);
    expect(kept?.retiring).toEqual([]);
  });

  it('ENR-4: an enrollment begun then is not open a year later', async () => {
    const fixture = await createEnrolled();
    fixture.clock.advance(YEAR);
    const { session } = await loginWithCode(fixture);
    const started = expectOk(await fixture.mfa.startEnrollment({ user: ada, session }));
    fixture.clock.advance(-YEAR);
    await write(fixture);
    fixture.clock.advance(YEAR - 30 * SECOND);
    const code = createAuthenticator(started.enrollment.uri).code(fixture.clock.now());
    const given = {
      user: ada,
      session: started.session,
      enrollmentId: started.enrollment.id,
      proof: { kind: 'totp' as const, code },
    };
    expect(reasonOf(await fixture.mfa.confirmEnrollment(given))).toBe('enrollment_expired');
  });

  it('a browser used then is not the last one that is dropped for age', async () => {
    const fixture = await createEnrolled();
    fixture.clock.advance(YEAR);
    const old = await loginWithCode(fixture);
    fixture.clock.advance(-YEAR);
    for (let login = 0; login < 21; login++) {
      fixture.clock.advance(HOUR);
      await loginWithCode(fixture);
    }
    const { devices } = expectOk(await fixture.mfa.getStatus({ user: ada })).status;
    expect(devices).toHaveLength(20);
    expect(devices.map(({ id }) => id)).not.toContain(old.deviceId);
  });

  it('T34: a reset then does not explain a missing record a year later', async () => {
    const fixture = await createEnrolled();
    const enrolled = { ...ada, enrolled: true };
    await poke(fixture.storage, ada.id, (profile) => ({
      ...profile,
      authenticators: [],
      unenrolledAt: fixture.clock.now() + YEAR,
    }));
    const decision = async () => (await fixture.mfa.beginLogin({ user: enrolled })).decision.access;
    expect(await decision()).toBe('refuse');
    const { session } = await fixture.mfa.beginLogin({ user: ada });
    expectOk(await fixture.mfa.startEnrollment({ user: ada, session }));
    fixture.clock.advance(YEAR);
    expect(await decision()).toBe('refuse');
  });

  it('a mark of a restored backup does not keep a later restore from being handled', async () => {
    const fixture = await createEnrolled();
    await poke(fixture.storage, ada.id, (profile) => ({ ...profile, restoredAt: fixture.clock.now() + YEAR }));
    expect(await fixture.mfa.afterRestore()).toMatchObject({ handled: 1, already: 0 });
    expect((await peek(fixture.storage, ada.id))?.restoredAt).toBe(fixture.clock.now());
  });

  it('SES-5: pending tokens used then do not fill the current list', async () => {
    const fixture = await createEnrolled();
    const usedTokens = Array.from({ length: 32 }, (_, index) => ({ id: `t${index}`, expiresAt: fixture.clock.now() + YEAR }));
    await poke(fixture.storage, ada.id, (profile) => ({ ...profile, usedTokens }));
    const { pendingToken = '' } = await fixture.mfa.beginLogin({ user: ada });
    const { session } = expectOk(await fixture.mfa.openPendingToken(pendingToken));
    const code = fixture.authenticator.code(fixture.clock.now());
    expect(reasonOf(await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code } }))).toBe('ok');
  });

  it('a device token and a pending token signed then do not work before their time', async () => {
    const fixture = await createEnrolled();
    fixture.clock.advance(YEAR);
    const { token } = await loginWithCode(fixture, { rememberDevice: true });
    const { pendingToken = '' } = await fixture.mfa.beginLogin({ user: ada });
    fixture.clock.advance(-YEAR);
    expect(reasonOf(await fixture.mfa.openPendingToken(pendingToken))).toBe('pending_token_invalid');
    expect(await access(fixture, token)).toBe('challenge');
    expect(fixture.events.some((event) => event.name === 'device_refused' && event.why === 'invalid')).toBe(true);
  });
});

/**
 * Every instant of a profile, and what happens at the next write to one that is a year ahead. `goes`: dropped. `now`: dated now. `stays`:
 * it is still needed, or only shown.
 */
const INSTANTS: Record<string, 'goes' | 'now' | 'stays'> = {
  'authenticators.createdAt': 'stays', // shown
  'authenticators.lastUsedAt': 'stays', // shown, and compared within ten seconds
  'enrollments.startedAt': 'goes',
  'enrollments.expiresAt': 'goes',
  'enrollments.budget.*': 'goes', // with the enrollment
  enrollmentStarts: 'goes',
  'recoveryCodes.createdAt': 'stays', // a proof that is older makes no new set: at worst one more proof
  'recoveryCodes.lastUsed.at': 'stays', // compared within ten seconds
  'recoveryTries.since': 'stays', // ahead it is no running minute
  'devices.firstUsedAt': 'now',
  'devices.lastUsedAt': 'now',
  'devices.rememberedUntil': 'goes',
  'devices.rememberedAt': 'goes',
  'devices.rememberedBy.at': 'goes',
  'devices.retiring.successorShownAt': 'goes',
  'devices.next.mintedAt': 'now',
  'devices.budget.*': 'stays', // a budget forgets nothing
  'budget.*': 'stays',
  'wrongCodes.at': 'stays', // wrong codes are never forgotten early, and the list is bounded
  'wrongCodes.known': 'stays',
  'wrongCodes.toldAt': 'stays', // ahead it is within no day
  'usedTokens.expiresAt': 'stays', // goes when the list is full
  enrollBy: 'stays', // lies ahead by its nature
  unenrolledAt: 'goes',
  restoredAt: 'stays', // ahead it marks nothing
};

it('F32: every instant in a profile is in this list, and is handled as listed', async () => {
  const fixture = await createEnrolled();
  const { clock } = fixture;
  const { token } = await loginWithCode(fixture, { rememberDevice: true });
  const ahead = clock.now() + YEAR;
  const budget = {
    quick: 1,
    lastWrongAt: ahead,
    level: 1,
    levelAt: ahead,
    highWaterAt: ahead,
    halfReportedAt: ahead,
    fullReportedAt: ahead,
  };
  await poke(fixture.storage, ada.id, (profile): Profile => {
    const [authenticator] = profile.authenticators;
    const [device] = profile.devices as [Device];
    if (!authenticator) throw new Error('no authenticator');
    return {
      ...profile,
      authenticators: [{ ...authenticator, createdAt: ahead, lastUsedAt: ahead }],
      enrollments: [
        {
          id: 'e',
          kind: 'totp',
          name: 'n',
          startedAt: ahead,
          expiresAt: ahead,
          steppedUp: true,
          budget,
          data: authenticator.data,
        },
      ],
      enrollmentStarts: [ahead],
      recoveryCodes: profile.recoveryCodes && {
        ...profile.recoveryCodes,
        createdAt: ahead,
        lastUsed: { digest: 'd', at: ahead },
      },
      recoveryTries: { since: ahead, count: 1 },
      devices: [
        device,
        {
          ...device,
          id: 'ahead',
          firstUsedAt: ahead,
          lastUsedAt: ahead,
          rememberedAt: ahead,
          rememberedUntil: ahead,
          rememberedBy: { via: 'otp', at: ahead },
          retiring: [{ id: 'r', successorShownAt: ahead }],
          next: { id: 'n', mintedAt: ahead },
          budget,
        },
      ],
      budget,
      wrongCodes: { at: [ahead], known: [ahead], toldAt: ahead },
      usedTokens: [{ id: 't', expiresAt: ahead }],
      enrollBy: ahead,
      unenrolledAt: ahead,
      restoredAt: ahead,
    };
  });
  const before = instantsOf(await peek(fixture.storage, ada.id));
  expect([...before.keys()].sort()).toEqual(Object.keys(INSTANTS).sort());

  await fixture.mfa.beginLogin({ user: ada, deviceToken: token });
  const profile = await peek(fixture.storage, ada.id);
  const after = instantsOf(profile && { ...profile, devices: profile.devices.filter(({ id }) => id === 'ahead') });
  for (const [name, fate] of Object.entries(INSTANTS)) {
    const latest = Math.max(...(after.get(name) ?? []));
    if (fate === 'goes') expect(latest, name).toBeLessThan(ahead);
    if (fate === 'now') expect(latest, name).toBe(clock.now());
    if (fate === 'stays') expect(latest, name).toBe(ahead);
  }
});

/** The instants of a profile by name; budgets as one. */
function instantsOf(value: unknown, name = '', found = new Map<string, number[]>()): Map<string, number[]> {
  if (typeof value === 'number' && value > T) {
    const shown = name.replace(/budget\..*/, 'budget.*');
    found.set(shown, [...(found.get(shown) ?? []), value]);
  }
  if (typeof value !== 'object' || value === null) return found;
  for (const [key, inner] of Object.entries(value)) {
    if (key !== 'closed') instantsOf(inner, Array.isArray(value) ? name : name ? `${name}.${key}` : key, found);
  }
  return found;
}

it('F32: an operator’s call from a machine whose clock is behind drops nothing', async () => {
  const fixture = await createEnrolled();
  const { token } = await loginWithCode(fixture, { rememberDevice: true });
  const script = createFixture({ storage: fixture.storage, clock: () => fixture.clock.now() - DAY });
  await script.mfa.clearLockout({ userId: ada.id, actor: 'support', reason: 'asked' });
  await script.mfa.rotateKeys();
  expect(await access(fixture, token)).toBe('allow');
});

it('a clock ahead by less than a minute changes nothing', async () => {
  const fixture = await createEnrolled();
  await loginWithCode(fixture, { rememberDevice: true });
  await enrollAnother(fixture, (await loginWithCode(fixture)).session);
  const before = await peek(fixture.storage, ada.id);
  fixture.clock.advance(-MINUTE);
  const code = wrongCode(fixture.authenticator, fixture.clock.now());
  await fixture.mfa.verify({ user: ada, session: await loginPending(fixture.mfa), proof: { kind: 'totp', code } });
  expect((await peek(fixture.storage, ada.id))?.devices).toEqual(before?.devices);
});
