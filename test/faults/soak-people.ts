import type { Mfa } from '@mfa-kit/core';
import { type TestClock, type VirtualAuthenticator, verifiedSession } from '@mfa-kit/core/testing';
import type { Profile } from '../../packages/core/src/profile/profile.js';
import { DAY, expectOk, HOUR, loginPending, MINUTE, SECOND, type TestUser, wrongCode } from '../support/core-fixture.js';
import { countOperations } from '../support/proof.js';
import { proofOf } from '../support/proof-of.js';
import { answerOf } from './scenarios.js';

/** A user who logs in daily for a month, with a password that an attacker also has. */
export interface SoakUser {
  user: TestUser;
  /** Decides what this user does on which day. */
  number: number;
  authenticator: VirtualAuthenticator;
  recoveryCodes: string[];
  /** The token of the browser at home. */
  deviceToken?: string;
  /** Guesses of the attacker that were evaluated. */
  evaluated: number;
  /** In seconds. */
  longestWait: number;
  /** Wrong answers to the owner. */
  refused: string[];
}

export interface Setting {
  mfa: Mfa<TestUser>;
  clock: TestClock;
}

export async function enrollSoakUser({ mfa }: Setting, number: number): Promise<SoakUser> {
  const user = { id: `soak-${process.pid}-${number}`, name: 'somebody@example.com' };
  const { authenticator, recoveryCodes } = await verifiedSession(mfa, user);
  return { user, number, authenticator, recoveryCodes, evaluated: 0, longestWait: 0, refused: [] };
}

/** What everybody does at each hour of the day. */
export const hours: readonly [hour: number, what: (setting: Setting, person: SoakUser, day: number) => Promise<void>][] = [
  [1, attack],
  [7, comesInAtHome],
  [9, attack],
  [12, comesInElsewhere],
  [15, attack],
  [18, manages],
  [22, attack],
];

/** Logs in with the browser at home, sometimes after a typo. Half of the users have it remembered. */
async function comesInAtHome({ mfa, clock }: Setting, person: SoakUser, day: number): Promise<void> {
  const { user, number, authenticator, deviceToken } = person;
  const shown = deviceToken === undefined ? {} : { deviceToken };
  countOperations();
  const begun = await mfa.beginLogin({ user, ...shown });
  if (begun.device) person.deviceToken = begun.device.token;
  if (begun.decision.access === 'allow') return;
  const input = { user, session: begun.session, ...shown, rememberDevice: number % 2 === 0, deviceLabel: 'Firefox' };
  if ((day + number) % 3 === 0) {
    countOperations();
    const said = answerOf(await mfa.verify({ ...input, proof: { kind: 'totp', code: wrongCode(authenticator, clock.now()) } }));
    if (said !== (deviceToken === undefined ? said : 'invalid_code')) person.refused.push(`a typing error at home: ${said}`);
  }
  countOperations();
  const proven = await mfa.verify({ ...input, proof: { kind: 'totp', code: authenticator.code(clock.now()) } });
  if (proven.ok && proven.device) person.deviceToken = proven.device.token;
  // Before the browser is known, it shares the budget that the attacker uses up.
  if (!proven.ok && deviceToken !== undefined) person.refused.push(`a right code at home: ${proven.reason}`);
}

/** Logs in from a different browser each day, which becomes known; with a recovery code if the attacker has used up all tries. */
async function comesInElsewhere({ mfa, clock }: Setting, person: SoakUser, day: number): Promise<void> {
  const { user, number, authenticator, recoveryCodes } = person;
  countOperations(2);
  const begun = await mfa.beginLogin({ user });
  const opened = number % 3 === 0 ? expectOk(await mfa.openPendingToken(begun.pendingToken ?? '')) : begun;
  const input = { user, session: opened.session, deviceLabel: `a browser of day ${day}` };
  const proven = await mfa.verify({ ...input, proof: { kind: 'totp', code: authenticator.code(clock.now()) } });
  if (proven.ok) return;
  if (proven.reason !== 'throttled') person.refused.push(`a right code elsewhere: ${proven.reason}`);
  countOperations();
  const recovered = await mfa.verify({ ...input, proof: { kind: 'recovery-code', code: recoveryCodes.pop() } });
  if (!recovered.ok) person.refused.push(`a recovery code: ${recovered.reason}`);
}

