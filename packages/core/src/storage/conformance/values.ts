import { check, newProfile, type StorageCase } from './case.js';

const ID = 'values';
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** The size that the port promises to accept. A full profile of 48 KB, sealed, in base64url, has 65,619 characters at most. */
const LARGEST = 66_560;
/** One character more than a MySQL TEXT holds. */
const TEXT_AND_ONE = 64 * 1024;

/** Values come back byte for byte. */
export const valueCases: StorageCase[] = [
  {
    name: 'keeps 66,560 characters, every one of base64url, to the last one',
    async run({ put, expectStored }) {
      for (const length of [LARGEST, LARGEST - 1, TEXT_AND_ONE, TEXT_AND_ONE - 1]) {
        const stored = await put(ID, largeValue(length));
        await expectStored(ID, stored, `with a value of ${length} characters`);
      }
    },
  },
  {
    name: 'overwrites a large value by a small one, and back, and leaves nothing of either',
    async run({ put, first, expectStored }) {
      let stored = await put(ID, largeValue(LARGEST));
      for (const value of ['A', largeValue(LARGEST), 'AA', `${largeValue(256)}`, 'A']) {
        const next = newProfile(value);
        check(await first.write(ID, next, stored.version), 'an update that expects the stored version said false');
        await expectStored(ID, next, `with a value of ${value.length} characters`);
        stored = next;
      }
    },
  },
  {
    name: 'takes a value for text, whatever it looks like',
    async run({ put, expectStored }) {
      for (const value of ['0', '007', '1e3', 'null', 'true', 'NaN', '-1', '_', '0x10', 'aAbB', 'AaBb']) {
        await expectStored(ID, await put(ID, value), `with the value ${value}`);
      }
    },
  },
  {
    name: 'keeps the longest version, 32 characters',
    async run({ put, first, expectStored }) {
      const before = await put(ID);
      const stored = { version: 'Zz-_0123456789abcdefghijklmnopqr', value: 'value' };
      check(await first.write(ID, stored, before.version), 'an update that expects the stored version said false');
      await expectStored(ID, stored, 'with a version of 32 characters');
      check(await first.remove(ID, stored.version), 'a removal that expects the stored version said false');
    },
  },
];

/** Each character at each position modulo 64, so that a shift is visible too. */
function largeValue(length: number): string {
  const line = Array.from({ length: 64 }, (_, shift) => BASE64URL.slice(shift) + BASE64URL.slice(0, shift)).join('');
  return line.repeat(Math.ceil(length / line.length)).slice(0, length);
}
