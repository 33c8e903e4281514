import type { MfaStorage } from '../storage.js';
import { type CaseContext, check, newProfile, type StorageCase } from './case.js';

const ID = 'races';
const PARALLEL = 50;

/** Of all callers that expect one version, one wins, and the stored bytes are the winner's. */
export function raceCases(rounds: number): StorageCase[] {
  return [
    {
      name: `one of ${PARALLEL} parallel creates wins, with its bytes, ${rounds} rounds`,
      async run(context) {
        for (let round = 0; round < rounds; round++) {
          await context.clear(ID);
          await expectOneWinner(context, { expected: null, removals: 0, round });
        }
      },
    },
    {
      name: `one of ${PARALLEL} parallel updates wins, with its bytes, ${rounds} rounds`,
      async run(context) {
        let { version } = await context.put(ID);
        for (let round = 0; round < rounds; round++) {
          version = (await expectOneWinner(context, { expected: version, removals: 0, round })) ?? version;
        }
      },
    },
    {
      name: `updates against removals: one of ${PARALLEL} wins, ${rounds} rounds`,
      async run(context) {
        for (let round = 0; round < rounds; round++) {
          const { version } = await context.put(ID);
          await expectOneWinner(context, { expected: version, removals: PARALLEL / 2, round });
        }
      },
    },
    {
      name: `one of ${PARALLEL} parallel removals wins, ${rounds} rounds`,
      async run(context) {
        for (let round = 0; round < rounds; round++) {
          const { version } = await context.put(ID);
          await expectOneWinner(context, { expected: version, removals: PARALLEL, round });
        }
      },
    },
    {
      name: 'no update is lost: 20 counters at once end at the number of their successes',
      async run({ put, first, second }) {
        await put(ID, '0');
        const successes = await Promise.all(
          Array.from({ length: 20 }, (_, index) => countUp(index % 2 ? first : second, ID, 10)),
        );
        const counted = successes.reduce((sum, count) => sum + count, 0);
        const stored = await first.read(ID);
        check(stored?.value === String(counted), `${counted} updates said true, and ${stored?.value} are stored`);
      },
    },
    {
      name: `${PARALLEL} users at once do not hinder each other`,
      async run({ clear, first, second, expectStored }) {
        const userIds = Array.from({ length: PARALLEL }, (_, index) => `${ID}-${index}`);
        await clear(...userIds);
        const profiles = await Promise.all(
          userIds.map(async (userId, index) => {
            const storage = index % 2 ? first : second;
            const profile = newProfile();
            // A lock of the whole database may return false, but not for ever.
            for (let attempt = 0; attempt < 200; attempt++) {
              if (await storage.write(userId, profile, null)) return { userId, profile };
              await null;
            }
            throw new Error(`creating ${userId} said false 200 times while nothing was stored`);
          }),
        );
        for (const { userId, profile } of profiles) await expectStored(userId, profile, `${userId} after the race`);
      },
    },
  ];
}

interface Race {
  expected: string | null;
  /** How many of the racers remove; the others write. */
  removals: number;
  round: number;
}

/** Returns the winner's version; null if a removal won. */
async function expectOneWinner(context: CaseContext, { expected, removals, round }: Race): Promise<string | null> {
  const racers = await Promise.all(
    Array.from({ length: PARALLEL }, async (_, index) => {
      // In pairs, because writes and removals alternate.
      const storage = index % 4 < 2 ? context.first : context.second;
      // Spread evenly, so that neither kind is always first.
      const removes =
        expected !== null && Math.floor(((index + 1) * removals) / PARALLEL) > Math.floor((index * removals) / PARALLEL);
      const profile = removes ? null : newProfile();
      const won = profile ? await storage.write(ID, profile, expected) : await storage.remove(ID, expected as string);
      check(typeof won === 'boolean', 'a call gave neither true nor false');
      return { won, profile };
    }),
  );
  const winners = racers.filter(({ won }) => won);
  check(winners.length === 1, `round ${round}: ${winners.length} of ${PARALLEL} said true`);
  const winner = winners[0]?.profile ?? null;
  await context.expectStored(ID, winner, `round ${round}, after the race`);
  return winner?.version ?? null;
}

async function countUp(storage: MfaStorage, userId: string, times: number): Promise<number> {
  let successes = 0;
  for (let round = 0; round < times; round++) {
    const stored = await storage.read(userId);
    check(stored !== null, 'a profile vanished that nobody removed');
    const next = newProfile(String(Number(stored.value) + 1));
    if (await storage.write(userId, next, stored.version)) successes++;
  }
  return successes;
}
