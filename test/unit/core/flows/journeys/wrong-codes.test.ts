import { describe, expect, it } from 'vitest';
import { peek } from '../../../../faults/core-faulty-storage.js';
import {
  ada,
  createEnrolled,
  DAY,
  type Enrolled,
  HOUR,
  loginPending,
  loginWithCode,
  MINUTE,
  reasonOf,
  wrongCode,
} from '../../../../support/core-fixture.js';

async function guess(fixture: Enrolled, deviceToken?: string): Promise<string> {
  const code = wrongCode(fixture.authenticator, fixture.clock.now());
  const session = await loginPending(fixture.mfa);
  return reasonOf(
    await fixture.mfa.verify({ user: ada, session, proof: { kind: 'totp', code }, ...(deviceToken && { deviceToken }) }),
  );
}

const suspected = (fixture: Enrolled) => fixture.notices.filter(({ name }) => name === 'guessing_suspected');

describe('LOG-5: wrong codes after a right password', () => {
  it('F83: are reported once a day at four a day from new browsers for 45 days, while the owner logs in from the usual one', async () => {
    const fixture = await createEnrolled();
    let { token } = await loginWithCode(fixture);
    let evaluated = 0;
    const perDay: number[] = [];
    for (let day = 0; day < 45; day++) {
      for (let tries = 0; tries < 4; tries++) {
        fixture.clock.advance(5 * HOUR);
        if ((await guess(fixture)) === 'invalid_code') evaluated++;
      }
      fixture.clock.advance(4 * HOUR - MINUTE);
      token = (await loginWithCode(fixture, { deviceToken: token })).token;
      perDay.push(suspected(fixture).length);
      fixture.notices.length = 0;
    }
    const notices = perDay.reduce((sum, count) => sum + count, 0);
    expect(evaluated).toBeGreaterThan(100);
    expect(Math.max(...perDay)).toBe(1);
    expect(notices).toBeGreaterThan(25);
    expect(notices).toBeLessThanOrEqual(45);
  });

  it.each([
    ['one a week', 7 * DAY, 12],
    ['one in ten days', 10 * DAY, 9],
    ['two a day', 12 * HOUR, 40],
  ])('F83: %s is told', async (_, pause, count) => {
    const fixture = await createEnrolled();
    for (let tries = 0; tries < count; tries++) {
      expect(await guess(fixture)).toBe('invalid_code');
      fixture.clock.advance(pause);
    }
    const noticeCount = suspected(fixture).length;
    expect(noticeCount).toBeGreaterThanOrEqual(3);
    expect(noticeCount).toBeLessThanOrEqual(count / 2);
  });

  it('F83: include wrong recovery codes, but not a used code or typing errors on the usual browser', async () => {
    const fixture = await createEnrolled();
    const { mfa, clock, authenticator } = fixture;
    const { token } = await loginWithCode(fixture);
    for (let tries = 0; tries < 4; tries++) await guess(fixture, token);
    clock.advance(MINUTE);
    const code = authenticator.code(clock.now());
    for (let tries = 0; tries < 4; tries++)
      await mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'totp', code } });
    expect(suspected(fixture)).toEqual([]);
    for (let tries = 0; tries < 3; tries++) {
      await mfa.verify({ user: ada, session: await loginPending(mfa), proof: { kind: 'recovery-code', code: '0'.repeat(24) } });
    }
    expect(suspected(fixture)).toMatchObject([{ level: 'repeated', userId: ada.id }]);
  });

  it('F83, I10: are remembered within a bound', async () => {
    const fixture = await createEnrolled();
    for (let tries = 0; tries < 30; tries++) {
      await guess(fixture);
      fixture.clock.advance(10 * HOUR);
    }
    expect((await peek(fixture.storage, ada.id))?.wrongCodes?.at.length).toBeLessThanOrEqual(5);
  });
});
