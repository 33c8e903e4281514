// Random applications on NestJS 11: node dist/coverage.js 1000. The test copies this file and test/nest/coverage-applications.ts to src.
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { checkApplication, connectBySocket, connectInProcess, type Platform } from './coverage-applications';

const ADAPTERS = { express: () => new ExpressAdapter(), fastify: () => new FastifyAdapter() };

async function check(platform: Platform, count: number, first: number): Promise<void> {
  const adapter = ADAPTERS[platform];
  const total = { platform, first, count, refused: 0, answered: 0, guarded: 0, verdicts: 0, needless: 0 };
  for (let index = 0; index < count; index++) {
    const seed = first + index;
    const given = { platform, adapter, connect: index % 20 === 0 ? connectBySocket : connectInProcess };
    const found = await checkApplication(seed, { ...given, everywhere: false });
    if (!found) total.refused++;
    total.answered += found?.answered ?? 0;
    total.guarded += found?.guarded ?? 0;
    if (index % 2 === 1) continue;
    const precise = await checkApplication(seed, { ...given, connect: connectInProcess, everywhere: true });
    total.verdicts += precise?.verdicts ?? 0;
    total.needless += precise?.needless.length ?? 0;
  }
  console.log(JSON.stringify(total));
}

async function main(): Promise<void> {
  const count = Number(process.argv[2] ?? 100);
  const first = Number(process.env.MFA_KIT_SEED ?? Math.floor(Math.random() * 1_000_000_000));
  for (const platform of ['express', 'fastify'] as const) await check(platform, count, first);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
