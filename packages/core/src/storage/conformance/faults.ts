import { timers } from '../../time.js';
import { type CaseContext, check, newProfile, newVersion, type Outcome, outcomeOf, type StorageCase } from './case.js';

const ID = 'faults';
const BLACK_HOLE_MS = 2000;
const HEALED_WITHIN_MS = 5000;

/** What core relies on when something breaks: true is stored, false is not, and an uncertain outcome throws. */
export const faultCases: StorageCase[] = [
  {
    name: 'a lost connection throws: it is neither null nor false nor an empty list',
    needs: 'disconnect',
    async run(context) {
      const { put, first, hooks, expectStored } = context;
      const stored = await put(ID);
      const reconnect = await required(hooks.disconnect)();
      try {
        await expectThrows(first.read(ID), 'read');
        await expectThrows(first.write(ID, newProfile(), stored.version), 'write');
        await expectThrows(first.write(`${ID}-new`, newProfile(), null), 'write of a new profile');
        await expectThrows(first.remove(ID, stored.version), 'remove');
        await expectThrows(first.listUserIds(), 'listUserIds');
      } finally {
        await reconnect();
      }
      await expectHealthy(context, ID);
      await expectStored(ID, stored, 'after the connection came back');
    },
  },
  {
    name: 'calls that a lost connection cuts: true is stored, false is not',
    needs: 'disconnect',
    async run(context) {
      const { put, first, hooks } = context;
      const calls = [];
      for (let index = 0; index < 20; index++) {
        const userId = `${ID}-cut-${index}`;
        const before = await put(userId);
        calls.push({ userId, before, next: newProfile() });
      }
      const settled = Promise.all(calls.map(({ userId, before, next }) => outcomeOf(first.write(userId, next, before.version))));
      const reconnect = await required(hooks.disconnect)();
      const outcomes = await settled;
      await reconnect();
      await expectHealthy(context, ...calls.map(({ userId }) => userId));
      for (const [index, { userId, before, next }] of calls.entries()) {
        await expectHonest(context, { userId, before: before.version, next: next.version, outcome: outcomes[index] ?? 'threw' });
      }
    },
  },
  {
    // With core's list of recent versions, this read resolves a lost reply.
    name: 'after a lost reply, reading tells whether the write was stored',
    needs: 'loseNextReply',
    async run(context) {
      const { put, first, hooks } = context;
      const before = await put(ID);
      const next = newProfile();
      await required(hooks.loseNextReply)();
      const outcome = await withDeadline(outcomeOf(first.write(ID, next, before.version)));
      await expectHealthy(context, ID);
      const stored = await first.read(ID);
      check(
        stored?.version === next.version || stored?.version === before.version,
        'after a lost reply, neither the version before nor the one written is stored',
      );
      check(outcome !== true || stored.version === next.version, 'a write with a lost reply said true and is not stored');
      if (stored.version === next.version) check(stored.value === next.value, 'a version is stored with the value of another');
    },
  },
  {
    name: 'after a lost reply to a create, reading tells whether it was stored',
    needs: 'loseNextReply',
    async run(context) {
      const { clear, first, hooks } = context;
      const userId = `${ID}-created`;
      await clear(userId);
      const next = newProfile();
      await required(hooks.loseNextReply)();
      const outcome = await withDeadline(outcomeOf(first.write(userId, next, null)));
      await expectHealthy(context, userId);
      const stored = await first.read(userId);
      check(
        stored === null || stored.version === next.version,
        'after a lost reply to a create, neither nothing nor the version written is stored',
      );
      check(outcome !== true || stored !== null, 'a create with a lost reply said true and is not stored');
      await clear(userId);
    },
  },
  {
    name: 'after a lost reply to a removal, reading tells whether it was removed',
    needs: 'loseNextReply',
    async run(context) {
      const { put, first, hooks } = context;
      const before = await put(ID);
      await required(hooks.loseNextReply)();
      const outcome = await withDeadline(outcomeOf(first.remove(ID, before.version)));
      await expectHealthy(context, ID);
      const stored = await first.read(ID);
      check(
        stored === null || stored.version === before.version,
        'after a lost reply to a removal, something else than the version before is stored',
      );
      check(outcome !== true || stored === null, 'a removal with a lost reply said true and is not done');
    },
  },
  {
    name: 'two seconds of black hole: healthy within five, and every answer was honest',
    needs: 'blackHole',
    async run(context) {
      const { put, first, second, hooks } = context;
      const before = await put(ID);
      const next = newProfile();
      const heal = await required(hooks.blackHole)();
      const pending = outcomeOf(first.write(ID, next, before.version));
      const reads = Array.from({ length: 30 }, (_, index) => (index % 2 ? first : second).read(ID).then(() => true));
      const settled = Promise.all(reads.map(outcomeOf));
      await sleep(BLACK_HOLE_MS);
      await heal();
      await expectHealthy(context, ID);
      const outcome = await withDeadline(pending);
      await withDeadline(settled);
      await expectHonest(context, { userId: ID, before: before.version, next: next.version, outcome });
    },
  },
  {
    name: "true survives the rollback of the application's transaction",
    needs: 'inHostTransaction',
    async run(context) {
      const { put, clear, first, hooks } = context;
      const before = await put(ID);
      await clear(`${ID}-new`);
      const next = newProfile();
      const created = newProfile();
      let outcomes: { update: Outcome; create: Outcome } = { update: 'threw', create: 'threw' };
      await required(hooks.inHostTransaction)(first, async () => {
        outcomes = {
          update: await withDeadline(outcomeOf(first.write(ID, next, before.version))),
          create: await withDeadline(outcomeOf(first.write(`${ID}-new`, created, null))),
        };
      });
      await expectHonest(context, { userId: ID, before: before.version, next: next.version, outcome: outcomes.update });
      await expectHonest(context, { userId: `${ID}-new`, before: null, next: created.version, outcome: outcomes.create });
    },
  },
  {
    // Connections that met a lock have returned true without committing, and have read an old snapshot.
    name: 'a call that met a lock leaves no lie behind: later trues are stored, later reads are fresh',
    needs: 'inHostTransaction',
    async run({ put, first, second, hooks, expectStored }) {
      let stored = await put(ID);
      for (const holder of [first, second]) {
        await required(hooks.inHostTransaction)(holder, async () => {
          const call = { profile: newProfile(), expected: stored.version };
          for (const storage of [first, second]) {
            await withDeadline(storage.read(ID).catch(() => null));
            if ((await withDeadline(outcomeOf(storage.write(ID, call.profile, call.expected)))) === true) stored = call.profile;
            await withDeadline(outcomeOf(storage.remove(ID, newVersion())));
          }
        });
        for (let round = 0; round < 6; round++) {
          const next = newProfile();
          check(
            await (round % 2 ? first : second).write(ID, next, stored.version),
            'after a lock, an update that expects the stored version said false',
          );
          stored = next;
          await expectStored(ID, stored, 'after a lock and an update that said true');
        }
      }
    },
  },
];

