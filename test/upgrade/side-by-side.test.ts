import { createAuthenticator } from '@mfa-kit/core/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWith } from '../support/requires.js';
import {
  access,
  begin,
  createPair,
  DAY,
  enroll,
  enrollAnother,
  expectOk,
  HOUR,
  KEY,
  logIn,
  MINUTE,
  OTHER_KEY,
  orders,
  type Pair,
  SECOND,
  type Side,
  said,
  sessionOf,
  somebody,
  statusOf,
  throughStore,
  wrongCode,
} from './pair.js';
import { stores } from './stores.js';

const ALLOWED = { old: 'allow: otp', now: 'allow: otp' };
const REVOKED = { old: 'challenge: revoked', now: 'challenge: revoked' };

for (const store of stores) {
  const place = await store.open();
  describeWith(place, `UPG-1: both releases on one ${store.name}`, (opened) => {
    let pair: Pair;
    beforeAll(async () => {
      pair = await createPair(opened);
    });
    afterAll(() => opened.close());

    describe.each(orders)('$first begins, $second continues', ({ first, second }) => {
      const sides = () => ({ one: pair[first], other: pair[second] });

      it('a login begun by one is proven at the other, and its code is used at both', async () => {
        const { one, other } = sides();
        const person = await enroll(pair, one);
        const { user } = person;
        pair.clock.advance(MINUTE);
        const session = await begin(one, user);
        const code = person.app.code(pair.clock.now());
        const proven = sessionOf(expectOk(await other.verify({ user, session, code })));
        expect(await access(pair, user, proven)).toEqual(ALLOWED);
        expect(await access(pair, user, proven, { maxAgeSeconds: 300 })).toEqual(ALLOWED);
        for (const side of [one, other]) {
          expect(said(await side.verify({ user, session: await begin(side, user), code })), side.release.name).toBe(
            'invalid_code',
          );
        }
        expect(await access(pair, user, session)).toEqual({ old: 'challenge: missing', now: 'challenge: missing' });
      });

      it('an enrollment begun by one is shown and confirmed by the other, once', async () => {
        const { one, other } = sides();
        const user = somebody();
        const started = expectOk(await one.startEnrollment({ user, session: await begin(one, user), name: 'Phone' }));
        const session = sessionOf(started);
        const { id, uri, manualKey, expiresAt } = started.enrollment ?? {};
        expect(expectOk(await other.currentEnrollment({ user, session })).enrollment).toMatchObject({
          id,
          uri,
          manualKey,
          expiresAt,
        });
        const app = createAuthenticator(started.enrollment?.uri ?? '');
        const sent = { user, session, enrollmentId: started.enrollment?.id ?? '', code: app.code(pair.clock.now()) };
        const confirmed = expectOk(await other.confirmEnrollment(sent));
        expect(confirmed.recoveryCodes).toHaveLength(10);
        expect(said(await one.confirmEnrollment(sent))).toBe('already_confirmed');
        expect(await access(pair, user, sessionOf(confirmed))).toEqual(ALLOWED);
        const [recoveryCode] = confirmed.recoveryCodes ?? [];
        expect(expectOk(await one.verify({ user, session: await begin(one, user), recoveryCode })).recoveryCodesLeft).toBe(9);
        expect(await statusOf(one, user)).toMatchObject(await sharedStatus(other, user));
      });

      it('a remembered device can be used alternately, and each release rotates the token of the other', async () => {
        const { one, other } = sides();
        const person = await enroll(pair, one);
        const { user } = person;
        let { token } = (await logIn(pair, one, person, { remember: true })).device;
        const retired = token;
        for (const side of [other, one, other, one]) {
          pair.clock.advance(2 * DAY);
          const begun = await side.beginLogin({ user, deviceToken: token });
          expect(begun.decision, side.release.name).toMatchObject({ access: 'allow', via: 'remembered-device' });
          expect(await access(pair, user, begun.session)).toEqual({
            old: 'allow: remembered-device',
            now: 'allow: remembered-device',
          });
          expect(await access(pair, user, begun.session, { maxAgeSeconds: 300 })).toEqual({
            old: 'challenge: expired',
            now: 'challenge: expired',
          });
          token = begun.device?.token ?? '';
          expect(token).not.toBe('');
        }
        // The first token was stolen. Presented at either release, it ends the device at both.
        pair.events.length = 0;
        expect((await other.beginLogin({ user, deviceToken: retired })).decision.access).toBe('challenge');
        expect(pair.events.map(({ name }) => name)).toContain('device_token_reused');
        for (const side of [one, other]) {
          expect((await side.beginLogin({ user, deviceToken: token })).decision.access, side.release.name).toBe('challenge');
        }
      });

      it('a lost answer between the releases does not count as theft', async () => {
        const { one, other } = sides();
        const person = await enroll(pair, one);
        const { user } = person;
        const { token } = (await logIn(pair, one, person, { remember: true })).device;
        for (const side of [other, one, other]) {
          pair.clock.advance(HOUR);
          // The answer of the login never arrives, so the browser presents the same token again.
          expect((await side.beginLogin({ user, deviceToken: token })).decision.access, side.release.name).toBe('allow');
        }
      });

      it('a recovery code counts once at both, and a new set replaces the old one at both', async () => {
        const { one, other } = sides();
        const person = await enroll(pair, one);
        const { user, recoveryCodes } = person;
        const byCode = async (side: typeof one, recoveryCode = '') =>
          side.verify({ user, session: await begin(side, user), recoveryCode });
        const used = expectOk(await byCode(one, recoveryCodes[0]));
        expect(said(await byCode(other, recoveryCodes[0]))).toBe('invalid_code');
        expect(expectOk(await byCode(other, recoveryCodes[1])).recoveryCodesLeft).toBe(8);
        expect(said(await byCode(one, recoveryCodes[1]))).toBe('invalid_code');
        expect(await access(pair, user, sessionOf(used))).toEqual({ old: 'allow: recovery-code', now: 'allow: recovery-code' });
        const { session } = await logIn(pair, one, person);
        const renewed = expectOk(await other.regenerateRecoveryCodes({ user, session }));
        expect(said(await byCode(one, recoveryCodes[2]))).toBe('invalid_code');
        expect(expectOk(await byCode(one, renewed.recoveryCodes?.[0])).recoveryCodesLeft).toBe(9);
        expect(said(await byCode(other, recoveryCodes[3]))).toBe('invalid_code');
      });

      it('a new password at one ends sessions and remembered devices at the other, except for the session that is kept', async () => {
        const { one, other } = sides();
        const person = await enroll(pair, other);
        const { user } = person;
        const stolen = await logIn(pair, other, person, { remember: true });
        const own = await logIn(pair, other, person);
        const pending = await begin(other, user);
        const kept = expectOk(await one.passwordChanged({ userId: user.id, keep: own.session }));
        expect(await access(pair, user, stolen.session)).toEqual(REVOKED);
        expect(await access(pair, user, pending)).toEqual({ old: 'login-again', now: 'login-again' });
        expect(await access(pair, user, sessionOf(kept))).toEqual(ALLOWED);
        expect((await other.beginLogin({ user, deviceToken: stolen.device.token })).decision.access).toBe('challenge');
        expect(await access(pair, user, (await logIn(pair, other, person)).session)).toEqual(ALLOWED);
      });

      it('all sessions ended at one are ended at the other', async () => {
        const { one, other } = sides();
        const person = await enroll(pair, other);
        const { user } = person;
        const stolen = await logIn(pair, other, person, { remember: true });
        const own = await logIn(pair, one, person);
        const ended = expectOk(await one.endAllSessions({ user, session: own.session }));
        expect(await access(pair, user, stolen.session)).toEqual(REVOKED);
        expect(await access(pair, user, own.session)).toEqual(REVOKED);
        expect(await access(pair, user, sessionOf(ended))).toEqual(ALLOWED);
        expect((await other.beginLogin({ user, deviceToken: stolen.device.token })).decision.access).toBe('challenge');
      });

      it('a device revoked at one is unknown at the other', async () => {
        const { one, other } = sides();
        const person = await enroll(pair, other);
        const { user } = person;
        const lost = await logIn(pair, other, person, { remember: true });
        const remembered = await other.beginLogin({ user, deviceToken: lost.device.token });
        const own = await logIn(pair, other, person);
        expectOk(await one.revokeDevice({ user, session: own.session, deviceId: lost.device.deviceId }));
        for (const side of [one, other]) {
          const { decision } = await side.beginLogin({ user, deviceToken: remembered.device?.token ?? '' });
          expect(decision.access, side.release.name).toBe('challenge');
        }
        expect((await access(pair, user, remembered.session)).old).toBe('challenge: revoked');
        expect((await access(pair, user, remembered.session)).now).toBe('challenge: revoked');
        expect(await access(pair, user, own.session)).toEqual(ALLOWED);
      });

      it('a reset by one release counts at the other, where the user enrolls again', async () => {
        const { one, other } = sides();
        const person = await enroll(pair, other);
        const { user } = person;
        const before = await logIn(pair, other, person, { remember: true });
        expectOk(await one.resetMfa({ userId: user.id, actor: 'support', reason: 'phone lost' }));
        expect(await access(pair, user, before.session)).toEqual({ old: 'login-again', now: 'login-again' });
        const { decision } = await other.beginLogin({ user, deviceToken: before.device.token });
        expect(decision.access).toBe('enroll');
        const again = await enroll(pair, other, { user, confirms: one });
        expect(again.recoveryCodes).toHaveLength(10);
        expect(said(await one.verify({ user, session: await begin(one, user), recoveryCode: person.recoveryCodes[0] }))).toBe(
          'invalid_code',
        );
        expect(await access(pair, user, again.session)).toEqual(ALLOWED);
        expect(await access(pair, user, (await logIn(pair, one, again)).session)).toEqual(ALLOWED);
      });

      it('a host that missed a reset is notified again by the other', async () => {
        const marks: boolean[] = [];
        let deaf = false;
        const markEnrolled = (_userId: string, enrolled: boolean) => {
          if (deaf) throw new Error('the database of the host is down');
          marks.push(enrolled);
        };
        const [one, other] = [first, second].map((side) => pair.process(pair[side].release, { markEnrolled })) as [Side, Side];
        const { user } = await enroll(pair, other);
        deaf = true;
        // Release 1 answers that it is done, and the present code throws because the host did not get the call.
        await one
          .resetMfa({ userId: user.id, actor: 'support', reason: 'phone lost' })
          .catch(({ code }) => expect(code).toBe('not_done'));
        deaf = false;
        const { decision } = await other.beginLogin({ user: { ...user, enrolled: true } });
        expect(decision.access).toBe('enroll');
        expect(marks).toEqual([true, false]);
      });

      it('wrong codes at both share one budget', async () => {
        const { one, other } = sides();
        const person = await enroll(pair, one);
        const { user } = person;
        const known = await logIn(pair, one, person);
        const guess = async (side: typeof one, salt: number) =>
          side.verify({ user, session: await begin(side, user), code: wrongCode(person.app, pair.clock.now(), salt) });
        for (let tries = 0; tries < 5; tries++) expect(said(await guess(tries % 2 ? other : one, tries))).toBe('invalid_code');
        const waits = [await guess(one, 5), await guess(other, 6)];
        expect(waits.map(said)).toEqual(['throttled', 'throttled']);
        expect(waits[0]?.retryAfterSeconds).toBe(waits[1]?.retryAfterSeconds);
        // The owner's browser is known and has its own budget, at both.
        for (const side of [other, one]) {
          pair.clock.advance(5 * SECOND);
          expect(await access(pair, user, (await logIn(pair, side, person, { token: known.device.token })).session)).toEqual(
            ALLOWED,
          );
        }
        // The budget is exact: after an hour, a right code from an unknown browser counts at the other.
        pair.clock.advance(HOUR);
        expect(await access(pair, user, (await logIn(pair, other, person)).session)).toEqual(ALLOWED);
      });

      // This depends on the policy and not on the store.
      it.runIf(store.name === 'SQLite')(
        'an attacker who alternates does not get more guesses than at one release alone',
        async () => {
          const { one, other } = sides();
          const person = await enroll(pair, one);
          const { user } = person;
          const evaluated = { all: 0 };
          for (let tries = 0; tries < 60; tries++) {
            const side = tries % 2 ? other : one;
            const answer = await side.verify({
              user,
              session: await begin(side, user),
              code: wrongCode(person.app, pair.clock.now(), tries),
            });
            if (answer.reason === 'invalid_code') evaluated.all++;
            pair.clock.advance(HOUR);
          }
          // Twenty in the bucket, and one back each nine hours: 60 hours give six more, and one more is on its way.
          expect(evaluated.all).toBeGreaterThanOrEqual(20);
          expect(evaluated.all).toBeLessThanOrEqual(27);
          const { waitSeconds } = await statusOf(other, user);
          expect(await statusOf(one, user)).toMatchObject({ waitSeconds });
          expectOk(await one.clearLockout({ userId: user.id, actor: 'support', reason: 'called' }));
          expect(await statusOf(other, user)).toMatchObject({ waitSeconds: 0 });
          expect(await access(pair, user, (await logIn(pair, other, person)).session)).toEqual(ALLOWED);
        },
      );

      it('claims of a bearer token of one release count at the other, until access ends', async () => {
        const { one, other } = sides();
        const person = await enroll(pair, one);
        const { user, session } = person;
        const claims = throughStore(one.release.assuranceClaims(session.assurance, ['pwd']));
        const assurance = other.release.assuranceFromClaims({ ...claims, sub: user.id });
        if (!assurance) throw new Error('the claims were not believed');
        expect(assurance).toMatchObject({ userId: user.id, via: 'otp' });
        const bearer = { state: 'verified', assurance } as const;
        expect(await access(pair, user, bearer)).toEqual(ALLOWED);
        expectOk(await one.passwordChanged({ userId: user.id }));
        expect(await access(pair, user, bearer)).toEqual(REVOKED);
      });

      it('a pending token that one signed opens at the other, and counts once at both', async () => {
        const { one, other } = sides();
        const person = await enroll(pair, one);
        const { user } = person;
        pair.clock.advance(MINUTE);
        const { pendingToken = '' } = await one.beginLogin({ user });
        const opened = expectOk(await other.openPendingToken(pendingToken));
        expect(opened.userId).toBe(user.id);
        const code = person.app.code(pair.clock.now());
        expect(
          await access(pair, user, sessionOf(expectOk(await other.verify({ user, session: sessionOf(opened), code })))),
        ).toEqual(ALLOWED);
        for (const side of [one, other]) {
          pair.clock.advance(MINUTE);
          const again = {
            user,
            session: sessionOf(expectOk(await side.openPendingToken(pendingToken))),
            code: person.app.code(pair.clock.now()),
          };
          expect(said(await side.verify(again)), side.release.name).toBe('pending_token_invalid');
        }
        pair.clock.advance(10 * MINUTE);
        expect([said(await one.openPendingToken(pendingToken)), said(await other.openPendingToken(pendingToken))]).toEqual([
          'pending_token_invalid',
          'pending_token_invalid',
        ]);
      });

      it('a client without a session enrolls at one with a pending token of the other', async () => {
        const { one, other } = sides();
        const user = somebody();
        const { pendingToken = '' } = await one.beginLogin({ user });
        const session = sessionOf(expectOk(await other.openPendingToken(pendingToken)));
        const started = expectOk(await other.startEnrollment({ user, session }));
        const code = createAuthenticator(started.enrollment?.uri ?? '').code(pair.clock.now());
        // The client presents only the token again.
        const again = sessionOf(expectOk(await one.openPendingToken(pendingToken)));
        const confirmed = expectOk(
          await one.confirmEnrollment({ user, session: again, enrollmentId: started.enrollment?.id ?? '', code }),
        );
        expect(await access(pair, user, sessionOf(confirmed))).toEqual(ALLOWED);
      });

      it('authenticators that one adds, renames and removes change at the other too', async () => {
        const { one, other } = sides();
        const person = await enroll(pair, one);
        const { user } = person;
        const { session } = await logIn(pair, one, person);
        const second = await enrollAnother(pair, other, { user, session });
        expectOk(await one.renameAuthenticator({ user, session: second.session, authenticatorId: second.id, name: 'Tablet' }));
        expect((await statusOf(other, user)).authenticators.map(({ name }) => name)).toContain('Tablet');
        expect(await access(pair, user, (await logIn(pair, one, second)).session)).toEqual(ALLOWED);
        const own = await logIn(pair, other, person);
        const removed = expectOk(await one.removeAuthenticator({ user, session: own.session, authenticatorId: second.id }));
        expect(await access(pair, user, sessionOf(removed))).toEqual(ALLOWED);
        expect(await access(pair, user, own.session)).toEqual(REVOKED);
        pair.clock.advance(MINUTE);
        for (const side of [one, other]) {
          const code = second.app.code(pair.clock.now());
          expect(said(await side.verify({ user, session: await begin(side, user), code })), side.release.name).toBe(
            'invalid_code',
          );
        }
        expect(
          said(
            await other.removeAuthenticator({
              user,
              session: sessionOf(removed),
              authenticatorId: (await statusOf(one, user)).authenticators[0]?.id ?? '',
            }),
          ),
        ).toBe('not_allowed');
      });

      it('a user forgotten by one is unknown to the other, and refused if the host still says enrolled', async () => {
        const { one, other } = sides();
        const person = await enroll(pair, other);
        const { user } = person;
        expectOk(await one.forgetUser({ userId: user.id }));
        expect((await statusOf(other, user)).enrolled).toBe(false);
        expect(await access(pair, user, person.session)).toEqual({ old: 'login-again', now: 'login-again' });
        const remembered = { ...user, enrolled: true };
        expect(await access(pair, remembered, person.session)).toEqual({
          old: 'refuse: profile_missing',
          now: 'refuse: profile_missing',
        });
        expect((await other.beginLogin({ user: remembered })).decision).toMatchObject({
          access: 'refuse',
          reason: 'profile_missing',
        });
      });

      it('a deadline that one recorded applies at the other, although the policy moves it', async () => {
        const soon = pair.clock.now() + DAY;
        const strict = pair.process(pair[first].release, { policy: () => ({ mfa: 'required', enrollBy: soon }) });
        const lax = pair.process(pair[second].release, { policy: () => ({ mfa: 'required', enrollBy: soon + 30 * DAY }) });
        const user = somebody();
        const session = await begin(strict, user);
        expect(await lax.checkAccess({ user, session })).toMatchObject({ access: 'allow', via: 'grace', enrollBy: soon });
        pair.clock.advance(2 * DAY);
        expect((await lax.checkAccess({ user, session: await begin(lax, user) })).access).toBe('enroll');
      });

      it('one of many concurrent proofs with one code at both counts', async () => {
        const { one, other } = sides();
        const person = await enroll(pair, one);
        const { user } = person;
        for (let round = 0; round < 3; round++) {
          pair.clock.advance(MINUTE);
          const session = await begin(one, user);
          const code = person.app.code(pair.clock.now());
          const tries = [one, other, one, other].map((side) => side.verify({ user, session, code }));
          expect((await Promise.all(tries)).filter(({ ok }) => ok)).toHaveLength(1);
        }
      });

      it('fields that a release does not know survive its writes', async () => {
        const { one, other } = sides();
        const person = await enroll(pair, one);
        const { user } = person;
        const { device } = await logIn(pair, one, person, { remember: true });
        const later = { ofALaterRelease: { kept: true } };
        await pair.plant(user.id, (profile) => ({
          ...profile,
          ...later,
          authenticators: (profile.authenticators as object[]).map((entry) => ({ ...entry, ...later })),
          devices: (profile.devices as object[]).map((entry) => ({ ...entry, ...later })),
          recoveryCodes: { ...(profile.recoveryCodes as object), ...later },
          budget: { ...(profile.budget as object), ...later },
        }));
        for (const side of [other, one]) {
          pair.clock.advance(HOUR);
          await side.verify({ user, session: await begin(side, user), code: wrongCode(person.app, pair.clock.now()) });
          await side.beginLogin({ user, deviceToken: device.token });
          const { session } = await logIn(pair, side, person, { token: device.token });
          await side.verify({ user, session: await begin(side, user), recoveryCode: person.recoveryCodes.pop() });
          expectOk(
            await side.renameAuthenticator({
              user,
              session,
              authenticatorId: (await statusOf(side, user)).authenticators[0]?.id ?? '',
              name: 'Phone',
            }),
          );
          expectOk(await side.passwordChanged({ userId: user.id }));
        }
        const stored = await pair.stored(user.id);
        expect(stored).toMatchObject({
          ...later,
          authenticators: [later],
          devices: [later],
          recoveryCodes: later,
          budget: later,
        });
      });

      it('records that one has sealed with a new key are read by the other, and its tokens still work', async () => {
        const apart = await store.open();
        if (!apart) throw new Error('no place of its own');
        try {
          const own = await createPair(apart, { keys: [OTHER_KEY, KEY] });
          const before = own.process(own[first].release, { keys: [KEY] });
          const person = await enroll(own, before);
          const { device } = await logIn(own, before, person, { remember: true });
          const rotated = await own[first].rotateKeys();
          expect(rotated).toMatchObject({ complete: true, resealed: 1 });
          const begun = await own[second].beginLogin({ user: person.user, deviceToken: device.token });
          expect(begun.decision).toMatchObject({ access: 'allow', via: 'remembered-device' });
          expect(await own[second].rotateKeys()).toMatchObject({ resealed: 0, current: 1 });
          expect(await own[second].report()).toMatchObject({ users: 1, enrolled: 1, unreadable: { count: 0 } });
          const restored = await own[first].afterRestore();
          expect(restored).toMatchObject({ handled: 1 });
          expect(await access(own, person.user, person.session)).toEqual(REVOKED);
          expect(
            (await own[second].beginLogin({ user: person.user, deviceToken: begun.device?.token ?? '' })).decision.access,
          ).toBe('challenge');
          expect(await statusOf(own[second], person.user)).toMatchObject({ recoveryCodesLeft: 0, devices: [] });
        } finally {
          await apart.close();
        }
      });
    });
  });
}

/** The status of a user in release 1, in the form of the other release. */
async function sharedStatus(side: Parameters<typeof statusOf>[0], user: Parameters<typeof statusOf>[1]) {
  const { enrolled, authenticators, devices, recoveryCodesLeft, waitSeconds } = await statusOf(side, user);
  return { enrolled, authenticators, devices, recoveryCodesLeft, waitSeconds };
}
