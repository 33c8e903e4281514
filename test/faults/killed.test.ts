import type { MfaStorage } from '@mfa-kit/core';
import { postgresStorage } from '@mfa-kit/core/storage/postgres';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileCore, type RaceProcess, startProcess } from '../races/processes.js';
import { createBench, HOUR } from '../support/core-fixture.js';
import { type PostgresDatabase, postgresDatabase } from '../support/postgres.js';
import { countFaults, countOperations, ROUNDS } from '../support/proof.js';
import { describeWith } from '../support/requires.js';
import { peek } from './core-faulty-storage.js';
import { answerOf, comesIn, prepareOn, scenarios, stateOf } from './scenarios.js';

const database: PostgresDatabase | null = await postgresDatabase();
/** Each flow makes two storage calls: a read, and a write or removal. */
const everyPoint = [1, 2].flatMap((at) => (['before', 'after'] as const).map((when) => ({ at, when })));
// A quick run leaves out those where nothing has been written for certain.
const points = everyPoint.filter(({ at }) => at === 2 || ROUNDS > 3);

describeWith(
  database,
  'd-1, ENR-6, FLT-2, I1-I7: killed at any storage call, an operation is done as a whole or not at all',
  (db) => {
    let pool: pg.Pool;
    let storage: MfaStorage;
    let core: string;
    let survivor: RaceProcess;
    let turn: Promise<unknown> = Promise.resolve();
    let users = 0;

    beforeAll(async () => {
      pool = new pg.Pool({ connectionString: db.connectionString, connectionTimeoutMillis: 2_000 });
      pool.on('error', () => undefined);
      await postgresStorage(pool).createTable();
      storage = postgresStorage(pool);
      core = await compileCore('killed');
      survivor = await startProcess(core, db.connectionString);
    }, 120_000);
    afterAll(async () => {
      survivor?.stop();
      await pool.end();
      await db.drop();
    });

    it.each(scenarios)(
      '$name',
      async (scenario) => {
        await Promise.all(
          points.map(async (crash) => {
            const at = `killed ${crash.when} call ${crash.at}`;
            const prepared = await prepareOn(storage, scenario, { id: `killed-${++users}`, name: 'somebody@example.com' });
            const before = await peek(storage, prepared.user.id);
            const { method, input, now } = prepared;
            const victim = await startProcess(core, db.connectionString);
            expect(await victim.run({ method, inputs: [input], now, crash }), `${at}: an answer`).toBeNull();
            countFaults();

            const state = async () => stateOf(scenario, await peek(storage, prepared.user.id), before);
            const left = crash.at === 2 && crash.when === 'after' ? 'after' : 'before';
            expect(await state(), `${at}: what is stored`).toBe(left);

            // Another process answers the client's repetition, without repair by anybody.
            const asked = turn.then(() => survivor.run<object>({ method, inputs: [input], now }));
            turn = asked;
            const told = await asked;
            countOperations(2);
            const honest = left === 'after' ? scenario.repeated : scenario.expected;
            expect(answerOf(told?.answers[0]), `${at}: the answer to the repetition`).toBe(honest);
            if (left === 'before') expect(await state(), `${at}: what is stored after the repetition`).toBe('after');
            const later = now + HOUR;
            const { mfa } = createBench({ storage, clock: () => later });
            expect(await comesIn(mfa, { ...prepared, now: later }), `${at}: a login an hour later`).toBe('ok');
          }),
        );
      },
      60_000,
    );
  },
);
