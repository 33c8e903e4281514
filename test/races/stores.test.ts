import { setTimeout as sleep } from 'node:timers/promises';
import type { LoginBegun, MfaEvent } from '@mfa-kit/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  createAuthenticator,
  createEnrolled,
  createFixture,
  type Enrolled,
  enrollAnother,
  expectOk,
  loginPending,
  MINUTE,
  reasonOf,
  type TestUser,
  wrongCode,
} from '../support/core-fixture.js';
import { ROUNDS } from '../support/proof.js';
import { describeWith } from '../support/requires.js';
import { openPlace, type Place, sharedStores } from '../support/shared-stores.js';
import { disorder, type Try } from './history.js';
import type { OpenedStore } from './open-store.mjs';
import { compileCore, type RaceProcess, runAtOnce, startProcess } from './processes.js';

type Answer = { ok: true } | { ok: false; reason: string };

const PROCESSES = 4;
const AT_ONCE = 200;
const LONG = process.env.MFA_KIT_ROUNDS !== undefined;

for (const [index, { name, open }] of sharedStores.entries()) {
  // The first store runs all cases. The others, whose adapters pass the same kit, run them with `npm run prove`.
  raceOn(name, await open(), { everything: index === 0 || LONG, rounds: index === 0 || LONG ? ROUNDS : 1 });
}

