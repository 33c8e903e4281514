import type { MfaStorage } from '../storage.js';
import { type CaseContext, check, newProfile, type Outcome, outcomeOf, type StorageCase } from './case.js';
import { expectHealthy, required, withDeadline } from './faults.js';

const ID = 'left-open';

/** What happens to a call on a connection that the application left inside a transaction. */
export const openTransactionCases: StorageCase[] = [
  {
    name: 'a transaction that the application left open: a write that said true is stored, and one that said false is not',
    needs: 'leaveTransactionOpen',
    async run(context) {
      const { put, clear, first, hooks } = context;
      const isBlind = await saysItCannotSee(context, 'writes');
      const created = `${ID}-new`;
      const next = newProfile();
      const calls: { userId: string; next: string | null; call(before: string): Promise<boolean> }[] = [
        { userId: ID, next: next.version, call: (before) => first.write(ID, next, before) },
        { userId: created, next: next.version, call: () => first.write(created, next, null) },
        { userId: ID, next: null, call: (before) => first.remove(ID, before) },
      ];
      for (const { userId, next, call } of calls) {
        await clear(created);
        const stored = await put(ID);
        const before = userId === ID ? stored.version : null;
        const end = await required(hooks.leaveTransactionOpen)(first);
        try {
          const outcome = await withDeadline(outcomeOf(call(stored.version)));
          if (!isBlind) await expectTold(context, { userId, before, next, outcome }, 'while the transaction is open');
          await end();
          if (!isBlind) await expectTold(context, { userId, before, next, outcome }, 'after the transaction was rolled back');
        } finally {
          await end();
        }
        await expectHealthy(context, ID, created);
      }
    },
  },
  {
    name: 'a transaction that the application left open: a read and a list throw or are fresh',
    needs: 'leaveTransactionOpen',
    async run(context) {
      const { put, clear, first, second, hooks } = context;
      const isBlind = await saysItCannotSee(context, 'reads');
      const created = `${ID}-listed`;
      await clear(created);
      const before = await put(ID);
      const end = await required(hooks.leaveTransactionOpen)(first);
      try {
        const next = newProfile();
        check(await withDeadline(second.write(ID, next, before.version)), 'a write beside an open transaction said false');
        check(await withDeadline(second.write(created, newProfile(), null)), 'a create beside an open transaction said false');
        for (let round = 0; round < 3 && !isBlind; round++) {
          const read = await withDeadline(answerOf(first.read(ID)));
          check(
            read === 'threw' || read?.version === next.version,
            'a read in a transaction that the application left open gave what was stored before it',
          );
          const listed = await withDeadline(answerOf(listAll(first)));
          check(
            listed === 'threw' || listed.includes(created),
            'a list in a transaction that the application left open lacks who came after it began',
          );
        }
      } finally {
        await end();
      }
      await expectHealthy(context, ID);
      await clear(created);
    },
  },
];

/** Whether `unsafeSettings()` reports what these cases look for, so that users of the adapter know. */
async function saysItCannotSee({ second }: CaseContext, what: 'reads' | 'writes'): Promise<boolean> {
  const { unsafeSettings } = second as MfaStorage & { unsafeSettings?: () => Promise<string[]> };
  const sentences = unsafeSettings ? await unsafeSettings.call(second) : [];
  const other = what === 'reads' ? 'when it writes' : 'when it reads';
  return sentences.some((sentence) => sentence.includes('cannot see an open transaction') && !sentence.includes(other));
}

async function expectTold(
  { second }: CaseContext,
  call: { userId: string; before: string | null; next: string | null; outcome: Outcome },
  when: string,
): Promise<void> {
  const version = (await withDeadline(second.read(call.userId)))?.version ?? null;
  check(call.outcome !== true || version === call.next, `a write said true and is not stored, ${when}`);
  check(call.outcome !== false || version === call.before, `a write said false and is stored, ${when}`);
}

function answerOf<Answer>(call: Promise<Answer>): Promise<Answer | 'threw'> {
  return call.catch(() => 'threw' as const);
}

async function listAll(storage: MfaStorage): Promise<string[]> {
  const found: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await storage.listUserIds(...(cursor === undefined ? [] : [cursor]));
    found.push(...page.userIds);
    if (page.cursor === undefined) return found;
    cursor = page.cursor;
  }
}
