import type { MfaStorage, StoredProfile } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { describe, expect, it } from 'vitest';
import { SECOND } from '../support/core-fixture.js';
import { fc } from '../support/fast-check.js';
import { ROUNDS } from '../support/proof.js';
import {
  addApp,
  cancel,
  changePassword,
  confirm,
  createModel,
  enroll,
  logIn,
  logInWithCode,
  type Model,
  manageAll,
  manageApp,
  moveClock,
  type OneStep,
  recover,
  revoke,
  startEnrollment,
  statusOf,
  support,
  verify,
} from './commands.js';
import { type Call, findOrder } from './orders.js';
import { createWorld, type World } from './world.js';

const input = { tokens: 'newest', remember: true, label: true } as const;

/** Browser 0 may manage and has started to enroll a third authenticator; 1 is known; 1 and 2 are at the prompt. */
const before = [
  enroll(0, 0),
  addApp(0, 0, 0),
  logInWithCode(0, 0, 0, input),
  logInWithCode(1, 0, 0, input),
  startEnrollment(0, 0),
  moveClock(61 * SECOND),
  logIn(1, 0, 'none', false),
  logIn(2, 0, 'none', true),
];

const browser = fc.nat(2);
const process = fc.nat(1);
const atOnce: fc.Arbitrary<OneStep> = fc.oneof(
  fc
    .tuple(browser, process, fc.record({ app: fc.nat(1), ahead: fc.constantFrom(0, 0, 1) }), fc.constant(input))
    .map((given) => verify(...given)),
  fc.tuple(browser, process).map(([at, by]) => verify(at, by, 'wrong', input)),
  fc.tuple(browser, process, fc.nat(1)).map(([at, by, number]) => recover(at, by, number, input)),
  fc.tuple(browser, process, fc.constantFrom('newest', 'older'), fc.boolean()).map((given) => logIn(...given)),
  fc.tuple(process, fc.boolean()).map(([by, remember]) => confirm(0, by, 0, { app: 0, ahead: 0 }, { ...input, remember })),
  fc.tuple(browser, process).map((given) => startEnrollment(...given)),
  fc.tuple(fc.constant(0), process, fc.constant(0)).map((given) => cancel(...given)),
  fc.tuple(fc.constant('remove' as const), fc.constant(0), process, fc.nat(1)).map((given) => manageApp(...given)),
  fc.tuple(fc.constantFrom('regenerate', 'end all sessions'), fc.constant(0), process).map((given) => manageAll(...given)),
  fc.tuple(fc.constant(0), process, fc.nat(1)).map((given) => revoke(...given)),
  fc.tuple(browser, process, fc.boolean()).map((given) => changePassword(...given)),
  fc.tuple(fc.constantFrom('reset', 'clear the lockout', 'forget'), process).map((given) => support(...given)),
);

/** The concurrent operations, with positions in the order of all events. */
interface UnderWay {
  model: Model;
  calls: Promise<Call>[];
}

describe('concurrent operations in two processes, in any order of their storage calls', () => {
  it('STO-2, STO-3, I1, I2, I3, I5, I6: have the same answers and final state as some sequential order', async () => {
    const gate = createGate();
    const world = createWorld([gate.storage], 'required');
    const prepared = createModel('required');
    for (const command of before) await command.run(prepared, world);
    const record = await gate.stored();
    const commands = fc.commands([atOnce.map(begun)], { maxCommands: 5, size: 'max' });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), commands, async (scheduler, some) => {
        await gate.begin(record, scheduler);
        const model = { ...prepared };
        const underWay: UnderWay = { model, calls: [] };
        await fc.scheduledModelRun(scheduler, () => ({ model: underWay, real: world }), some);
        const done = Promise.all(underWay.calls);
        await scheduler.waitFor(done);
        gate.end();
        await checkOrder(await done, model, world);
      }),
      { numRuns: 60 * ROUNDS, endOnFailure: globalThis.process.env.MFA_KIT_SEEDED_BUG !== undefined },
    );
  }, 600_000);
});

/** Starts the operation without awaiting it. */
function begun(command: OneStep): fc.AsyncCommand<UnderWay, World> {
  return {
    check: () => true,
    async run({ model, calls }, world) {
      const step = command.stepOf(model, world);
      const name = `${++model.count}`;
      const invokedAt = ++instants;
      const call = world.perform(step, command.process);
      calls.push(call.then((real) => ({ name, step, invokedAt, returnedAt: ++instants, real })));
    },
    toString: () => String(command),
  };
}

let instants = 0;

async function checkOrder(calls: readonly Call[], model: Model, world: World): Promise<void> {
  const seen = await Promise.all(
    calls.map(async (call) => (call.real.session ? { ...call, access: await world.accessOfReal(call.real.session) } : call)),
  );
  const status = await world.status();
  const now = world.clock.now();
  const facts = { now, mfa: model.mfa, shows: world.shows };
  const order = findOrder(seen, model.state, facts, (state) => same(statusOf(state, now), status));
  expect(order, `no order gives these answers and ${JSON.stringify(status)}: ${described(seen)}`).not.toBeNull();
}

function same(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function described(calls: readonly Call[]): string {
  return calls
    .map(({ step, invokedAt, returnedAt, real, access }) => {
      return `\n  ${step.kind} (${invokedAt} to ${returnedAt}): ${real.seen.said}${access ? `, in the end ${access}` : ''}`;
    })
    .join('');
}

/** A storage that can be reset, and whose calls are scheduled before their effect and before their answer. */
function createGate() {
  let storage = memoryStorage();
  let scheduler: fc.Scheduler | null = null;
  const around = async <T>(name: string, act: (storage: MfaStorage) => Promise<T>): Promise<T> => {
    if (scheduler) await scheduler.schedule(Promise.resolve(), `before ${name}`);
    const result = await act(storage);
    if (scheduler) await scheduler.schedule(Promise.resolve(), `after ${name}`);
    return result;
  };
  const gated: MfaStorage = {
    read: (userId) => around('read', (on) => on.read(userId)),
    write: (userId, next, expected) => around('write', (on) => on.write(userId, next, expected)),
    remove: (userId, expected) => around('remove', (on) => on.remove(userId, expected)),
    listUserIds: (cursor) => storage.listUserIds(cursor),
  };
  return {
    storage: gated,
    async stored(): Promise<{ userId: string; profile: StoredProfile }> {
      const [userId = ''] = (await storage.listUserIds()).userIds;
      const profile = await storage.read(userId);
      if (!profile) throw new Error('nothing is stored');
      return { userId, profile };
    },
    async begin({ userId, profile }: { userId: string; profile: StoredProfile }, by: fc.Scheduler) {
      storage = memoryStorage();
      await storage.write(userId, profile, null);
      scheduler = by;
    },
    end() {
      scheduler = null;
    },
  };
}
