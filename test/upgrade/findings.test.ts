import { createAuthenticator } from '@mfa-kit/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  access,
  begin,
  createPair,
  DAY,
  enroll,
  enrollAnother,
  expectOk,
  HOUR,
  logIn,
  MINUTE,
  type Pair,
  type Person,
  SECOND,
  type Side,
  said,
  sessionOf,
  somebody,
  statusOf,
  wrongCode,
} from './pair.js';
import { type Answer, present, type Release, release1, type User } from './releases.js';
import { type Place, stores } from './stores.js';

const support = (userId: string) => ({ userId, actor: 'support', reason: 'asked' });
const ALLOWED = { old: 'allow: otp', now: 'allow: otp' };

// The stored data is the same in every store. side-by-side.test.ts tests both releases on every store.
describe('UPG-1: data of the present code, with release 1 in between', () => {
  let place: Place;
  let pair: Pair;
  beforeAll(async () => {
    place = (await stores[0]?.open()) as Place;
    pair = await createPair(place);
  });
  afterAll(() => place.close());

  const guess = async (side: Side, { user, app }: Pick<Person, 'user' | 'app'>, salt = 0) =>
    side.verify({ user, session: await begin(side, user), code: wrongCode(app, pair.clock.now(), salt) });
  const recover = async (side: Side, { user }: Pick<Person, 'user'>, recoveryCode: string | undefined) =>
    side.verify({ user, session: await begin(side, user), recoveryCode });

  it('UPG-1, F24: a flood of wrong recovery codes at either release does not block a right one at the present code', async () => {
    for (const flooded of [pair.old, pair.now]) {
      const person = await enroll(pair, pair.old);
      const session = await begin(flooded, person.user);
      for (let tries = 0; tries < 110; tries++) {
        await flooded.verify({ user: person.user, session, recoveryCode: '0000-0000-0000-0000-0000-0000' });
      }
      // Release 1 alone refuses it only for the rest of the minute.
      expect(said(await recover(pair.old, person, person.recoveryCodes[0]))).toBe('throttled');
      expect(said(await recover(pair.now, person, person.recoveryCodes[0]))).toBe('ok');
      expect(said(await recover(pair.now, person, person.recoveryCodes[0]))).toBe('invalid_code');
      pair.clock.advance(MINUTE);
      expect(said(await recover(pair.old, person, person.recoveryCodes[0]))).toBe('invalid_code');
      expect(expectOk(await recover(pair.old, person, person.recoveryCodes[1])).recoveryCodesLeft).toBe(8);
      expect(await statusOf(pair.now, person.user)).toMatchObject({ recoveryCodesLeft: 8 });
    }
  });

  it('UPG-1, F18: a set that the present code switched off is off in release 1, which makes a new one', async () => {
    const person = await enroll(pair, pair.old);
    const without = pair.process(present, { recoveryCodes: false });
    expect(said(await recover(without, person, person.recoveryCodes[0]))).toBe('not_allowed');
    const { session } = await logIn(pair, without, person);
    for (const side of [pair.old, pair.now]) {
      expect(said(await recover(side, person, person.recoveryCodes[0])), side.release.name).toBe('invalid_code');
      expect((await statusOf(side, person.user)).recoveryCodesLeft).toBe(0);
    }
    const made = expectOk(await pair.old.regenerateRecoveryCodes({ user: person.user, session }));
    expect(said(await recover(pair.now, person, made.recoveryCodes?.[0]))).toBe('ok');
  });

  it('UPG-1, F84: codes that may not have been seen keep that mark in release 1, until it accepts one or makes new ones', async () => {
    const unsaved = async (person: Person) => (await statusOf(pair.now, person.user)).recoveryCodesUnsaved;
    const ofRelease1 = await enroll(pair, pair.old);
    expect(await unsaved(ofRelease1)).toBeUndefined();
    const used = await enroll(pair, pair.now);
    expect(await unsaved(used)).toBe(true);
    await guess(pair.old, used);
    await logIn(pair, pair.old, used);
    expect(await unsaved(used)).toBe(true);
    expect(said(await recover(pair.old, used, used.recoveryCodes[0]))).toBe('ok');
    expect(await unsaved(used)).toBeUndefined();
    const renewed = await enroll(pair, pair.now);
    const { session } = await logIn(pair, pair.old, renewed);
    const made = expectOk(await pair.old.regenerateRecoveryCodes({ user: renewed.user, session }));
    expect(await unsaved(renewed)).toBeUndefined();
    expect(said(await recover(pair.now, renewed, made.recoveryCodes?.[0]))).toBe('ok');
  });

  describe('UPG-1, F25: many authenticators', () => {
    async function withTen(): Promise<Person> {
      const person = await enroll(pair, pair.old);
      let { session } = await logIn(pair, pair.old, person);
      for (let count = 1; count < 10; count++) {
        if (count === 5) pair.clock.advance(HOUR);
        if (count === 5) session = (await logIn(pair, pair.old, person)).session;
        session = (await enrollAnother(pair, pair.old, { user: person.user, session })).session;
      }
      return person;
    }

    it('of release 1 stay, and wrong codes at the present code cause a wait there of 30 seconds at most', async () => {
      const person = await withTen();
      for (let tries = 0; tries < 5; tries++) await guess(pair.now, person, tries);
      const waits = [(await statusOf(pair.now, person.user)).waitSeconds, (await statusOf(pair.old, person.user)).waitSeconds];
      expect(waits).toEqual([30, 30]);
      pair.clock.advance(30 * SECOND);
      expect(await access(pair, person.user, (await logIn(pair, pair.now, person)).session)).toEqual(ALLOWED);
      expect(await statusOf(pair.now, person.user)).toMatchObject({ authenticators: { length: 10 } });
    });

    it('whose budget release 1 has emptied work again for the owner, in the present code never later than in release 1', async () => {
      const person = await withTen();
      const { device } = await logIn(pair, pair.old, person);
      for (let tries = 0; tries < 6; tries++) {
        await guess(pair.old, person, tries);
        pair.clock.advance(MINUTE);
      }
      const [now, old] = [await statusOf(pair.now, person.user), await statusOf(pair.old, person.user)];
      expect(old.waitSeconds).toBeGreaterThan(44 * 3600);
      expect(now.waitSeconds).toBeLessThanOrEqual(9 * 3600);
      for (const side of [pair.now, pair.old]) {
        expect(await access(pair, person.user, (await logIn(pair, side, person, { token: device.token })).session)).toEqual(
          ALLOWED,
        );
      }
      expect(said(await recover(pair.now, person, person.recoveryCodes[0]))).toBe('ok');
      expectOk(await pair.now.clearLockout(support(person.user.id)));
      expect(await access(pair, person.user, (await logIn(pair, pair.now, person)).session)).toEqual(ALLOWED);
      pair.clock.advance(2 * DAY);
      expect(await access(pair, person.user, (await logIn(pair, pair.old, person)).session)).toEqual(ALLOWED);
    });

    it('and alternating releases never give an attacker more guesses than the present code alone, which is 20 and one each nine hours', async () => {
      const person = await withTen();
      let evaluated = 0;
      for (let tries = 0; tries < 90; tries++) {
        const side = tries % 3 === 0 ? pair.old : pair.now;
        if ((await guess(side, person, tries)).reason === 'invalid_code') evaluated++;
        pair.clock.advance(HOUR);
      }
      expect(evaluated).toBeGreaterThan(5);
      expect(evaluated).toBeLessThanOrEqual(20 + 10 + 1);
      pair.clock.advance(10 * DAY);
      for (const side of [pair.now, pair.old]) {
        expect(await access(pair, person.user, (await logIn(pair, side, person)).session)).toEqual(ALLOWED);
      }
    });
  });

  describe('UPG-1, F26: a first authenticator after 20 wrong codes and a reset', () => {
    async function lockedAndReset(resets: Side): Promise<Person> {
      const person = await enroll(pair, pair.old);
      for (let tries = 0; tries < 21; tries++) {
        await guess(pair.old, person, tries);
        pair.clock.advance(tries < 20 ? 8 * MINUTE : 0);
        if (tries > 8) pair.clock.advance(HOUR);
      }
      expectOk(await resets.resetMfa(support(person.user.id)));
      return person;
    }

    it.each([
      ['release 1', 'the present code', 'the present code'],
      ['the present code', 'release 1', 'the present code'],
      ['the present code', 'the present code', 'the present code'],
    ])('is confirmed: reset by %s, begun by %s, confirmed by %s', async (resets, begins, confirms) => {
      const sideOf = (name: string) => (name === 'release 1' ? pair.old : pair.now);
      const { user } = await lockedAndReset(sideOf(resets));
      const again = await enroll(pair, sideOf(begins), { user, confirms: sideOf(confirms) });
      expect(await access(pair, user, again.session)).toEqual(ALLOWED);
    });

    it('wrong codes at its confirmation are counted separately by each release and do not lock out the user', async () => {
      const user = somebody();
      const session = await begin(pair.now, user);
      const started = expectOk(await pair.now.startEnrollment({ user, session }));
      const app = createAuthenticator(started.enrollment?.uri ?? '');
      const confirm = (side: Side, code: string) =>
        side.confirmEnrollment({ user, session: sessionOf(started), enrollmentId: started.enrollment?.id ?? '', code });
      for (let tries = 0; tries < 4; tries++) {
        for (const side of [pair.now, pair.old]) {
          expect(said(await confirm(side, wrongCode(app, pair.clock.now(), tries)))).toBe('invalid_code');
        }
      }
      const { enrollments, budget } = (await pair.stored(user.id)) as { enrollments: { budget: object }[]; budget: object };
      expect(enrollments[0]?.budget).toMatchObject({ level: 4 });
      expect(budget).toMatchObject({ level: 4 });
      const confirmed = expectOk(await confirm(pair.old, app.code(pair.clock.now())));
      expect(await access(pair, user, sessionOf(confirmed))).toEqual(ALLOWED);
      expect(await pair.stored(user.id)).toMatchObject({ enrollments: [] });
    });
  });

  describe('UPG-1, F31: clocks that differ', () => {
    const hours = (ahead: number) => ({ clock: () => pair.clock.now() + ahead * HOUR });

    /** How many of 60 guesses are evaluated if two processes alternate and the clock of one is ahead. */
    async function evaluatedBy(behind: Release, ahead: Release): Promise<number> {
      const [one, other] = [pair.process(behind, {}), pair.process(ahead, hours(24))];
      const person = await enroll(pair, one);
      let evaluated = 0;
      for (let tries = 0; tries < 60; tries++) {
        if ((await guess(tries % 2 ? other : one, person, tries)).reason === 'invalid_code') evaluated++;
      }
      return evaluated;
    }

    it('never allow more guesses at the present code, and together with release 1 never more than at release 1 alone', async () => {
      const alone = await evaluatedBy(release1, release1);
      expect(alone).toBeGreaterThan(20);
      expect(await evaluatedBy(present, present)).toBeLessThanOrEqual(20);
      expect(await evaluatedBy(release1, present)).toBeLessThanOrEqual(alone);
      expect(await evaluatedBy(present, release1)).toBeLessThanOrEqual(alone);
    });

    it('do not lock out the owner, who can use a known browser or a recovery code, and support can clear the rest at either release', async () => {
      const person = await enroll(pair, pair.old);
      const { device } = await logIn(pair, pair.old, person);
      const ahead = pair.process(present, hours(24 * 30));
      for (let tries = 0; tries < 5; tries++) await guess(ahead, person, tries);
      for (const side of [pair.now, pair.old]) {
        expect(await access(pair, person.user, (await logIn(pair, side, person, { token: device.token })).session)).toEqual(
          ALLOWED,
        );
      }
      expect(said(await recover(pair.now, person, person.recoveryCodes[0]))).toBe('ok');
      expect(said(await recover(pair.old, person, person.recoveryCodes[1]))).toBe('ok');
      for (const [helps, then] of [
        [pair.old, pair.now],
        [pair.now, pair.old],
      ] as const) {
        expectOk(await helps.clearLockout(support(person.user.id)));
        expect(await access(pair, person.user, (await logIn(pair, then, person)).session)).toEqual(ALLOWED);
      }
    });

    it('a mark that release 1 carried through its own charges still holds in the present code', async () => {
      const person = await enroll(pair, pair.now);
      const ahead = pair.process(present, hours(24));
      for (let tries = 0; tries < 5; tries++) await guess(ahead, person, tries);
      const before = (await pair.stored(person.user.id)) as { budget: { highWaterAt: number } };
      await guess(pair.old, person, 6);
      const after = (await pair.stored(person.user.id)) as { budget: { highWaterAt: number } };
      expect(after.budget.highWaterAt).toBe(before.budget.highWaterAt);
    });
  });

  it('UPG-1, F78: a record from before an enrollment does not undo it, whichever release reset it', async () => {
    for (const resets of [pair.old, pair.now]) {
      const marks = new Map<string, boolean>();
      const markEnrolled = (userId: string, enrolled: boolean) => void marks.set(userId, enrolled);
      const [old, now] = [pair.process(release1, { markEnrolled }), pair.process(present, { markEnrolled })];
      const { user } = await enroll(pair, old);
      expectOk(await (resets === pair.old ? old : now).resetMfa(support(user.id)));
      const snapshot = await pair.row(user.id);
      await enroll(pair, now, { user });
      expect(marks.get(user.id)).toBe(true);
      const stored = await pair.row(user.id);
      expect(await pair.storages.old.write(user.id, snapshot, stored.version)).toBe(true);
      const remembered = { ...user, enrolled: true };
      // A mark that release 1 wrote counts for a week, as in release 1 alone.
      const expected = resets === pair.old ? 'enroll' : 'refuse';
      for (const side of [now, old]) {
        expect((await side.beginLogin({ user: remembered })).decision.access, side.release.name).toBe(expected);
        await pair.storages.old.write(user.id, snapshot, (await pair.row(user.id)).version);
      }
    }
  });

  describe('UPG-1, F17: a device that was revoked', () => {
    /** A user with a browser whose session and token are from the present code, and with a session for management. */
    async function withStolen() {
      const person = await enroll(pair, pair.old);
      const stolen = await logIn(pair, pair.now, person, { remember: true });
      const remembered = await pair.now.beginLogin({ user: person.user, deviceToken: stolen.device.token });
      const own = await logIn(pair, pair.now, person);
      return { person, stolen, remembered, own };
    }

    it('by the present code ends the sessions that came from it there, regardless of release 1', async () => {
      const { person, stolen, remembered, own } = await withStolen();
      const { user } = person;
      expectOk(await pair.now.revokeDevice({ user, session: own.session, deviceId: stolen.device.deviceId }));
      const look = async () => {
        // Release 1 alone lets the session continue.
        expect(await access(pair, user, stolen.session)).toEqual({ old: 'allow: otp', now: 'challenge: revoked' });
        expect(await access(pair, user, remembered.session)).toEqual({ old: 'challenge: revoked', now: 'challenge: revoked' });
        expect(said(await pair.now.startEnrollment({ user, session: stolen.session }))).toBe('assurance_required');
      };
      await look();
      const other = await logIn(pair, pair.old, person, { remember: true });
      await look();
      await pair.old.revokeDevice({ user, session: other.session, deviceId: other.device.deviceId });
      await guess(pair.old, person);
      await recover(pair.old, person, person.recoveryCodes[0]);
      await enrollAnother(pair, pair.old, { user, session: (await logIn(pair, pair.old, person)).session });
      await look();
      expectOk(await pair.old.passwordChanged({ userId: user.id, keep: stolen.session }));
      expect((await access(pair, user, stolen.session)).now).toBe('challenge: revoked');
    });

    it('by the present code stays ended for a session that release 1 kept over a new password', async () => {
      const { person, stolen, own } = await withStolen();
      const { user } = person;
      expectOk(await pair.now.revokeDevice({ user, session: own.session, deviceId: stolen.device.deviceId }));
      const kept = expectOk(await pair.old.passwordChanged({ userId: user.id, keep: stolen.session }));
      expect(await access(pair, user, kept.session)).toEqual({ old: 'allow: otp', now: 'challenge: revoked' });
    });

    it('does not end a session of release 1, which names no device, or a session that was proven again', async () => {
      const { person, stolen, own } = await withStolen();
      const { user } = person;
      const older = await logIn(pair, pair.old, person, { token: stolen.device.token });
      expectOk(await pair.now.revokeDevice({ user, session: own.session, deviceId: stolen.device.deviceId }));
      expect(await access(pair, user, older.session)).toEqual(ALLOWED);
      for (const side of [pair.old, pair.now]) {
        pair.clock.advance(MINUTE);
        const code = person.app.code(pair.clock.now());
        const proven = expectOk(await side.verify({ user, session: stolen.session, code }));
        expect(await access(pair, user, proven.session), side.release.name).toEqual(ALLOWED);
      }
    });

    it('by release 1 is not remembered by either release, and its other sessions continue as in release 1', async () => {
      const { person, stolen, remembered, own } = await withStolen();
      const { user } = person;
      expectOk(await pair.old.revokeDevice({ user, session: own.session, deviceId: stolen.device.deviceId }));
      expect(await access(pair, user, remembered.session)).toEqual({ old: 'challenge: revoked', now: 'challenge: revoked' });
      expect(await access(pair, user, stolen.session)).toEqual(ALLOWED);
    });

    it('and more of them than the list holds end everything from before at both releases', async () => {
      const { person, stolen } = await withStolen();
      const { user } = person;
      const ended = [stolen.session];
      let { session } = stolen;
      for (let count = 0; count < 33; count++) {
        const lost = await logIn(pair, count % 2 ? pair.old : pair.now, person, { remember: true });
        ended.push((await logIn(pair, pair.old, person)).session);
        session = (await logIn(pair, pair.now, person)).session;
        session = sessionOf(expectOk(await pair.now.revokeDevice({ user, session, deviceId: lost.device.deviceId })));
      }
      for (const before of ended) {
        expect(await access(pair, user, before)).toEqual({ old: 'challenge: revoked', now: 'challenge: revoked' });
      }
      expect(await access(pair, user, session)).toEqual(ALLOWED);
    });

    it('from its own session leaves a session that both releases challenge', async () => {
      const { person, stolen } = await withStolen();
      const { user } = person;
      pair.clock.advance(MINUTE);
      const code = person.app.code(pair.clock.now());
      const session = sessionOf(
        expectOk(await pair.now.verify({ user, session: stolen.session, code, deviceToken: stolen.device.token })),
      );
      const ended = sessionOf(expectOk(await pair.now.revokeDevice({ user, session, deviceId: stolen.device.deviceId })));
      expect(await access(pair, user, ended)).toEqual({ old: 'challenge: missing', now: 'challenge: missing' });
      for (const side of [pair.old, pair.now]) {
        pair.clock.advance(MINUTE);
        const proven = await side.verify({ user, session: ended, code: person.app.code(pair.clock.now()) });
        expect(await access(pair, user, expectOk(proven).session), side.release.name).toEqual(ALLOWED);
      }
    });

    it('that was remembered at one release and again at the other counts by the last one', async () => {
      const { person, stolen } = await withStolen();
      let { token } = stolen.device;
      for (const side of [pair.old, pair.now, pair.old]) {
        token = (await logIn(pair, side, person, { remember: true, token })).device?.token ?? token;
        for (const other of [pair.now, pair.old]) {
          pair.clock.advance(HOUR);
          const begun = await other.beginLogin({ user: person.user, deviceToken: token });
          expect(begun.decision.access, `${side.release.name}, then ${other.release.name}`).toBe('allow');
          token = begun.device?.token ?? token;
        }
      }
    });
  });

  describe('UPG-1, F29: a deadline that support has set', () => {
    const policy = () => ({ mfa: 'required', enrollBy: pair.clock.now() - DAY });
    const processes = () => ({ old: pair.process(release1, { policy }), now: pair.process(present, { policy }) });
    const extend = (user: User) => {
      const kit = processes().now as unknown as { setEnrollBy(input: object): Promise<Answer> };
      return kit.setEnrollBy({ ...support(user.id), enrollBy: pair.clock.now() + 14 * DAY });
    };
    const said = async (user: User) => {
      const { old, now } = processes();
      return { old: (await old.beginLogin({ user })).decision.access, now: (await now.beginLogin({ user })).decision.access };
    };

    it('applies in the present code, while release 1 requires the enrollment as before', async () => {
      const user = somebody();
      await processes().old.beginLogin({ user });
      expectOk(await extend(user));
      expect(await said(user)).toEqual({ old: 'enroll', now: 'allow' });
      expectOk(await processes().now.passwordChanged({ userId: user.id }));
      expect(await said(user)).toEqual({ old: 'enroll', now: 'allow' });
      pair.clock.advance(15 * DAY);
      expect(await said(user)).toEqual({ old: 'enroll', now: 'enroll' });
    });

    it('ends with an enrollment and with a reset, also when release 1 did both', async () => {
      for (const enrolls of ['old', 'now'] as const) {
        for (const resets of ['old', 'now'] as const) {
          const user = somebody();
          await processes().old.beginLogin({ user });
          expectOk(await extend(user));
          await enroll(pair, processes()[enrolls], { user });
          expectOk(await processes()[resets].resetMfa(support(user.id)));
          expect(await said(user), `enrolled at ${enrolls}, reset at ${resets}`).toEqual({ old: 'enroll', now: 'enroll' });
        }
      }
    });

    it('ends with a reset by either release before there was an enrollment', async () => {
      for (const resets of ['old', 'now'] as const) {
        const user = somebody();
        await processes().old.beginLogin({ user });
        expectOk(await extend(user));
        expectOk(await processes()[resets].resetMfa(support(user.id)));
        expect(await said(user), resets).toEqual({ old: 'enroll', now: 'enroll' });
      }
    });
  });
});
