import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMfa } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { verifiedSession } from '@mfa-kit/core/testing';
import { KEY } from '../key.mjs';
import { median, spread } from '../measure.mjs';
import { wrongCode } from '../sides/kit.mjs';

const STORAGE_MS = 500;

/** How long other work waits for the event loop while fifty verifications, one of them throttled, run on a slow storage. */
export async function* measureQuietLoop({ rounds }) {
  const clock = { ahead: 0, now: () => Date.now() + clock.ahead };
  const storage = memoryStorage({ losesAllDataOnRestart: true });
  let delay = 0;
  const slow = {
    ...storage,
    async read(id) {
      await sleep(delay);
      return storage.read(id);
    },
    async write(id, next, expected) {
      await sleep(delay);
      return storage.write(id, next, expected);
    },
  };
  const mfa = createMfa({ issuer: 'Acme', keys: [KEY], storage: slow, clock: clock.now });
  const people = [];
  for (let index = 0; index < 50; index++) {
    const user = { id: `user-${index}`, name: 'a user' };
    people.push({ user, ...(await verifiedSession(mfa, user)) });
  }
  const [throttled] = people;
  const idle = [];
  const busy = [];
  for (let round = 0; round < rounds; round++) {
    clock.ahead += 3_600_000;
    const given = [];
    for (const { user, authenticator } of people) {
      const { session } = await mfa.beginLogin({ user });
      given.push({ user, session, proof: { kind: 'totp', code: authenticator.code(clock.now()) } });
    }
    for (let tries = 0; tries < 5; tries++)
      await mfa.verify({ ...given[0], proof: { kind: 'totp', code: wrongCode(throttled, clock.now()) } });
    delay = STORAGE_MS;
    idle.push(await longestDelays(() => sleep(2 * STORAGE_MS)));
    busy.push(
      await longestDelays(async () => {
        const answers = await Promise.all(given.map((input) => mfa.verify(input)));
        const refused = answers.filter((answer) => !answer.ok);
        if (refused.length !== 1 || refused[0].reason !== 'throttled')
          throw new Error(`refused: ${refused.map((one) => one.reason)}`);
      }),
    );
    delay = 0;
  }
  const p99 = spread(busy);
  yield {
    id: 'event-loop',
    title: 'Delay of the event loop under 50 verifications, storage slowed to 500 ms; p99 in microseconds',
    costs: new Map([
      ['idle', idle.map((ms) => ms * 1000)],
      ['50 verifications', busy.map((ms) => ms * 1000)],
    ]),
    goals: [{ name: 'event-loop.p99-ms', ratio: p99, bound: '<20', ok: median(busy) < 20 }],
  };
}

/** The 99th percentile of the delay, in milliseconds, above the resolution of the sampler. */
async function longestDelays(work) {
  const resolution = 1;
  const histogram = monitorEventLoopDelay({ resolution });
  histogram.enable();
  await work();
  histogram.disable();
  return Math.max(histogram.percentile(99) / 1e6 - resolution, 0);
}
