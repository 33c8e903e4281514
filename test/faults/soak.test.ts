import type { MfaStorage } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { createClock } from '@mfa-kit/core/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { createFixture, DAY, HOUR, loginPending, reasonOf } from '../support/core-fixture.js';
import { describeWith } from '../support/requires.js';
import { openPlace, sharedStores } from '../support/shared-stores.js';
import { peek } from './core-faulty-storage.js';
import { endless, enrollSoakUser, hours, LONGEST_WAIT, type Setting, type SoakUser } from './soak-people.js';

const DAYS = 30;
/** By this day everything has reached its limit except for a few ranges of used steps. */
const SETTLED = 24;
const AT_ONCE = 16;
/** A third of the maximum of 48 KB for a record. */
const LARGEST = 16 * 1024;
const LONG = process.env.MFA_KIT_ROUNDS !== undefined;

describe('in memory', () => {
  soak('in memory', () => memoryStorage(), LONG ? 1000 : 20);
});

for (const store of LONG ? sharedStores.filter(({ name }) => name === 'PostgreSQL' || name === 'Redis') : []) {
  const place = await store.open();
  const opened = place && (await openPlace(place));
  describeWith(opened, `on ${store.name}`, ({ storage, close }) => {
    afterAll(async () => {
      await close();
      await place?.drop();
    });
    soak(`on ${store.name}`, () => storage, 40);
  });
}

function soak(where: string, open: () => MfaStorage, count: number): void {
  it(`d-9, I3, I9, I10, THR-5: in a month of ${count} people and their attackers ${where} records stay small, and everything expires`, async () => {
    const clock = createClock();
    const storage = open();
    const { mfa } = createFixture({ storage, clock: clock.now, onEvent: () => undefined, notify: () => undefined });
    const setting: Setting = { mfa, clock };
    const people: SoakUser[] = [];
    await atOnce(count, async (number) => void people.push(await enrollSoakUser(setting, number)));
    const begin = clock.now() + DAY;
    const largest: number[] = [];
    for (let day = 0; day < DAYS; day++) {
      for (const [hour, act] of hours) {
        clock.set(begin + day * DAY + hour * HOUR);
        await atOnce(count, (index) => act(setting, people[index] as SoakUser, day));
      }
      largest.push(Math.max(...(await sizes(storage, people))));
    }

    expect(
      people.flatMap(({ refused }) => refused),
      'what owners were told',
    ).toEqual([]);
    expect(Math.max(...largest), 'bytes of the largest record').toBeLessThan(LARGEST);
    expect(largest.at(-1), 'bytes of the largest record in the end').toBeLessThan((largest[SETTLED] ?? 0) * 1.05);
    const evaluated = people.map((person) => person.evaluated);
    expect(Math.max(...evaluated), 'guesses of an attacker in a month').toBeLessThanOrEqual(100);
    expect(Math.min(...evaluated), 'guesses of an attacker in a month').toBeGreaterThan(50);
    expect(Math.max(...people.map(({ longestWait }) => longestWait)), 'seconds').toBeLessThanOrEqual(LONGEST_WAIT);
    await atOnce(count, async (index) => {
      const profile = await peek(storage, people[index]?.user.id ?? '');
      expect(profile && endless(profile, clock.now()), 'what has no end').toEqual([]);
    });

    // Without further activity the longest wait ends, and a month later nothing is remembered.
    clock.advance(LONGEST_WAIT * 1000);
    await atOnce(count, async (index) => {
      const { user, authenticator } = people[index] as SoakUser;
      const input = {
        user,
        session: await loginPending(mfa, user),
        proof: { kind: 'totp' as const, code: authenticator.code(clock.now()) },
      };
      expect(reasonOf(await mfa.verify(input)), 'a right code after the longest wait').toBe('ok');
    });
    clock.advance(DAYS * DAY);
    await atOnce(count, async (index) => {
      const { user, deviceToken = '' } = people[index] as SoakUser;
      expect((await mfa.beginLogin({ user, deviceToken })).decision.access, 'a month later').toBe('challenge');
      expect(await mfa.getStatus({ user })).toMatchObject({ ok: true, status: { waitSeconds: 0 } });
    });
  }, 600_000);
}

async function sizes(storage: MfaStorage, people: readonly SoakUser[]): Promise<number[]> {
  const found: number[] = [];
  await atOnce(people.length, async (index) => {
    found.push((await storage.read(people[index]?.user.id ?? ''))?.value.length ?? 0);
  });
  return found;
}

/** Calls it for each index, several at a time. */
async function atOnce(count: number, act: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < count) await act(next++);
    }),
  );
}
