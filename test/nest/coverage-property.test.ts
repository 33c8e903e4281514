import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { describe, expect, it } from 'vitest';
import { fc } from '../support/fast-check.js';
import { ROUNDS } from '../support/proof.js';
import { checkApplication, connectBySocket, connectInProcess, type Platform } from './coverage-applications.js';

const ADAPTERS = { express: () => new ExpressAdapter(), fastify: () => new FastifyAdapter() };

/** How many applications of each kind: few in `npm test`, 1,000 in `npm run prove coverage`. */
const COUNT = Number(process.env.COVERAGE_RUNS ?? (ROUNDS === 2 ? 24 : 50 * ROUNDS));

describe.each(['express', 'fastify'] as const satisfies Platform[])('random applications of Nest with %s', (platform) => {
  it.each([
    ['in this process', connectInProcess, COUNT],
    ['over sockets', connectBySocket, Math.max(6, COUNT / 20)],
  ] as const)(
    'T31: nothing that a request without a login reaches is guarded or without a row, %s',
    async (_name, connect, numRuns) => {
      let [answered, handled, guarded, refused] = [0, 0, 0, 0];
      const started = Date.now();
      const property = fc.asyncProperty(fc.integer({ min: 1 }), async (seed) => {
        const found = await checkApplication(seed, { platform, everywhere: false, adapter: ADAPTERS[platform], connect });
        answered += found?.answered ?? 0;
        handled += found?.handled ?? 0;
        guarded += found?.guarded ?? 0;
        if (!found) refused++;
      });
      await fc.assert(property, { numRuns, endOnFailure: true });
      if (ROUNDS !== 2) console.log(platform, numRuns, { answered, handled, guarded, refused, ms: Date.now() - started });
      expect(Math.min(answered, handled, guarded)).toBeGreaterThan(0);
      expect(refused).toBeLessThan(numRuns);
    },
    60_000 + COUNT * 1000,
  );

  it(
    'T31: a guard of the application leaves at most 1 verdict in 100 unknown',
    async () => {
      const needless: string[] = [];
      let verdicts = 0;
      const property = fc.asyncProperty(fc.integer({ min: 1 }), async (seed) => {
        const given = { platform, everywhere: true, adapter: ADAPTERS[platform], connect: connectInProcess };
        const found = await checkApplication(seed, given);
        verdicts += found?.verdicts ?? 0;
        needless.push(...(found?.needless ?? []));
      });
      await fc.assert(property, { numRuns: Math.ceil(COUNT / 2), endOnFailure: true });
      if (ROUNDS !== 2) console.log(platform, { verdicts, needless: needless.length });
      expect(verdicts).toBeGreaterThan(0);
      expect(needless.length / verdicts, needless.join('\n')).toBeLessThanOrEqual(0.01);
    },
    60_000 + COUNT * 1000,
  );
});
