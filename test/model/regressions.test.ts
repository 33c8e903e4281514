import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { describe, expect, it } from 'vitest';
import { DAY, HOUR, MINUTE, SECOND } from '../support/core-fixture.js';
import {
  addApp,
  confirm,
  enroll,
  guess,
  guessSlowly,
  logIn,
  logInWithCode,
  moveClock,
  recover,
  startEnrollment,
  verify,
} from './commands.js';
import { checkHistory } from './histories.js';

const YEAR = 365 * DAY;
const usual = { tokens: 'newest', remember: false, label: true } as const;
const ticked = { ...usual, remember: true } as const;

// Histories that have failed, in core, in the model or in a core with a seeded bug. Each is as short as it was found.
describe('histories that have failed before', () => {
  it('d-4, I9, FLT-5: guesses from a known browser while the clock was ahead drain from its next login on', async () => {
    const model = await checkHistory(memoryStorage(), 'required', [
      enroll(0, 0),
      moveClock(30 * DAY),
      guess(0, 0, 4, 'newest'),
      moveClock(-30 * DAY),
      logInWithCode(0, 0, 0),
      moveClock(4 * 9 * HOUR),
      guessSlowly(0, 0, 20, 'newest'),
      logInWithCode(0, 0, 0),
    ]);
    expect(model.state.devices[0]?.budget.level).toBeGreaterThan(15);
  });

  it('d-4, I9, F31: while the clock is behind a budget, a browser with tries left can log in, whether known or not', async () => {
    const model = await checkHistory(memoryStorage(), 'required', [
      enroll(0, 0),
      guess(0, 0, 4, 'none'),
      verify(0, 0, { app: 0, ahead: 0 }, { ...usual, tokens: 'none' }),
      moveClock(-10 * YEAR),
      moveClock(8 * DAY),
      logInWithCode(0, 0, 0, { ...usual, tokens: 'none' }),
      moveClock(31 * SECOND),
      verify(0, 0, { app: 0, ahead: 0 }, usual),
    ]);
    expect(model.proofs).toBe(3);
  });

  it('d-4, I9, F31: while the clock is behind a budget without quick tries, only a known browser can log in', async () => {
    const model = await checkHistory(memoryStorage(), 'required', [
      enroll(0, 0),
      moveClock(10 * YEAR),
      guess(1, 1, 5, 'none'),
      moveClock(-10 * YEAR + MINUTE),
      logInWithCode(1, 1, 0, { ...usual, tokens: 'none' }),
      logInWithCode(0, 0, 0),
    ]);
    expect(model.proofs).toBe(2);
  });

  it('I3, THR-2: a right code returns the quick tries, but not the slow ones', async () => {
    const unknown = { ...usual, tokens: 'none', label: false } as const;
    const model = await checkHistory(memoryStorage(), 'required', [
      enroll(0, 0),
      guessSlowly(1, 1, 20, 'none'),
      moveClock(HOUR),
      logInWithCode(2, 0, 0, unknown),
      guessSlowly(1, 1, 6, 'none'),
      verify(1, 1, { app: 0, ahead: 0 }, unknown),
    ]);
    expect(model.proofs).toBe(2);
    expect(model.state.budget.level).toBe(20);
  });

  it('I1, TOTP-2: a code of the step before an accepted one is used, also for the other authenticator', async () => {
    const model = await checkHistory(memoryStorage(), 'required', [
      enroll(0, 0),
      addApp(0, 0, 0),
      moveClock(90 * SECOND),
      logIn(1, 1, 'none', false),
      verify(1, 1, { app: 0, ahead: 1 }, usual),
      verify(1, 0, { app: 0, ahead: 0 }, usual),
      verify(1, 0, { app: 0, ahead: -1 }, usual),
      verify(1, 0, { app: 1, ahead: -1 }, usual),
    ]);
    expect(model.proofs).toBe(5);
  });

  it('d-4, I1: a code that was accepted before the clock went ahead and back stays used', async () => {
    const model = await checkHistory(memoryStorage(), 'required', [
      enroll(0, 0),
      logInWithCode(0, 0, 0),
      moveClock(HOUR),
      logInWithCode(0, 1, 0),
      moveClock(-HOUR - 61 * SECOND),
      verify(0, 0, { app: 0, ahead: 0 }, usual),
      verify(0, 0, { app: 0, ahead: -1 }, usual),
    ]);
    expect(model.proofs).toBe(3);
  });

  it('DEV-5, I6: a login is not remembered if another browser uses a recovery code during it', async () => {
    const model = await checkHistory(memoryStorage(), 'required', [
      enroll(0, 0),
      logInWithCode(0, 0, 0, ticked),
      logIn(1, 0, 'none', false),
      logIn(2, 1, 'none', false),
      recover(2, 1, 3, ticked),
      moveClock(61 * SECOND),
      verify(1, 0, { app: 0, ahead: 0 }, ticked),
      logIn(1, 0, 'newest', false),
      logIn(0, 0, 'newest', false),
    ]);
    expect(model.state.devices.filter(({ remembered }) => remembered)).toEqual([]);
  });

  it('ENR-5, I5: an enrollment that was started before there was an authenticator is not confirmed after it', async () => {
    const model = await checkHistory(memoryStorage(), 'required', [
      logIn(0, 0, 'none', false),
      startEnrollment(0, 0),
      logIn(1, 1, 'none', true),
      startEnrollment(1, 1),
      confirm(1, 1, 0, { app: 0, ahead: 0 }, ticked),
      confirm(0, 0, 1, { app: 0, ahead: 0 }, ticked),
      confirm(1, 1, 0, { app: 0, ahead: 0 }, ticked),
    ]);
    expect(model.state.apps).toHaveLength(1);
  });

  it('THR-1: adding an authenticator from a known browser leaves the wait of unknown browsers as it was', async () => {
    const model = await checkHistory(memoryStorage(), 'required', [enroll(0, 0), guessSlowly(1, 0, 20, 'none'), addApp(0, 0, 0)]);
    expect(model.state.budget.quick).toBe(20);
  });

  it('ENR-4, I5: an enrollment is open for exactly ten minutes', async () => {
    const model = await checkHistory(memoryStorage(), 'required', [
      logIn(0, 0, 'none', false),
      startEnrollment(0, 0),
      moveClock(10 * MINUTE),
      confirm(0, 0, 0, { app: 0, ahead: 0 }, usual),
      startEnrollment(0, 0),
      moveClock(10 * MINUTE - SECOND),
      confirm(0, 0, 0, { app: 0, ahead: 0 }, usual),
    ]);
    expect(model.proofs).toBe(1);
  });

  it('T28, DEV-6: a device token retires a minute after its successor was shown, and then ends the device', async () => {
    const model = await checkHistory(memoryStorage(), 'required', [
      enroll(0, 0, ticked),
      logIn(0, 0, 'newest', false),
      moveClock(90 * SECOND),
      logIn(0, 1, 'newest', false),
      logIn(0, 0, 'older', false),
      moveClock(61 * SECOND),
      logIn(0, 0, 'older', false),
      logIn(0, 0, 'newest', false),
    ]);
    expect(model.state.devices).toEqual([]);
  });
});