/** Makes new recovery codes if few are left, and starts an enrollment that is never confirmed. */
async function manages({ mfa, clock }: Setting, person: SoakUser, day: number): Promise<void> {
  const { user, number, authenticator, recoveryCodes, deviceToken } = person;
  if ((day + number) % 5 !== 0) return;
  countOperations(2);
  const shown = deviceToken === undefined ? {} : { deviceToken };
  const proof = deviceToken === undefined ? { recoveryCode: recoveryCodes.pop() } : { code: authenticator.code(clock.now()) };
  const proven = await mfa.verify({ user, session: await loginPending(mfa, user), ...shown, proof: proofOf(proof) });
  if (!proven.ok) return void person.refused.push(`a step-up: ${proven.reason}`);
  if (recoveryCodes.length < 6) {
    countOperations();
    person.recoveryCodes = expectOk(await mfa.regenerateRecoveryCodes({ user, session: proven.session })).recoveryCodes;
  }
  countOperations();
  const started = await mfa.startEnrollment({ user, session: proven.session });
  if (!started.ok) person.refused.push(`an enrollment: ${started.reason}`);
}

/** An attacker with the password guesses from unknown browsers until throttled, which happens long before the thirtieth try. */
async function attack({ mfa, clock }: Setting, person: SoakUser): Promise<void> {
  const { user, authenticator } = person;
  const session = await loginPending(mfa, user);
  for (let tries = 0; tries < 30; tries++) {
    countOperations();
    const said = await mfa.verify({ user, session, proof: { kind: 'totp', code: wrongCode(authenticator, clock.now()) } });
    if (said.ok) return void person.refused.push('a wrong code was accepted');
    if (said.reason !== 'invalid_code') {
      person.longestWait = Math.max(person.longestWait, said.retryAfterSeconds ?? 0);
      return;
    }
    person.evaluated += 1;
  }
}

/** I10: the parts of a record without an end: lists above their limits, and dates beyond the longest lifetime of their kind. */
export function endless(profile: Profile, now: number): string[] {
  const { devices, enrollments, enrollmentStarts, usedTokens, versions, budget, recoveryTries, authenticators } = profile;
  const closed = authenticators.map(({ data }) => (data as { closed?: unknown[] }).closed?.length ?? 0);
  const retiring = devices.map((device) => device.retiring?.length ?? 0);
  const parts: Record<string, boolean> = {
    devices: devices.length <= 20,
    'tokens that retire': Math.max(0, ...retiring) <= 4,
    enrollments: enrollments.length <= 3 && enrollments.every(({ expiresAt, startedAt }) => expiresAt - startedAt <= 10 * MINUTE),
    starts: enrollmentStarts.length <= 10,
    'used tokens': usedTokens.length <= 32 && usedTokens.every(({ expiresAt }) => expiresAt <= now + 11 * MINUTE),
    versions: versions.length <= 16,
    'closed steps': Math.max(0, ...closed) <= 32,
    'remembered browsers': devices.every(({ rememberedUntil = 0 }) => rememberedUntil <= now + 30 * DAY),
    'budgets of browsers': devices.every(({ budget: own }) => own.level <= 20 && own.lastWrongAt <= now),
    budget: budget.level <= 20 && budget.lastWrongAt <= now && budget.levelAt <= now,
    'tries of recovery codes': recoveryTries.since <= now + SECOND,
  };
  return Object.keys(parts).filter((part) => !parts[part]);
}

/** I9: no wait is longer than the time in which a full bucket drains by one. */
export const LONGEST_WAIT = (9 * HOUR) / SECOND;
