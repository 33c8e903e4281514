import type { StoredProfile } from '../../../packages/core/src/storage/storage.js';
import { bug, pageOf, type SeededBug } from './right-storage.js';

/** Ids that a column stores in another form. */
function folding(name: string, group: string, fold: (userId: string) => string): SeededBug {
  const caughtBy = [{ case: `keeps apart ids that differ only in ${group}`, saying: /finds the profile of another id/ }];
  return bug(name, caughtBy, (_, right) => ({
    read: (userId) => right.read(fold(userId)),
    write: (userId, next, expected) => right.write(fold(userId), next, expected),
    remove: (userId, expected) => right.remove(fold(userId), expected),
  }));
}

export const idBugs: SeededBug[] = [
  folding('folds letter case, as most MySQL collations do', 'letter case', (userId) => userId.toLowerCase()),
  folding('folds trailing blanks, as a PAD SPACE collation does', 'trailing', (userId) => userId.replace(/ +$/, '')),
  folding('trims', 'trailing', (userId) => userId.trim()),
  folding('folds accents', 'accents', (userId) => userId.normalize('NFD').replace(/\p{M}/gu, '')),
  folding('composes accents (NFC)', 'composed', (userId) => userId.normalize('NFC')),
  folding('composes compatibility forms (NFKC)', 'compatibility', (userId) => userId.normalize('NFKC')),
  folding('cuts ids at 254 bytes', 'their last', (userId) => Buffer.from(userId).subarray(0, 254).toString('latin1')),
  folding('takes ids for numbers', 'numbers', (userId) =>
    userId.trim() === '' || Number.isNaN(Number(userId)) ? userId : String(Number(userId)),
  ),
  folding('joins keys by a colon that it does not escape', 'separators', (userId) => userId.replace(/^:|:$/g, '')),
  folding('ignores invisible characters', 'invisible', (userId) => userId.replace(/[\u00ad\u200b-\u200d\ufeff]/g, '')),
  folding('replaces characters of other planes, as a three-byte utf8 does', 'emoji', (userId) =>
    userId.replace(/[\u{10000}-\u{10ffff}]/gu, '?'),
  ),

  bug(
    'padding: a CHAR column gives ids back with blanks',
    [{ case: 'keeps apart ids that differ only in trailing', saying: /the list lacks "bob", or has it in another form/ }],
    (_, right) => ({
      async listUserIds(cursor) {
        const page = await right.listUserIds(cursor);
        return { ...page, userIds: page.userIds.map((userId) => userId.padEnd(255)) };
      },
    }),
  ),

  bug(
    'finds ids by LIKE',
    [{ case: 'keeps apart ids that differ only in wildcards', saying: /"c%" cannot be removed|of another id/ }],
    (rows, right) => {
      const find = (pattern: string) => {
        const source = pattern
          .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
          .replaceAll('%', '[^]*')
          .replaceAll('_', '[^]');
        return [...rows.keys()].find((userId) => new RegExp(`^${source}$`, 'u').test(userId)) ?? pattern;
      };
      return { read: (userId) => right.read(find(userId)) };
    },
  ),

  {
    name: 'keeps rows in a plain object',
    caughtBy: [{ case: 'keeps apart ids that differ only in names of JavaScript', saying: /"__proto__" cannot be removed/ }],
    start() {
      const rows = {} as Record<string, StoredProfile>;
      return {
        open: () => ({
          async read(userId) {
            await null;
            const row = rows[userId];
            return row ? { version: row.version, value: row.value } : null;
          },
          async write(userId, next, expected) {
            await null;
            if ((rows[userId]?.version ?? null) !== expected) return false;
            rows[userId] = { ...next };
            return true;
          },
          async remove(userId, expected) {
            await null;
            return rows[userId]?.version === expected && delete rows[userId];
          },
          listUserIds: async (cursor = '') => pageOf(Object.keys(rows).filter((userId) => userId > cursor)),
        }),
      };
    },
  },
];
