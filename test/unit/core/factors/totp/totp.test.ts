import { describe, expect, it } from 'vitest';
import { parseCode, SECRET_BYTES, stepAt } from '../../../../../packages/core/src/factors/totp/totp.js';
import { createAuthenticator } from '../../../../support/core-fixture.js';
import { fc } from '../../../../support/fast-check.js';
import { totpOfWindow } from '../../../../support/totp-of-window.js';

const STEP = 30_000;
const T0 = 1_800_000_000_000;
const factor = totpOfWindow(1);
const narrow = totpOfWindow(0);
const data = factor.begin(Buffer.from('12345678901234567890'));
const { code } = createAuthenticator(data.secret);

describe('the input of a TOTP code', () => {
  const refused: [string, unknown][] = [
    ['Arabic digits', '٠١٢٣٤٥'],
    ['full-width digits', '１２３４５６'],
    ['an exponent', '1e5'],
    ['a sign', '+12345'],
    ['a decimal', '12345.'],
    ['hexadecimal', '0x1234'],
    ['five digits', '12345'],
    ['seven digits', '1234567'],
    ['nothing', ''],
    ['blanks alone', '      '],
    ['a hyphen', '123-456'],
    ['a tab', '123\t456'],
    ['a no-break space', '123\u00a0456'],
    ['a thin space', '123\u2009456'],
    ['a zero-width space', '123\u200b456'],
    ['a line end after it', '123456\n'],
    ['NUL after it', '123456\0'],
    ['10 KB', '1'.repeat(10_240)],
    ['10 KB of spaces and a code', `${' '.repeat(10_240)}123456`],
    ['a number', 123_456],
    ['a big integer', 123_456n],
    ['an array of one', ['123456']],
    ['an array of digits', [1, 2, 3, 4, 5, 6]],
    ['an object that prints as a code', { toString: () => '123456', length: 6 }],
    ['an operator', { $ne: null }],
    ['a prototype', JSON.parse('{"__proto__":{"length":6},"constructor":"123456"}')],
    ['a String object', Object('123456')],
    ['a symbol', Symbol('123456')],
    ['true', true],
    ['null', null],
    ['undefined', undefined],
    ['not a number', Number.NaN],
    ['bytes', Buffer.from('123456')],
  ];

  it.each(refused)('T45, T46, TOTP-5: %s is refused without an exception', (_, input) => {
    expect(parseCode(input)).toBeNull();
  });

  it.each(['123456', '123 456', ' 1 2 3 4 5 6 ', '12 34 56'])('spaces do not matter: %j', (input) => {
    expect(parseCode(input)).toBe('123456');
  });

  it('T46: 32 characters are read, 33 are not', () => {
    expect(parseCode('123456'.padEnd(32))).toBe('123456');
    expect(parseCode('123456'.padEnd(33))).toBeNull();
  });

  it('TOTP-5: leading zeros stay', () => {
    expect(parseCode('000042')).toBe('000042');
    expect(parseCode('42')).toBeNull();
  });

  it('TOTP-5: any input gives six ASCII digits or null, and nothing throws', () => {
    const anything = fc.oneof(fc.anything({ withNullPrototype: true, withBigInt: true }), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(anything, (input) => {
        const parsed = parseCode(input);
        if (parsed === null) return true;
        return /^[0-9]{6}$/.test(parsed) && typeof input === 'string' && input.replaceAll(' ', '') === parsed;
      }),
      { numRuns: 5000 },
    );
  });
});

