import { bug, type SeededBug } from './right-storage.js';

/** Bugs in how a write or a removal decides, and in what it keeps. */
export const writeBugs: SeededBug[] = [
  bug(
    'check-then-act: reads, compares, then writes without a condition',
    [
      { case: 'one of 50 parallel creates', saying: /50 of 50 said true/ },
      { case: 'one of 50 parallel updates', saying: /50 of 50 said true/ },
      { case: 'updates against removals', saying: /50 of 50 said true/ },
      { case: 'one of 50 parallel removals', saying: /50 of 50 said true/ },
      { case: 'no update is lost', saying: /200 updates said true, and 10 are stored/ },
    ],
    (rows, right) => ({
      async write(userId, next, expected) {
        const stored = await right.read(userId);
        if ((stored?.version ?? null) !== expected) return false;
        await null;
        rows.set(userId, { ...next });
        return true;
      },
      async remove(userId, expected) {
        const stored = await right.read(userId);
        if (stored?.version !== expected) return false;
        await null;
        rows.delete(userId);
        return true;
      },
    }),
  ),

  bug(
    'counter versions: compares a number of its own, which starts again after a removal',
    [{ case: 'a version from before a removal', saying: /an update from a version before the removal said true/ }],
    (rows) => {
      const counters = new Map<string, number>();
      return {
        async write(userId, next, expected) {
          await null;
          const stored = rows.get(userId);
          const matches = stored
            ? expected !== null && counters.get(expected) === counters.get(stored.version)
            : expected === null;
          if (!matches) return false;
          counters.set(next.version, (stored ? (counters.get(stored.version) ?? 0) : 0) + 1);
          rows.set(userId, { ...next });
          return true;
        },
      };
    },
  ),

  bug(
    'upserting: an update of nothing creates',
    [{ case: 'an update creates nothing', saying: /an update of nothing said true/ }],
    (rows, right) => ({
      async write(userId, next, expected) {
        await null;
        if (expected === null || rows.has(userId)) return right.write(userId, next, expected);
        rows.set(userId, { ...next });
        return true;
      },
    }),
  ),

  bug(
    'a create that overwrites',
    [{ case: 'creates once', saying: /a create over a stored profile said true/ }],
    (rows, right) => ({
      async write(userId, next, expected) {
        await null;
        if (expected !== null) return right.write(userId, next, expected);
        rows.set(userId, { ...next });
        return true;
      },
    }),
  ),

  bug(
    'a removal without a condition',
    [{ case: 'removes only', saying: /a removal that expects another version said true/ }],
    (rows) => ({
      async remove(userId) {
        await null;
        return rows.delete(userId);
      },
    }),
  ),

  bug(
    'a version of any user opens every user',
    [{ case: 'keeps users apart', saying: /an update with another user's version said true/ }],
    (rows, right) => ({
      async write(userId, next, expected) {
        await null;
        if (expected === null) return right.write(userId, next, expected);
        if (![...rows.values()].some(({ version }) => version === expected) || !rows.has(userId)) return false;
        rows.set(userId, { ...next });
        return true;
      },
    }),
  ),

  bug(
    'compares versions without case',
    [{ case: 'compares versions exactly', saying: /version abcdefabcdefabcdefabcd was taken for aBcDeF/ }],
    (rows, right) => ({
      async write(userId, next, expected) {
        await null;
        const stored = rows.get(userId)?.version;
        return right.write(userId, next, stored && stored.toLowerCase() === expected?.toLowerCase() ? stored : expected);
      },
    }),
  ),

  bug(
    'versions in a numeric column',
    [{ case: 'compares versions exactly', saying: /version 12 was taken for 0000/ }],
    (_, right) => {
      const numeric = (version: string) => (/^[\d.e]+$/.test(version) ? String(Number(version)) : version);
      return {
        write: (userId, next, expected) =>
          right.write(userId, { ...next, version: numeric(next.version) }, expected === null ? null : numeric(expected)),
        remove: (userId, expected) => right.remove(userId, numeric(expected)),
      };
    },
  ),

  bug(
    'cuts versions at 22 characters',
    [{ case: 'keeps the longest version', saying: /reads version Zz-_0123456789abcdefgh instead/ }],
    (_, right) => {
      const cut = (version: string) => (version.startsWith('Zz') ? version.slice(0, 22) : version);
      return {
        write: (userId, next, expected) => right.write(userId, { ...next, version: cut(next.version) }, expected),
        remove: (userId, expected) => right.remove(userId, cut(expected)),
      };
    },
  ),

  bug(
    'value-cutting: a MySQL TEXT column without strict mode',
    [{ case: 'keeps 66,560 characters', saying: /65535 characters instead of 66560/ }],
    (_, right) => ({
      write: (userId, next, expected) => right.write(userId, { ...next, value: next.value.slice(0, 65_535) }, expected),
    }),
  ),

  bug('takes a value for a number', [{ case: 'takes a value for text', saying: /with the value 007/ }], (_, right) => ({
    write: (userId, next, expected) =>
      right.write(userId, { ...next, value: /^[\d.e+-]+$/.test(next.value) ? String(Number(next.value)) : next.value }, expected),
  })),

  bug(
    'keeps the object that it was given',
    [{ case: 'a profile that was handed over', saying: /after the written object was changed/ }],
    (rows) => ({
      async write(userId, next, expected) {
        await null;
        if ((rows.get(userId)?.version ?? null) !== expected) return false;
        rows.set(userId, next);
        return true;
      },
    }),
  ),

  bug(
    'false although it is stored: counts the rows of another statement',
    [{ case: 'updates only', saying: /an update that expects the stored version said false/ }],
    (_, right) => ({
      write: async (userId, next, expected) => (await right.write(userId, next, expected)) && expected === null,
    }),
  ),

  bug(
    'true although it is not stored: ignores how many rows were changed',
    [{ case: 'creates once', saying: /a create over a stored profile said true/ }],
    (_, right) => ({
      async write(userId, next, expected) {
        await right.write(userId, next, expected);
        return true;
      },
    }),
  ),
];