async function expectHonest(
  { first, second }: CaseContext,
  call: { userId: string; before: string | null; next: string; outcome: Outcome },
): Promise<void> {
  for (const storage of [first, second]) {
    const version = (await storage.read(call.userId))?.version ?? null;
    check(
      version === call.next || version === call.before,
      `${call.userId}: neither the state before nor the one written is stored`,
    );
    check(call.outcome !== true || version === call.next, `${call.userId}: a write said true and is not stored`);
    check(call.outcome !== false || version === call.before, `${call.userId}: a write said false and is stored`);
  }
}

/** Retries as core would, with a deadline for each call, until both connections answer for these users, who may be on several servers. */
export async function expectHealthy({ first, second }: CaseContext, ...userIds: string[]): Promise<void> {
  let late = false;
  const timer = timers.setTimeout(() => {
    late = true;
  }, HEALED_WITHIN_MS);
  try {
    for (const [storage, userId] of userIds.flatMap((id) => [[first, id] as const, [second, id] as const])) {
      const answers = () =>
        storage.read(userId).then(
          () => true,
          () => false,
        );
      while (!(await Promise.race([answers(), sleep(1000).then(() => false)]))) {
        check(!late, `a storage does not answer ${HEALED_WITHIN_MS} ms after the fault ended`);
        await sleep(50);
      }
    }
  } finally {
    timers.clearTimeout(timer);
  }
}

async function expectThrows(call: Promise<unknown>, method: string): Promise<void> {
  const answer = await withDeadline(
    call.then(
      (value) => ({ value }),
      () => null,
    ),
  );
  check(answer === null, `${method} without a connection gave ${JSON.stringify(answer?.value)} instead of throwing`);
}

/** A call that never ends would block a test for ever; core itself gives up after 2 s. */
export async function withDeadline<T>(call: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof timers.setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = timers.setTimeout(() => reject(new Error('a call did not end within 10 s')), 10_000);
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    timers.clearTimeout(timer);
  }
}

export function required<T>(hook: T | undefined): T {
  if (hook === undefined) throw new Error('the hook is missing');
  return hook;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => timers.setTimeout(resolve, ms));
}