function raceOn(
  store: string,
  place: Place | null,
  { everything, rounds: count }: { everything: boolean; rounds: number },
): void {
  describeWith(
    place,
    `d-0: ${AT_ONCE} concurrent calls from ${PROCESSES} processes on ${store}, ${count} rounds`,
    ({ url, drop }) => {
      const processes: RaceProcess[] = [];
      let opened: OpenedStore;
      let users = 0;

      beforeAll(async () => {
        opened = await openPlace({ url });
        const core = await compileCore('races');
        processes.push(...(await Promise.all(Array.from({ length: PROCESSES }, () => startProcess(core, url)))));
      }, 120_000);

      afterAll(async () => {
        for (const child of processes) child.stop();
        await opened?.close();
        await drop();
      });

      const freshUser = (): TestUser => ({ id: `racer-${++users}`, name: `racer-${users}@example.com` });
      const enrolled = (user: TestUser): Promise<Enrolled> => createEnrolled(user, { storage: opened.storage });
      const copies = (input: unknown, count = AT_ONCE): unknown[] => Array.from({ length: count }, () => input);

      async function rounds(run: (user: TestUser) => Promise<void>): Promise<void> {
        for (let round = 0; round < count; round++) await run(freshUser());
      }

      it('T3, TOTP-2, I1: one right code has one success', async () => {
        await rounds(async (user) => {
          const { mfa, clock, authenticator } = await enrolled(user);
          const session = await loginPending(mfa, user);
          const code = authenticator.code(clock.now());
          const { answers, events } = await race<Answer>(
            'verify',
            clock.now(),
            copies({ user, session, proof: { kind: 'totp', code } }),
          );
          // A lost race costs nothing (F87), so nobody is throttled.
          expect(tally(settled(answers))).toEqual({ ok: 1, invalid_code: settled(answers).length - 1 });
          checkDoubtful(answers);
          expect(named(events, 'verified')).toHaveLength(1);
        });
      }, 600_000);

      it('T12, REC-3, I2: one recovery code has one success, and the count is exact', async () => {
        await rounds(async (user) => {
          const { mfa, clock, recoveryCodes } = await enrolled(user);
          const session = await loginPending(mfa, user);
          const input = { user, session, proof: { kind: 'recovery-code', code: recoveryCodes[3] } };
          const { answers, events } = await race<Answer>('verify', clock.now(), copies(input));
          expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
          checkDoubtful(answers);
          expect(named(events, 'recovery_code_used')).toHaveLength(1);
          expect(expectOk(await mfa.getStatus({ user })).status.recoveryCodesLeft).toBe(9);
        });
      }, 600_000);

      if (!everything) return;

      it('I5: one confirmation enrolls one authenticator, and the others get the answer that it is done', async () => {
        await rounds(async (user) => {
          const { mfa, clock } = createFixture({ storage: opened.storage });
          const started = expectOk(await mfa.startEnrollment({ user, session: await loginPending(mfa, user) }));
          const code = createAuthenticator(started.enrollment.uri).code(clock.now());
          const input = { user, session: started.session, enrollmentId: started.enrollment.id, proof: { kind: 'totp', code } };
          const { answers } = await race<Answer>('confirmEnrollment', clock.now(), copies(input));
          checkDoubtful(answers);
          expect(tally(settled(answers))).toEqual({ ok: 1, already_confirmed: settled(answers).length - 1 });
          const { status } = expectOk(await mfa.getStatus({ user }));
          expect([status.authenticators.length, status.recoveryCodesLeft]).toEqual([1, 10]);
        });
      }, 600_000);

      it('T47: ten right proofs with one pending token give one session and use up one code', async () => {
        await rounds(async (user) => {
          const { mfa, clock, recoveryCodes } = await enrolled(user);
          const { pendingToken = '' } = await mfa.beginLogin({ user });
          const { session } = expectOk(await mfa.openPendingToken(pendingToken));
          const inputs = recoveryCodes.map((recoveryCode) => ({
            user,
            session,
            proof: { kind: 'recovery-code', code: recoveryCode },
          }));
          const { answers } = await race<Answer>('verify', clock.now(), inputs);
          expect(tally(answers.map(reasonOf))).toEqual({ ok: 1, pending_token_invalid: 9 });
          expect(expectOk(await mfa.getStatus({ user })).status.recoveryCodesLeft).toBe(9);
        });
      }, 600_000);

      it('T28: one device token presented concurrently is accepted everywhere and rotated once; after it is retired, it ends the device once', async () => {
        await rounds(async (user) => {
          const { mfa, clock, authenticator } = await enrolled(user);
          const input = {
            user,
            session: await loginPending(mfa, user),
            proof: { kind: 'totp' as const, code: authenticator.code(clock.now()) },
            rememberDevice: true,
          };
          const deviceToken = expectOk(await mfa.verify(input)).device?.token;
          const { answers } = await race<LoginBegun>('beginLogin', clock.now(), copies({ user, deviceToken }));
          const access = answers.map((login) => login.decision.access).filter((one) => one !== 'unavailable');
          expect(access.length).toBeGreaterThanOrEqual(AT_ONCE - MOST_DOUBTFUL);
          expect(tally(access)).toEqual({ allow: access.length });
          const minted = answers.filter((login) => login.device);
          expect(minted).toHaveLength(1);

          await mfa.beginLogin({ user, deviceToken: minted[0]?.device?.token });
          clock.advance(2 * MINUTE);
          const thieves = await race<LoginBegun>('beginLogin', clock.now(), copies({ user, deviceToken }));
          expect(thieves.answers.filter((login) => login.decision.access === 'allow')).toEqual([]);
          expect(named(thieves.events, 'device_token_reused')).toHaveLength(1);
        });
      }, 600_000);

      it('T5, T8, THR-3, I3: of ten times the budget of concurrent wrong codes no more than the budget is evaluated', async () => {
        await rounds(async (user) => {
          const { mfa, clock, authenticator } = await enrolled(user);
          const session = await loginPending(mfa, user);
          const code = wrongCode(authenticator, clock.now());
          const { answers, events } = await race<Answer>(
            'verify',
            clock.now(),
            copies({ user, session, proof: { kind: 'totp', code } }, 50),
          );
          checkDoubtful(answers);
          expect(tally(settled(answers))).toEqual({ invalid_code: 5, throttled: settled(answers).length - 5 });
          expect(named(events, 'verification_failed')).toHaveLength(5);
        });
      }, 600_000);

      it('REC-3, REC-5, I2: of all recovery codes used concurrently with a regeneration, each counts once, and none of the old set after it', async () => {
        let used = 0;
        await rounds(async (user) => {
          const { mfa, clock, recoveryCodes, authenticator } = await enrolled(user);
          const session = await loginPending(mfa, user);
          const proof = expectOk(
            await mfa.verify({ user, session, proof: { kind: 'totp', code: authenticator.code(clock.now()) } }),
          );
          const inputs = recoveryCodes.flatMap((recoveryCode) =>
            copies({ user, session, proof: { kind: 'recovery-code', code: recoveryCode } }, 5),
          );
          const [raced, regenerated] = await Promise.all([
            race<Answer & { recoveryCodesLeft?: number }>('verify', clock.now(), inputs),
            sleep(10 + 20 * Math.random()).then(async () => {
              const made = expectOk(await mfa.regenerateRecoveryCodes({ user, session: proof.session }));
              return { ...made, returnedAt: Number(process.hrtime.bigint()) / 1e6 };
            }),
          ]);
          const successes = raced.answers.flatMap((answer, index) => (answer.ok ? [{ answer, index }] : []));
          used += successes.length;
          expect(named(raced.events, 'recovery_code_used')).toHaveLength(successes.length);
          // Each of ten codes counts at most once, and each success leaves one fewer.
          expect(new Set(successes.map(({ index }) => Math.floor(index / 5))).size).toBe(successes.length);
          const counts = successes.map(({ answer }) => answer.recoveryCodesLeft ?? -1).sort((a, b) => b - a);
          expect(counts).toEqual(successes.map((_, index) => 9 - index));
          const late = successes.filter(({ index }) => (raced.spans[index]?.invokedAt ?? 0) > regenerated.returnedAt);
          expect(late).toEqual([]);
          checkDoubtful(raced.answers);
          clock.advance(2 * MINUTE);
          for (const recoveryCode of recoveryCodes)
            expect(reasonOf(await mfa.verify({ user, session, proof: { kind: 'recovery-code', code: recoveryCode } }))).toBe(
              'invalid_code',
            );
          expect(expectOk(await mfa.getStatus({ user })).status.recoveryCodesLeft).toBe(10);
          const fresh = { user, session, proof: { kind: 'recovery-code' as const, code: regenerated.recoveryCodes[9] } };
          expect(reasonOf(await mfa.verify(fresh))).toBe('ok');
        });
        expect(used).toBeGreaterThan(0);
      }, 600_000);

      it('STO-2, TOTP-2, I1: concurrent codes of three steps and two authenticators, while the clock advances, are accepted in a consistent order', async () => {
        await rounds(async (user) => {
          const fixture = await enrolled(user);
          const { mfa, clock } = fixture;
          const second = await enrollAnother(fixture, fixture.session, user);
          const session = await loginPending(mfa, user);
          // The codes that confirmed the authenticators closed their steps, two minutes ago and just now.
          const confirmed = (ago: number): Try => {
            return { step: Math.floor((clock.now() - ago) / 30_000), accepted: true, invokedAt: 0, returnedAt: 0 };
          };
          const histories = [
            { authenticator: fixture.authenticator, tries: [confirmed(2 * MINUTE)] },
            { authenticator: second.authenticator, tries: [confirmed(0)] },
          ];
          for (let instant = 0; instant < 6; instant++) {
            clock.advance(30_000);
            await mfa.clearLockout({ userId: user.id, actor: 'support', reason: 'the race goes on' });
            const sent = histories.flatMap(({ authenticator, tries }) =>
              [-1, 0, 1].map((ahead) => {
                const at = clock.now() + ahead * 30_000;
                return {
                  tries,
                  step: Math.floor(at / 30_000),
                  input: { user, session, proof: { kind: 'totp', code: authenticator.code(at) } },
                };
              }),
            );
            const many = Array.from({ length: 8 }, () => sent).flat();
            const inputs = many.map(({ input }) => input);
            const { answers, events, spans } = await race<Answer>('verify', clock.now(), inputs);
            checkDoubtful(answers);
            expect(named(events, 'verified')).toHaveLength(answers.filter(({ ok }) => ok).length);
            many.forEach(({ tries, step }, index) => {
              const span = spans[index];
              const said = reasonOf(answers[index] as Answer);
              if (span && (said === 'ok' || said === 'invalid_code')) tries.push({ step, accepted: said === 'ok', ...span });
            });
          }
          for (const { tries } of histories) {
            expect(disorder(tries)).toEqual([]);
            expect(tries.filter(({ accepted }) => accepted).length).toBeGreaterThan(1);
          }
        });
      }, 600_000);

      function race<Given>(method: 'verify' | 'confirmEnrollment' | 'beginLogin', now: number, inputs: readonly unknown[]) {
        return runAtOnce<Given>(processes, { method, now }, inputs);
      }
    },
  );
}

function tally(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

function named(events: readonly MfaEvent[], name: MfaEvent['name']): MfaEvent[] {
  return events.filter((event) => event.name === name);
}

/** The number of answers that say nothing about the proof. `npm run prove` allows none, because nothing else runs then. */
const MOST_DOUBTFUL = process.env.MFA_KIT_ROUNDS === undefined ? AT_ONCE / 10 : 0;

function checkDoubtful(answers: readonly Answer[]): void {
  expect(answers.length - settled(answers).length).toBeLessThanOrEqual(MOST_DOUBTFUL);
}

function settled(answers: readonly Answer[]): string[] {
  return answers.map(reasonOf).filter((reason) => reason !== 'busy' && reason !== 'unavailable');
}