describe('the window of a TOTP code', () => {
  const start = stepAt(T0) * STEP;
  const edges: [string, number, typeof factor, string][] = [
    ['one millisecond before the step before it', start - STEP - 1, factor, 'wrong'],
    ['the first millisecond of the step before it', start - STEP, factor, 'accepted'],
    ['the last millisecond of the step after it', start + 2 * STEP - 1, factor, 'accepted'],
    ['one millisecond after the step after it', start + 2 * STEP, factor, 'wrong'],
    ['the first millisecond of its step, window 0', start, narrow, 'accepted'],
    ['the last millisecond of its step, window 0', start + STEP - 1, narrow, 'accepted'],
    ['one millisecond before its step, window 0', start - 1, narrow, 'wrong'],
    ['one millisecond after its step, window 0', start + STEP, narrow, 'wrong'],
  ];

  it.each(edges)('TOTP-3: at %s', (_, now, used, outcome) => {
    expect(used.check(data, code(start), { now }).outcome).toBe(outcome);
  });

  it('TOTP-3: a code is accepted exactly within the window', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60_000_000 }), fc.integer({ min: -5 * STEP, max: 5 * STEP }), (step, offset) => {
        const now = Math.max(step * STEP + offset, 0);
        const typed = code(step * STEP);
        const within = [-1, 0, 1].some((away) => stepAt(now) + away === step);
        const same = [-1, 0, 1].some((away) => stepAt(now) + away >= 0 && code((stepAt(now) + away) * STEP) === typed);
        return factor.check(data, typed, { now }).outcome === (within || same ? 'accepted' : 'wrong');
      }),
      { numRuns: 1000 },
    );
  });

  it('there is no step before the first, at the beginning of time', () => {
    expect(factor.check(data, code(0), { now: 0 }).outcome).toBe('accepted');
    expect(factor.check(data, code(STEP), { now: 0 }).outcome).toBe('accepted');
    expect(factor.check(data, code(2 * STEP), { now: 0 }).outcome).toBe('wrong');
  });

  it('T2: accepting a step closes the whole window behind it', () => {
    const accepted = factor.check(data, code(start + STEP), { now: start });
    expect(accepted.data.closed).toEqual([{ from: stepAt(start) - 1, to: stepAt(start) + 1 }]);
    for (const step of [-1, 0, 1]) {
      expect(factor.check(accepted.data, code(start + step * STEP), { now: start }).outcome).toBe('replayed');
    }
  });

  // Found by searching with this secret: about one pair of neighbors in a million.
  it.each([
    { first: 61_331_809, later: 61_331_811 },
    { first: 62_075_368, later: 62_075_369 },
  ])('two steps with the same code use up the later one, so the code is not accepted again ($first)', ({ first, later }) => {
    const twin = code(first * STEP);
    expect(code(later * STEP)).toBe(twin);
    const now = (later - 1) * STEP;
    const accepted = factor.check(data, twin, { now });
    expect(accepted.outcome).toBe('accepted');
    expect(accepted.data.closed.at(-1)?.to).toBe(later);
    for (const at of [now, now + STEP, now + 2 * STEP]) {
      expect(factor.check(accepted.data, twin, { now: at }).outcome).toBe('replayed');
    }
    const half = factor.check(data, code((first - 1) * STEP), { now: (first - 1) * STEP });
    expect(factor.check({ ...half.data, closed: [{ from: first, to: first }] }, twin, { now }).outcome).toBe('replayed');
  });

  it('checking a code does not change its arguments', () => {
    const before = JSON.stringify(data);
    factor.check(Object.freeze({ ...data, closed: Object.freeze([]) as never }), code(T0), { now: T0 });
    expect(JSON.stringify(data)).toBe(before);
  });

  it('a closed step ahead of the window is reported as an anomaly, in seconds', () => {
    const ahead = factor.check(data, code(T0 + 3_600_000), { now: T0 + 3_600_000 }).data;
    expect(factor.check(ahead, '000000', { now: T0 }).aheadSeconds).toBe(3600 - 30);
    expect(factor.check(ahead, '000000', { now: T0 + 3_600_000 }).aheadSeconds).toBeUndefined();
    // The last step of the window is not ahead of it.
    expect(factor.check(ahead, '000000', { now: T0 + 3_600_000 - STEP })).not.toHaveProperty('aheadSeconds');
  });

  it('a clock before 1970 accepts no code', () => {
    expect(factor.check(data, code(0), { now: -3 * STEP }).outcome).toBe('wrong');
  });
});

it('ENR-1: the secret is the given 160 bits', () => {
  expect(SECRET_BYTES).toBe(20);
  expect(factor.begin(new Uint8Array(20)).secret).toBe('A'.repeat(32));
});

describe('what an enrollment shows', () => {
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

  it('ENR-2: the exact URI, and the key in groups of four', () => {
    expect(factor.show(data, { issuer: 'Acme & Co: Berlin', name: 'ada@example.com' })).toEqual({
      uri: `otpauth://totp/Acme%20%26%20Co-%20Berlin:ada%40example.com?secret=${secret}&issuer=Acme%20%26%20Co-%20Berlin&algorithm=SHA1&digits=6&period=30`,
      manualKey: 'GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ',
    });
  });

  it('ENR-2: the replacement character for half of a surrogate pair, without throwing', () => {
    expect(factor.show(data, { issuer: 'Acme', name: 'a\ud83e' }).uri).toContain('totp/Acme:a%EF%BF%BD?');
  });

  it('stored profiles name the kind "totp"', () => {
    expect(factor.kind).toBe('totp');
  });
});
