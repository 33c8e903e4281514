import type { MfaStorage } from '@mfa-kit/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OpenedStore } from '../races/open-store.mjs';
import { compileCore, type RaceProcess, startProcess } from '../races/processes.js';
import { createFixture, HOUR } from '../support/core-fixture.js';
import { countFaults, countOperations } from '../support/proof.js';
import { describeWith } from '../support/requires.js';
import { openPlace, type Place, sharedStores } from '../support/shared-stores.js';
import { peek } from './core-faulty-storage.js';
import { answerOf, comesIn, prepareOn, type Scenario, scenarios, stateOf } from './scenarios.js';

interface CrashPoint {
  at: number;
  when: 'before' | 'after';
}

/** Each flow makes two storage calls: a read, and a write or removal. */
const everyPoint: CrashPoint[] = [1, 2].flatMap((at) => (['before', 'after'] as const).map((when) => ({ at, when })));
const LONG = process.env.MFA_KIT_ROUNDS !== undefined;

let compiled: Promise<string> | undefined;

for (const [index, { name, open }] of sharedStores.filter((store) => store.name !== 'Redis Cluster').entries()) {
  const whole = index === 0 || LONG;
  killOn(name, await open(), {
    // A quick run omits the points before the write, and on all stores but the first also the flows without a distinct repeated answer.
    some: scenarios.filter(({ expected, repeated }) => whole || expected !== repeated),
    points: everyPoint.filter(({ at, when }) => LONG || (at === 2 && (whole || when === 'after'))),
  });
}

function killOn(
  store: string,
  opened: Place | null,
  { some, points }: { some: readonly Scenario[]; points: readonly CrashPoint[] },
): void {
  const name = `d-1, ENR-6, FLT-2, I1-I7: an operation that is killed at any storage call on ${store} is done completely or not at all`;
  describeWith(opened, name, (place) => {
    let own: OpenedStore;
    let storage: MfaStorage;
    let core: string;
    let survivor: RaceProcess;
    let turn: Promise<unknown> = Promise.resolve();
    let users = 0;

    beforeAll(async () => {
      own = await openPlace(place);
      storage = own.storage;
      compiled ??= compileCore('killed');
      core = await compiled;
      survivor = await startProcess(core, place.url);
    }, 120_000);
    afterAll(async () => {
      survivor?.stop();
      await own?.close();
      await place.drop();
    });

    it.each(some)(
      '$name',
      async (scenario) => {
        await Promise.all(
          points.map(async (crash) => {
            const at = `killed ${crash.when} call ${crash.at}`;
            const prepared = await prepareOn(storage, scenario, {
              id: `killed-${process.pid}-${++users}`,
              name: 'somebody@example.com',
            });
            const before = await peek(storage, prepared.user.id);
            const { method, input, now } = prepared;
            const victim = await startProcess(core, place.url);
            expect(await victim.run({ method, inputs: [input], now, crash }), `${at}: an answer`).toBeNull();
            countFaults();

            const state = async () => stateOf(scenario, await peek(storage, prepared.user.id), before);
            const left = crash.at === 2 && crash.when === 'after' ? 'after' : 'before';
            expect(await state(), `${at}: what is stored`).toBe(left);

            // Another process answers the client's repetition, without any repair.
            const asked = turn.then(() => survivor.run<object>({ method, inputs: [input], now }));
            turn = asked;
            const repeated = await asked;
            countOperations(2);
            const honest = left === 'after' ? scenario.repeated : scenario.expected;
            expect(answerOf(repeated?.answers[0]), `${at}: the answer to the repetition`).toBe(honest);
            if (left === 'before') expect(await state(), `${at}: what is stored after the repetition`).toBe('after');
            const later = now + HOUR;
            const { mfa } = createFixture({ storage, clock: () => later });
            expect(await comesIn(mfa, { ...prepared, now: later }), `${at}: a login an hour later`).toBe('ok');
          }),
        );
      },
      60_000,
    );
  });
}
