import { expect, it } from 'vitest';
import { createRepeats } from '../../../../../packages/core/src/flows/steps/repeats.js';

const T0 = 1_800_000_000_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const anomaly = (userId: string, at: number) => ({ name: 'clock_anomaly', aheadSeconds: 7, userId, at }) as const;
const flood = (userId: string, at: number) => ({ name: 'recovery_codes_flooded', tries: 1, userId, at }) as const;

it('F31: a clock anomaly of a user is reported once an hour, and again at once if the clock itself has jumped', () => {
  const { thin } = createRepeats();
  const reports = (userId: string, at: number) => thin(anomaly(userId, at)) !== null;
  expect([reports('a', T0), reports('a', T0 + HOUR - 1), reports('b', T0 + 1)]).toEqual([true, false, true]);
  expect([reports('a', T0 + HOUR), reports('a', T0 + HOUR + 1), reports('a', T0 - HOUR)]).toEqual([true, false, true]);
});

it('F24: a flood is reported once a minute, with the number since the last report', () => {
  const { thin } = createRepeats();
  const tries = (at: number) => {
    const event = thin(flood('a', at));
    return event?.name === 'recovery_codes_flooded' ? event.tries : null;
  };
  expect([tries(T0), tries(T0 + 1), tries(T0 + 2), tries(T0 + MINUTE), tries(T0 + MINUTE + 1)]).toEqual([1, null, null, 3, null]);
});

it('I10: a thousand users are remembered, and all other events pass', () => {
  const { thin } = createRepeats();
  for (let user = 0; user < 1_001; user++) thin(anomaly(`u${user}`, T0));
  expect(thin(anomaly('u1000', T0))).toBeNull();
  expect(thin(anomaly('u0', T0))).not.toBeNull();
  const event = { name: 'user_forgotten', userId: 'u1', at: T0 } as const;
  for (let times = 0; times < 3; times++) expect(thin(event)).toBe(event);
});
