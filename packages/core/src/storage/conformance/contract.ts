import { check, expectSame, newProfile, newVersion, type StorageCase } from './case.js';

const ID = 'contract';

/** The port's promises for one caller at a time. */
export const contractCases: StorageCase[] = [
  {
    name: 'reads null for a user of whom nothing is stored',
    async run({ clear, expectStored }) {
      await clear(ID);
      await expectStored(ID, null, 'with nothing stored');
    },
  },
  {
    name: 'creates once: a second create is false and leaves the bytes',
    async run({ put, first, second, expectStored }) {
      const stored = await put(ID);
      check((await first.write(ID, newProfile(), null)) === false, 'a create over a stored profile said true');
      check(
        (await second.write(ID, newProfile(), null)) === false,
        'a create over a stored profile said true on the second connection',
      );
      await expectStored(ID, stored, 'after a refused create');
    },
  },
  {
    name: 'updates only over the expected version',
    async run({ put, first, second, expectStored }) {
      const stored = await put(ID);
      check((await first.write(ID, newProfile(), newVersion())) === false, 'an update that expects another version said true');
      await expectStored(ID, stored, 'after a refused update');
      const next = newProfile();
      check((await second.write(ID, next, stored.version)) === true, 'an update that expects the stored version said false');
      await expectStored(ID, next, 'after an update');
      check(
        (await first.write(ID, newProfile(), stored.version)) === false,
        'an update that expects an overwritten version said true',
      );
      await expectStored(ID, next, 'after an update from an overwritten version');
    },
  },
  {
    name: 'an update creates nothing',
    async run({ clear, first, expectStored }) {
      await clear(ID);
      check((await first.write(ID, newProfile(), newVersion())) === false, 'an update of nothing said true');
      await expectStored(ID, null, 'after an update of nothing');
    },
  },
  {
    name: 'removes only at the expected version, and once',
    async run({ put, first, second, expectStored }) {
      const stored = await put(ID);
      check((await first.remove(ID, newVersion())) === false, 'a removal that expects another version said true');
      await expectStored(ID, stored, 'after a refused removal');
      check((await second.remove(ID, stored.version)) === true, 'a removal that expects the stored version said false');
      await expectStored(ID, null, 'after a removal');
      check((await first.remove(ID, stored.version)) === false, 'a second removal said true');
      check((await first.remove(ID, newVersion())) === false, 'a removal of nothing said true');
    },
  },
  {
    // With a counter this version would repeat, and a slow request would overwrite a reset with an old secret.
    name: 'a version from before a removal is worth nothing after a new creation',
    async run({ put, first, expectStored }) {
      const before = await put(ID);
      check(await first.remove(ID, before.version), 'a removal that expects the stored version said false');
      const again = newProfile();
      check(await first.write(ID, again, null), 'a create after a removal said false');
      check(
        (await first.write(ID, newProfile(), before.version)) === false,
        'an update from a version before the removal said true',
      );
      check((await first.remove(ID, before.version)) === false, 'a removal at a version before the removal said true');
      await expectStored(ID, again, 'after stale calls');
    },
  },
  {
    name: 'compares versions exactly: case, leading zeros, exponents',
    async run({ put, first, expectStored }) {
      const pairs = [
        ['aBcDeFaBcDeFaBcDeFaBcD', 'abcdefabcdefabcdefabcd'],
        ['00000000000000000000000000000012', '12'],
        ['00000000000000000000000000000e12', '0'],
        ['1e3', '1000'],
      ] as const;
      for (const [version, other] of pairs) {
        const before = await put(ID);
        const stored = { version, value: 'value' };
        check(await first.write(ID, stored, before.version), 'an update that expects the stored version said false');
        check((await first.write(ID, newProfile(), other)) === false, `version ${other} was taken for ${version}`);
        check((await first.remove(ID, other)) === false, `version ${other} was taken for ${version} by a removal`);
        await expectStored(ID, stored, `with version ${version}`);
      }
    },
  },
  {
    name: 'keeps users apart: a version of one user opens no other',
    async run({ put, first, expectStored }) {
      const one = await put(ID);
      const other = await put(`${ID}-other`);
      check((await first.write(ID, newProfile(), other.version)) === false, "an update with another user's version said true");
      check((await first.remove(ID, other.version)) === false, "a removal with another user's version said true");
      await expectStored(ID, one, "after calls with another user's version");
      await expectStored(`${ID}-other`, other, "after calls on another user with this one's version");
    },
  },
  {
    name: 'a profile that was handed over or read is a copy',
    async run({ put, clear, first, expectStored }) {
      await clear(ID);
      const mine = newProfile();
      const written = { ...mine };
      check(await first.write(ID, written, null), 'a create said false');
      written.value = 'changed';
      await expectStored(ID, mine, 'after the written object was changed');
      const read = await first.read(ID);
      if (read) read.value = 'changed';
      await expectStored(ID, mine, 'after the read object was changed');
      await put(ID);
    },
  },
  {
    name: 'what is true on one connection is read on the other at once, 200 rounds',
    async run({ clear, first, second }) {
      await clear(ID);
      let stored = null as Awaited<ReturnType<typeof first.read>>;
      for (let round = 0; round < 200; round++) {
        const [writer, reader] = round % 2 ? [first, second] : [second, first];
        expectSame(await reader.read(ID), stored, `round ${round}, before the call`);
        if (stored && round % 5 === 4) {
          check(await writer.remove(ID, stored.version), `round ${round}: a removal that expects the stored version said false`);
          stored = null;
        } else {
          const next = newProfile();
          check(
            await writer.write(ID, next, stored?.version ?? null),
            `round ${round}: a write that expects what is stored said false`,
          );
          stored = next;
        }
        expectSame(await reader.read(ID), stored, `round ${round}, after true`);
      }
    },
  },
];
