import type { MfaStorage } from '../storage.js';
import { check, newProfile, type StorageCase } from './case.js';

/**
 * Last characters of a page, in byte order. Each is misread somewhere: in a pattern, a path or a statement. UTF-16 sorts the last ones
 * differently.
 */
const low = ['\t', ' ', '"', '#', '$1', '%', '&', "'", '*', '+', '-', '/', ':', '=', '?', '[', '\\', '_', '`', 'e\u0301', '{'];
const high = ['é', '日', '\ue000', '\uffff', '😀', '\u{10ffff}'];

/** Every id that is stored throughout is listed, even while others change. */
export function listingCases(count: number): StorageCase[] {
  const named = (index: number, kind: string) => {
    const half = count / 2;
    const marks = index < half ? low : high;
    const mark = marks[Math.floor(((index % half) / half) * marks.length)] ?? '';
    return `${mark}list-${String(index).padStart(5, '0')}-${kind}`;
  };
  const stable = Array.from({ length: count }, (_, index) => named(index, 'stable'));
  const passing = Array.from({ length: count }, (_, index) => named(index, 'passing'));

  return [
    {
      name: `lists ${count} ids over all pages, exactly`,
      async run({ first, second }) {
        await storeAll(first, stable);
        await removeAll(second, passing);
        const listed = await listAll(second);
        const mine = new Set(listed.filter((userId) => /list-\d{5}-(stable|passing)$/.test(userId)));
        const missing = stable.filter((userId) => !mine.has(userId));
        check(missing.length === 0, `the list lacks ${missing.length} of ${count} ids, ${JSON.stringify(missing[0])} first`);
        check(mine.size === count, `the list has ${mine.size - count} ids that are not stored`);
      },
    },
    {
      name: `lists every id that is there throughout while others come, change and go`,
      async run({ first, second }) {
        await storeAll(first, stable);
        await storeAll(first, passing.slice(0, count / 2));
        const listed = new Set<string>();
        let round = 0;

        for await (const page of pagesOf(second)) {
          for (const userId of page) listed.add(userId);
          // Half of the passing ids are removed and the other half is added, around every position that the list can be at.
          const share = Math.ceil(count / 8);
          await removeAll(first, passing.slice(round * share, (round + 1) * share));
          await storeAll(first, passing.slice(count / 2 + round * share, count / 2 + (round + 1) * share));
          await Promise.all(stable.filter((_, index) => index % 50 === round % 50).map((userId) => change(first, userId)));
          round++;
        }
        const missing = stable.filter((userId) => !listed.has(userId));
        check(
          missing.length === 0,
          `the list lacks ${missing.length} of ${count} ids that were there throughout, ${JSON.stringify(missing[0])} first`,
        );
        await removeAll(first, [...stable, ...passing]);
      },
    },
  ];
}

/** Every id of every page. */
export async function listAll(storage: MfaStorage): Promise<string[]> {
  const userIds: string[] = [];
  for await (const page of pagesOf(storage)) userIds.push(...page);
  return userIds;
}

async function* pagesOf(storage: MfaStorage): AsyncGenerator<string[]> {
  let cursor: string | undefined;
  for (let pages = 0; ; pages++) {
    check(pages < 100_000, 'the list does not end');
    const page = await (cursor === undefined ? storage.listUserIds() : storage.listUserIds(cursor));
    yield page.userIds;
    if (page.cursor === undefined) return;
    check(page.cursor !== cursor, 'the list gives the same cursor again');
    cursor = page.cursor;
  }
}

async function storeAll(storage: MfaStorage, userIds: string[]): Promise<void> {
  await inBatches(userIds, (userId) => storage.write(userId, newProfile(), null));
}

async function removeAll(storage: MfaStorage, userIds: string[]): Promise<void> {
  await inBatches(userIds, async (userId) => {
    const stored = await storage.read(userId);
    if (stored) await storage.remove(userId, stored.version);
  });
}

async function change(storage: MfaStorage, userId: string): Promise<void> {
  const stored = await storage.read(userId);
  check(stored !== null, `${userId} vanished, which nobody removed`);
  check(await storage.write(userId, newProfile(), stored.version), `${userId} could not be updated during the list`);
}

async function inBatches(userIds: string[], act: (userId: string) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < userIds.length; at += PARALLEL) await Promise.all(userIds.slice(at, at + PARALLEL).map(act));
}

const PARALLEL = 20;
