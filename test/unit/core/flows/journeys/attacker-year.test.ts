import { expect, it } from 'vitest';
import { ada, createEnrolled, DAY, HOUR, loginPending, loginWithCode, wrongCode } from '../../../../support/core-fixture.js';

const YEAR = 365;
/** Codes that are valid at one moment: three in the window, for one authenticator. */
const VALID_AT_ONCE = 3;

/**
 * An attacker who has the password tries codes from unknown browsers, as soon as each wait is over, for a year. Each day the owner logs in
 * on the usual browser. This counts what the limits allow.
 */
it('d-10, THR-2, THR-5, I3: an attacker’s year', { timeout: 90_000 }, async () => {
  const fixture = await createEnrolled();
  const { mfa, clock, authenticator, events } = fixture;
  const begin = clock.now();
  const evaluatedAt: number[] = [];
  const owner = { logins: 0, refused: 0 };
  let nextTry = begin;
  // The usual browser is known before the attacker begins.
  let { token: deviceToken } = await loginWithCode(fixture);
  let throttled = 0;
  let notices = 0;

  for (let day = 0; day < YEAR; day++) {
    const endOfDay = begin + (day + 1) * DAY;
    const session = await loginPending(mfa);
    while (nextTry < endOfDay) {
      clock.set(nextTry);
      const answer = await mfa.verify({ user: ada, session, proof: { kind: 'totp', code: wrongCode(authenticator, nextTry) } });
      if (answer.ok) throw new Error('a wrong code was accepted');
      if (answer.reason === 'invalid_code') evaluatedAt.push(nextTry);
      else throttled++;
      nextTry += answer.reason === 'throttled' ? (answer.retryAfterSeconds ?? 1) * 1000 : 1;
    }
    clock.set(endOfDay - HOUR / 2 + 1);
    owner.logins++;
    const login = await mfa.beginLogin({ user: ada, deviceToken });
    const code = authenticator.code(clock.now());
    const proven = await mfa.verify({ user: ada, session: login.session, proof: { kind: 'totp', code }, deviceToken });
    if (!proven.ok) owner.refused++;
    else deviceToken = proven.device?.token ?? deviceToken;
    notices += events.filter((event) => event.name === 'guessing_suspected').length;
    events.length = 0;
  }

  const inThirtyDays = Math.max(
    ...evaluatedAt.map((start) => evaluatedAt.filter((at) => at >= start && at < start + 30 * DAY).length),
  );
  const odds = (guesses: number): number => 1 - (1 - VALID_AT_ONCE / 1_000_000) ** guesses;
  console.table({
    'guesses evaluated in the year': evaluatedAt.length,
    'most in any 30 days': inThirtyDays,
    'tries answered with a wait': throttled,
    'odds of one hit in 30 days': `${(100 * odds(inThirtyDays)).toFixed(3)} %`,
    'odds of one hit in the year': `${(100 * odds(evaluatedAt.length)).toFixed(3)} %`,
    'logins of the owner on the usual browser': owner.logins,
    'of these refused': owner.refused,
    'notices to the owner': notices,
  });
  expect(inThirtyDays).toBeLessThanOrEqual(100);
  expect(evaluatedAt.length).toBeLessThanOrEqual(20 + (YEAR * 24) / 9);
  expect(evaluatedAt.length).toBeGreaterThan(900);
  expect(odds(evaluatedAt.length)).toBeLessThan(0.004);
  expect(owner).toEqual({ logins: YEAR, refused: 0 });
  expect(notices).toBeGreaterThan(300);
});
