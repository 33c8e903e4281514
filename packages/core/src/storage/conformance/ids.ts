import { check, newProfile, type StorageCase } from './case.js';
import { listAll } from './listing.js';

/** Groups of ids that something between here and the disk is known to treat as equal. Each id is its own user. */
const groups: Record<string, string[]> = {
  'letter case': ['alice', 'Alice', 'ALICE', 'straße', 'STRASSE', 'strasse', 'i', 'I', 'İ', 'ı'],
  'trailing and leading blanks': ['bob', 'bob ', 'bob  ', ' bob', 'bob\t', 'bob\n', '\nbob', 'bob\u00a0', ' ', '  '],
  accents: ['alice-a', 'álice-a', 'àlice-a', 'älice-a', 'Älice-a', 'ålice-a'],
  'composed and decomposed accents': ['caf\u00e9', 'cafe\u0301', 'cafe', '\u212b', '\u00c5', 'A\u030a'],
  'compatibility forms': ['fi', '\ufb01', '\uff46\uff49', 'x2', 'x\u00b2', 'ss', '\u00df', '\u2126', '\u03a9'],
  'invisible characters': [
    'eve',
    'eve\u200b',
    '\ufeffeve',
    'e\u00adve',
    'eve\u200d',
    'eve\u0001',
    'eve\u007f',
    'eve\u0085',
    'eve\ufffd',
  ],
  quotes: [
    "o'hara",
    'o"hara',
    'o`hara',
    "o''hara",
    "o\\'hara",
    'o\\hara',
    'o\\\\hara',
    "'; DROP TABLE mfa_profiles; --",
    '$1',
    '?',
    ':id',
    '@id',
  ],
  wildcards: ['c%', 'c_', 'c*', 'c?', 'c[', 'c{', 'c\\', 'cx', 'c', 'c[a-z]', 'c.*', '%', '*', '_'],
  'names of JavaScript': [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '[object Object]',
    'undefined',
    'null',
    'true',
    'NaN',
  ],
  numbers: [
    '1',
    '01',
    '1.0',
    '1e0',
    '+1',
    '-1',
    ' 1',
    '0x1',
    '0',
    '-0',
    '00',
    '9007199254740993',
    '9007199254740992',
    '18446744073709551616',
    '١',
  ],
  separators: [
    'a:b',
    'a:b:',
    ':a:b',
    'a/b',
    'a|b',
    'a,b',
    'a;b',
    'a.b',
    'a#b',
    'a&b=c',
    'a+b',
    'a%20b',
    'a b',
    '..',
    '../a',
    'a\\b',
    '["a","b"]',
    '["a:b"]',
  ],
  'emoji and other planes': [
    '😀',
    '😁',
    '👍',
    '👍🏽',
    '👩‍👩‍👧',
    '👩',
    '❤',
    '❤️',
    '\u{10ffff}',
    '\u{1f600}x',
    '\uffff',
    '\ue000',
    '𝒜',
    'A-plane',
  ],
  'their last of 255 bytes': [
    ...['a', 'b', 'A', ' '].map((last) => `${'x'.repeat(254)}${last}`),
    'x'.repeat(253),
    'x'.repeat(254),
    ...['日', '本'].map((last) => `${'語'.repeat(84)}${last}`),
    ...['a', 'b'].map((last) => `${'😀'.repeat(63)}xx${last}`),
  ],
};

/** Ids are compared byte for byte: all ids of a group are stored at the same time. */
export const idCases: StorageCase[] = Object.entries(groups).map(([what, userIds]) => ({
  name: `keeps apart ids that differ only in ${what}`,
  async run({ clear, first, second, expectStored }) {
    await clear(...userIds);
    const profiles = new Map(userIds.map((userId) => [userId, newProfile()]));
    check(profiles.size === userIds.length, 'the case itself has an id twice');

    for (const [userId, profile] of profiles) {
      check((await first.read(userId)) === null, `${JSON.stringify(userId)} finds the profile of another id`);
      check(await first.write(userId, profile, null), `${JSON.stringify(userId)} could not be created beside its neighbors`);
    }
    for (const [userId, profile] of profiles) await expectStored(userId, profile, JSON.stringify(userId));

    const listed = new Set(await listAll(second));
    for (const userId of userIds)
      check(listed.has(userId), `the list lacks ${JSON.stringify(userId)}, or has it in another form`);

    for (const [userId, profile] of profiles) {
      const next = newProfile();
      check(await second.write(userId, next, profile.version), `${JSON.stringify(userId)} could not be updated`);
      profiles.set(userId, next);
    }
    for (const [userId, profile] of profiles) {
      await expectStored(userId, profile, `${JSON.stringify(userId)} after its neighbors were changed`);
      check(await first.remove(userId, profile.version), `${JSON.stringify(userId)} could not be removed`);
    }
    const left = new Set(await listAll(first));
    for (const userId of userIds) check(!left.has(userId), `the list still has ${JSON.stringify(userId)} after its removal`);
  },
}));
