import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MfaEvent, MfaStorage } from '@mfa-kit/core';
import { createClock, type VirtualAuthenticator, verifiedSession } from '@mfa-kit/core/testing';
import { createAuthenticator, createFixture, HOUR, MINUTE, SECOND, type TestUser, wrongCode } from '../support/core-fixture.js';
import { countOperations } from '../support/proof.js';
import { proofOf } from '../support/proof-of.js';
import { peek } from './core-faulty-storage.js';
import { answerOf } from './scenarios.js';

const PEOPLE = 100;
const VICTIMS = 10;
const GUESSES_AT_ONCE = 5;

interface Person {
  user: TestUser;
  authenticator: VirtualAuthenticator;
  recoveryCodes: string[];
}

interface Victim {
  user: TestUser;
  authenticator: VirtualAuthenticator;
  /** Guesses that were evaluated. */
  evaluated: number;
  /** Guesses that may or may not have been evaluated. */
  unanswered: number;
}

/** The answers to a crowd so far. */
export interface Outcomes {
  right: number;
  /** `unavailable` and `busy`. */
  unanswered: number;
  /** Answers that a right proof or a wrong code must not get. */
  wrong: string[];
  milliseconds: number[];
}

export interface Crowd {
  outcomes: Outcomes;
  /** Logs in everybody once, so many at a time, and advances a minute. Of 100, 80 use a code, 10 a recovery code, and 10 enroll. */
  round(atOnce: number): Promise<void>;
  /** I3, I8: what is wrong with the budgets of the victims of guesses. */
  wrongBudgets(): Promise<string[]>;
}

let users = 0;
const freshUser = (): TestUser => ({ id: `load-${process.pid}-${++users}`, name: 'somebody@example.com' });

/** A hundred people who log in and ten whose codes are guessed, enrolled without the network. */
export async function createCrowd(direct: MfaStorage, storage: MfaStorage): Promise<Crowd> {
  const clock = createClock();
  const ready = createFixture({ storage: direct, clock: clock.now });
  const victims = new Map<string, Victim>();
  const onEvent = ({ name, userId }: MfaEvent) => {
    const victim = name === 'verification_failed' && victims.get(userId);
    if (victim) victim.evaluated += 1;
  };
  const { mfa } = createFixture({ storage, clock: clock.now, onEvent, notify: () => undefined });
  const people: Person[] = [];
  for (let index = 0; index < PEOPLE; index++) {
    const user = freshUser();
    people.push({ user, ...(await verifiedSession(ready.mfa, user)) });
  }
  for (let index = 0; index < VICTIMS; index++) {
    const user = freshUser();
    const { authenticator } = await verifiedSession(ready.mfa, user);
    victims.set(user.id, { user, authenticator, evaluated: 0, unanswered: 0 });
  }
  clock.advance(2 * MINUTE);
  const started = clock.now();
  const outcomes: Outcomes = { right: 0, unanswered: 0, wrong: [], milliseconds: [] };

  /** Makes a call and counts its answer; null for `unavailable` and `busy`. */
  async function ask<Answer extends object>(call: Promise<Answer>, what: string, honest: string[]): Promise<Answer | null> {
    const asked = performance.now();
    const answer = await call;
    countOperations();
    outcomes.milliseconds.push(performance.now() - asked);
    const said = answerOf(answer);
    const silent = said === 'unavailable' || said === 'busy';
    if (silent) outcomes.unanswered += 1;
    else if (honest.includes(said)) outcomes.right += 1;
    else outcomes.wrong.push(`${what}: ${said}`);
    return silent ? null : answer;
  }

  async function comesIn({ user, authenticator, recoveryCodes }: Person, byRecoveryCode: boolean): Promise<void> {
    const begun = await ask(mfa.beginLogin({ user }), 'a login', ['challenge']);
    if (!begun) return;
    const { session } = begun;
    const recoveryCode = byRecoveryCode ? recoveryCodes.pop() : undefined;
    const proof = recoveryCode === undefined ? { code: authenticator.code(clock.now()) } : { recoveryCode };
    await ask(mfa.verify({ user, session, proof: proofOf(proof) }), Object.keys(proof).join(), ['ok']);
  }

  async function enrolls(): Promise<void> {
    const user = freshUser();
    const begun = await ask(mfa.beginLogin({ user }), 'a first login', ['enroll']);
    const started = begun && (await ask(mfa.startEnrollment({ user, session: begun.session }), 'a start', ['ok']));
    if (!started?.ok) return;
    const { session, enrollment } = started;
    const code = createAuthenticator(enrollment.uri).code(clock.now());
    await ask(
      mfa.confirmEnrollment({ user, session, enrollmentId: enrollment.id, proof: { kind: 'totp', code } }),
      'a confirmation',
      ['ok'],
    );
  }

  async function guesses(victim: Victim): Promise<void> {
    const { user, authenticator } = victim;
    const begun = await ask(mfa.beginLogin({ user }), 'a login of somebody else', ['challenge']);
    if (!begun) return;
    const code = wrongCode(authenticator, clock.now());
    const answered = await ask(mfa.verify({ user, session: begun.session, proof: { kind: 'totp', code } }), 'a guess', [
      'invalid_code',
      'throttled',
    ]);
    if (!answered) victim.unanswered += 1;
  }

  return {
    outcomes,
    async round(atOnce) {
      const todo = people.map((person, index) => () => (index % 10 === 0 ? enrolls() : comesIn(person, index % 10 === 1)));
      for (const victim of victims.values()) {
        for (let guess = 0; guess < GUESSES_AT_ONCE; guess++) todo.push(() => guesses(victim));
      }
      await Promise.all(
        Array.from({ length: atOnce }, async () => {
          for (let next = todo.pop(); next; next = todo.pop()) {
            // Each in its own turn of the event loop, like requests from sockets. A store that fails at once would otherwise block the loop.
            await nextTurn();
            await next();
          }
        }),
      );
      clock.advance(MINUTE + SECOND);
    },
    async wrongBudgets() {
      const wrong: string[] = [];
      for (const { user, evaluated, unanswered } of victims.values()) {
        const level = (await peek(direct, user.id))?.budget.level ?? 0;
        const elapsed = clock.now() - started;
        const drained = Math.floor(elapsed / (9 * HOUR));
        if (evaluated > mostEvaluated(elapsed)) wrong.push(`${evaluated} guesses were evaluated in ${elapsed / MINUTE} minutes`);
        if (level > evaluated + unanswered)
          wrong.push(`${level} guesses were paid, ${evaluated} evaluated, ${unanswered} unanswered`);
        if (level < evaluated - drained) wrong.push(`${evaluated} guesses were evaluated, ${level} paid`);
      }
      return wrong;
    },
  };
}

/** Five at once, then one after each wait, which doubles from 30 seconds to an hour, plus what the bucket holds and drains. */
function mostEvaluated(elapsed: number): number {
  let quick = 5;
  let wait = 30 * SECOND;
  for (let at = wait; at <= elapsed; at += wait) {
    quick += 1;
    wait = Math.min(2 * wait, HOUR);
  }
  return Math.min(quick, 20 + Math.floor(elapsed / (9 * HOUR)));
}
