import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, expect, it } from 'vitest';
import { startFaultProxy } from '../support/fault-proxy.js';
import { describeWith } from '../support/requires.js';
import { createCrowd } from './load-crowd.js';
import { type NetworkStore, networkStores } from './network-stores.js';

const CLIENTS = 50;
const LONG = process.env.MFA_KIT_ROUNDS !== undefined;
/** Additional milliseconds of a round trip to the store. Above two seconds no call of the store is in time. */
const LATENCIES = LONG ? [0, 50, 500, 3_000] : [50];
const NEVER_IN_TIME = 2_000;
/** An operation has four seconds. The rest is tolerance for a slow machine. */
const DEADLINE_MS = 5_500;
const HEALTH_MS = 300;
const LOOP_DELAY_MS = 250;
const HEAP_GROWTH = 20 * 1024 * 1024;

for (const [index, { name, open }] of networkStores.entries()) {
  if (index === 0 || LONG) loadOn(name, await open(), { seconds: LONG ? (index === 0 ? 40 : 12) : 2 });
}

function loadOn(store: string, opened: NetworkStore | null, { seconds }: { seconds: number }): void {
  describeWith(opened, `d-5, FLT-4, REC-6, I3, I8, I12: ${CLIENTS} clients at once on ${store}`, (server) => {
    afterAll(() => server.close());

    it.each(LATENCIES)(
      `d-5: with ${store} slower by %i ms no right proof is refused, no additional guess is evaluated, and other routes answer`,
      async (latency) => {
        const proxy = await startFaultProxy(server.port);
        const { storage, close } = await server.connect(proxy.port, CLIENTS);
        const crowd = await createCrowd(server.direct, storage);
        const health = await startHealthRoute();
        const loop = monitorEventLoopDelay({ resolution: 10 });
        try {
          // Opens connections and compiles code before the measurement.
          await crowd.round(CLIENTS);
          Object.assign(crowd.outcomes, { right: 0, unanswered: 0, milliseconds: [] });
          const heap = heapUsed();
          proxy.delay(latency / 2);
          loop.enable();
          health.begin();
          const end = performance.now() + seconds * 1000;
          while (performance.now() < end) await crowd.round(CLIENTS);
          loop.disable();
          const routes = await health.end();
          proxy.delay(0);

          const { right, unanswered, wrong, milliseconds } = crowd.outcomes;
          expect(wrong, 'answers that are not true').toEqual([]);
          if (latency < NEVER_IN_TIME) expect(right, 'true answers').toBeGreaterThan(0);
          else expect(right, 'true answers, though the store is too late').toBe(0);
          expect(await crowd.wrongBudgets(), 'budgets').toEqual([]);
          expect(routes.length, 'answers of another route').toBeGreaterThan(0);
          if (!LONG) return;
          if (latency < 500) expect(unanswered, 'unavailable or busy').toBe(0);
          expect(milliseconds.filter((ms) => ms > DEADLINE_MS).length, 'late answers').toBe(0);
          expect(percentile(routes, 99), 'milliseconds of another route').toBeLessThan(HEALTH_MS);
          expect(loop.percentile(99) / 1e6, 'delay of the event loop in milliseconds').toBeLessThan(LOOP_DELAY_MS);
          milliseconds.length = 0;
          expect(heapUsed() - heap, 'bytes that the heap has grown').toBeLessThan(HEAP_GROWTH);
        } finally {
          await health.end();
          await proxy.close();
          await close();
        }
      },
      180_000,
    );
  });
}

/** A route of the host without MFA, requested forty times a second. */
async function startHealthRoute() {
  const server = createServer((_, response) => response.end('well'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health`;
  const milliseconds: number[] = [];
  let running = true;
  let asking: Promise<void> = Promise.resolve();
  return {
    begin() {
      asking = (async () => {
        while (running) {
          const asked = performance.now();
          expect(await (await fetch(url)).text()).toBe('well');
          milliseconds.push(performance.now() - asked);
          await sleep(25);
        }
      })();
    },
    async end(): Promise<number[]> {
      running = false;
      await asking;
      server.closeAllConnections();
      server.close();
      return milliseconds;
    },
  };
}

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(Math.floor((sorted.length * percent) / 100), sorted.length - 1)] ?? 0;
}
