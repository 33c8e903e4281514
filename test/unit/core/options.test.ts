import { createMfa, MfaError, type MfaOptions } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { describe, expect, it } from 'vitest';
import { OPTIONS, resolveOptions } from '../../../packages/core/src/options.js';
import { ada, createFixture, expectOk, KEY, loginPending, OTHER_KEY } from '../../support/core-fixture.js';

const storage = memoryStorage();
const base: MfaOptions = { issuer: 'Acme', keys: [KEY], storage };

function messageOf(options: unknown): string {
  try {
    createMfa(options as MfaOptions);
  } catch (error) {
    if (error instanceof MfaError && error.code === 'invalid_option') return error.message;
    throw error;
  }
  return 'accepted';
}

function plainDefaults(): Record<string, unknown> {
  const defaults = Object.entries(OPTIONS).map(([name, option]) => [name, 'default' in option ? option.default : undefined]);
  return Object.fromEntries(defaults.filter(([, value]) => value !== undefined && typeof value !== 'function'));
}

const HEX = Buffer.from(KEY.secret, 'base64').toString('hex');
/** Thirty-two bytes with this number of different values. */
const bytesOf = (values: number) => Uint8Array.from({ length: 32 }, (_, index) => index % values);
const fix = /openssl rand -base64 32/;
const bad: [string, object, RegExp][] = [
  ['no issuer', { issuer: undefined }, /"issuer" must be the name/],
  ['an empty issuer', { issuer: '  ' }, /"issuer" must be the name/],
  ['an issuer that is a number', { issuer: 7 }, /"issuer" must be the name/],
  ['no keys', { keys: undefined }, fix],
  ['an empty list of keys', { keys: [] }, fix],
  ['keys that are no list', { keys: KEY }, fix],
  ['a key that is text', { keys: [KEY.secret] }, /"keys\[0\]\.id" must be 1 to 32 characters/],
  ['a key without an id', { keys: [{ secret: KEY.secret }] }, /"keys\[0\]\.id"/],
  ['a key id with a blank', { keys: [{ ...KEY, id: 'my key' }] }, /"keys\[0\]\.id"/],
  ['a key id of 33 characters', { keys: [{ ...KEY, id: 'x'.repeat(33) }] }, /"keys\[0\]\.id"/],
  ['a key id twice', { keys: [KEY, { ...OTHER_KEY, id: KEY.id }] }, /names the id "2026-11" twice/],
  [
    'a secret under two ids',
    { keys: [KEY, { id: 'other', secret: KEY.secret }] },
    /"keys\[1\]\.secret" is the secret of "2026-11"/,
  ],
  ['a secret that is not set', { keys: [{ id: 'a', secret: undefined }] }, /is the environment variable set\?/],
  ['a secret that is null', { keys: [{ id: 'a', secret: null }] }, /is the environment variable set\?/],
  ['a secret of 19 values', { keys: [{ id: 'a', secret: bytesOf(19) }] }, /not random/],
  ['a secret that is empty', { keys: [{ id: 'a', secret: '' }] }, fix],
  ['a secret of 31 bytes', { keys: [{ id: 'a', secret: Buffer.alloc(31, 'abcdefghijklmnopqrstuvwxyz01234') }] }, /has 31 bytes/],
  ['a secret of 24 bytes in base64', { keys: [{ id: 'a', secret: 'q1W0nE7gk5RrJ9sZbX2mVtYp8uLcA4dF' }] }, /has 24 bytes/],
  ['a secret that repeats', { keys: [{ id: 'a', secret: 'abcd'.repeat(8).concat('ABCD'.repeat(4)) }] }, /not random/],
  ['a secret of zeros', { keys: [{ id: 'a', secret: new Uint8Array(32) }] }, /not random/],
  ['a passphrase with blanks', { keys: [{ id: 'a', secret: 'correct horse battery staple and a lot more' }] }, /passphrase/],
  ['a passphrase in one case', { keys: [{ id: 'a', secret: 'correcthorsebatterystapleandalotmoreofwords' }] }, /passphrase/],
  ['a passphrase in both cases', { keys: [{ id: 'a', secret: 'Correct horse Battery staple and A lot More' }] }, /not base64/],
  ['32 letters in one case', { keys: [{ id: 'a', secret: 'correcthorsebatterystapleandalot' }] }, /looks like a passphrase/],
  [
    'F6: words in both cases',
    { keys: [{ id: 'a', secret: 'MyVerySecretProductionMfaKitKeyOfTheYear2026' }] },
    /looks like a passphrase/,
  ],
  ['capitals alone', { keys: [{ id: 'a', secret: 'CORRECTHORSEBATTERYSTAPLEANDALOTMORE' }] }, /looks like a passphrase/],
  ['a short word', { keys: [{ id: 'a', secret: 'changeme' }] }, /has 6 bytes/],
  ['hex with half a byte more', { keys: [{ id: 'a', secret: `${HEX}0` }] }, /looks like a passphrase/],
  ['hex with something behind it', { keys: [{ id: 'a', secret: `${HEX}zz` }] }, /looks like a passphrase/],
  ['hex with something before it', { keys: [{ id: 'a', secret: `zz${HEX}` }] }, /looks like a passphrase/],
  ['a placeholder', { keys: [{ id: 'a', secret: 'change-me' }] }, fix],
  ['a secret that is a number', { keys: [{ id: 'a', secret: 12345 }] }, /must be a string or bytes/],
  ['a secret that is a list', { keys: [{ id: 'a', secret: [1, 2, 3] }] }, /must be a string or bytes/],
  ['no storage', { storage: undefined }, /"storage" has no read, write, remove, listUserIds/],
  ['a database client for a storage', { storage: { query() {} } }, /Pass an adapter/],
  ['a storage without one method', { storage: { ...storage, remove: undefined } }, /"storage" has no remove\./],
  ['an empty realm', { realm: '' }, /"realm" must be/],
  ['a realm with a blank', { realm: 'my app' }, /"realm" must be/],
  ['a realm that is no text', { realm: 7 }, /"realm" must be/],
  ['a realm of 65 characters', { realm: 'x'.repeat(65) }, /"realm" must be/],
  ['a policy that is no function', { policy: { mfa: 'required' } }, /"policy" must be a function/],
  ['markEnrolled that is no function', { markEnrolled: true }, /"markEnrolled" must be a function/],
  ['onEvent that is no function', { onEvent: console }, /"onEvent" must be a function/],
  ['notify that is no function', { notify: 'mail' }, /"notify" must be a function/],
  ['a clock that is no function', { clock: 5 }, /"clock" must be a function/],
  ['31 days', { rememberDevice: { days: 31 } }, /"rememberDevice.days" must be a whole number from 1 to 30/],
  ['0 days', { rememberDevice: { days: 0 } }, /"rememberDevice.days"/],
  ['half a day', { rememberDevice: { days: 0.5 } }, /"rememberDevice.days"/],
  ['days as text', { rememberDevice: { days: '30' } }, /"rememberDevice.days"/],
  ['rememberDevice: true', { rememberDevice: true }, /"rememberDevice" must be/],
  ['a misspelled field of rememberDevice', { rememberDevice: { day: 7 } }, /"rememberDevice" has no field "day"/],
  ['rememberDevice: a number', { rememberDevice: 7 }, /"rememberDevice" must be/],
  ['4 recovery codes', { recoveryCodes: { count: 4 } }, /"recoveryCodes.count" must be a whole number from 5 to 20/],
  ['21 recovery codes', { recoveryCodes: { count: 21 } }, /"recoveryCodes.count"/],
  [
    'lowAt above the count',
    { recoveryCodes: { count: 5, lowAt: 6 } },
    /"recoveryCodes.lowAt" must be a whole number from 0 to 5/,
  ],
  ['a misspelled field of recoveryCodes', { recoveryCodes: { low: 2 } }, /"recoveryCodes" has no field "low"/],
  ['recoveryCodes: 10', { recoveryCodes: 10 }, /"recoveryCodes" must be/],
  ['recoveryCodes: null', { recoveryCodes: null }, /"recoveryCodes" must be/],
  ['F2: rememberDevice of null days', { rememberDevice: { days: null } }, /"rememberDevice.days" must be a whole number/],
  ['F2: a null number of recovery codes', { recoveryCodes: { count: null } }, /"recoveryCodes.count" must be a whole number/],
  ['F2: a null number of few recovery codes', { recoveryCodes: { lowAt: null } }, /"recoveryCodes.lowAt" must be a whole number/],
  ['F2: a null realm', { realm: null }, /"realm" must be/],
  ['F2: a null window', { windowSteps: null }, /"windowSteps" must be a whole number/],
  ['F2: a null revocation delay', { revocationDelaySeconds: null }, /"revocationDelaySeconds" must be a whole number/],
  ['a window of 2', { windowSteps: 2 }, /"windowSteps" must be a whole number from 0 to 1/],
  ['a window of -1', { windowSteps: -1 }, /"windowSteps"/],
  ['a revocation delay of 301 seconds', { revocationDelaySeconds: 301 }, /"revocationDelaySeconds" must be .* 0 to 300/],
  ['a login of 59 seconds', { freshLoginSeconds: 59 }, /"freshLoginSeconds" must be .* 60 to 86400/],
  ['a login of two days', { freshLoginSeconds: 172_800 }, /"freshLoginSeconds"/],
  ['a negative revocation delay', { revocationDelaySeconds: -1 }, /"revocationDelaySeconds"/],
  ['an option that does not exist', { rememberDevices: {} }, /Unknown option "rememberDevices"\. Known options: issuer, keys/],
];

describe('CRY-4, SUP-6: an invalid option throws at start, and the message says how to fix it', () => {
  it.each(bad)('%s', (_, change, message) => {
    expect(messageOf({ ...base, ...change })).toMatch(message);
  });

  it.each([undefined, null, 'x', 7])('the options %j', (options) => {
    expect(messageOf(options)).toMatch(/needs an object of options/);
  });

  it('no message holds the secret', () => {
    for (const [, change] of bad) {
      const message = messageOf({ ...base, ...change });
      const secrets =
        JSON.stringify((change as { keys?: unknown }).keys ?? [])
          .match(/"secret":"([^"]{8,})"/)
          ?.slice(1) ?? [];
      for (const secret of secrets) expect(message).not.toContain(secret);
    }
  });
});

describe('valid options', () => {
  it.each([
    ['base64', KEY.secret],
    ['base64url', KEY.secret.replaceAll('+', '-').replaceAll('/', '_').replace('=', '')],
    ['hex', Buffer.from(KEY.secret, 'base64').toString('hex')],
    ['hex in capitals', Buffer.from(KEY.secret, 'base64').toString('hex').toUpperCase()],
    ['bytes', new Uint8Array(Buffer.from(KEY.secret, 'base64'))],
    ['base64 with a line end', `${KEY.secret}\n`],
  ])('a key may be %s and is the same key', async (_, secret) => {
    const one = createFixture();
    await loginPending(one.mfa);
    const other = createFixture({ keys: [{ id: KEY.id, secret }], storage: one.storage, clock: one.clock.now });
    expect((await other.mfa.beginLogin({ user: ada })).decision.access).toBe('enroll');
  });

  it.each([
    ['Uint8Array', (bytes: Buffer) => new Uint8Array(bytes)],
    ['Buffer', (bytes: Buffer) => bytes],
  ])('a key that is zeroed after the start, a %s, still works', async (_, as) => {
    const secret = as(Buffer.from(KEY.secret, 'base64'));
    const fixture = createFixture({ keys: [{ id: KEY.id, secret }] });
    secret.fill(0);
    await loginPending(fixture.mfa);
    const other = createFixture({ storage: fixture.storage, clock: fixture.clock.now });
    expect((await other.mfa.beginLogin({ user: ada })).decision.access).toBe('enroll');
  });

  it('a key with 20 different byte values is accepted', () => {
    const order = [3, 17, 8, 0, 12, 5, 19, 14, 1, 9, 16, 2, 11, 7, 18, 4, 13, 6, 10, 15, 8, 2, 17, 13, 0, 19, 5, 11, 3, 14, 9, 1];
    const secret = Uint8Array.from(order, (place) => (place * 41 + 7) % 251);
    expect(messageOf({ ...base, keys: [{ id: 'a', secret }] })).toBe('accepted');
  });

  it('the defaults are as documented', () => {
    expect(plainDefaults()).toEqual({
      realm: 'mfa-kit',
      rememberDevice: { days: 30 },
      recoveryCodes: { count: 10, lowAt: 3 },
      windowSteps: 1,
      revocationDelaySeconds: 0,
      freshLoginSeconds: 900,
    });
    const resolved = resolveOptions(base);
    expect(resolved).toMatchObject({ realm: 'mfa-kit', rememberDays: 30, recoveryCodeCount: 10, recoveryCodesLowAt: 3 });
    expect(resolved).toMatchObject({ windowSteps: 1, revocationDelaySeconds: 0, freshLoginSeconds: 900 });
    expect(resolved.policy(ada, undefined)).toEqual({ mfa: 'required' });
    expect(Math.abs(resolved.clock() - Date.now())).toBeLessThan(1000);
  });

  it('false turns a feature off', () => {
    const resolved = resolveOptions({ ...base, rememberDevice: false, recoveryCodes: false });
    expect(resolved).toMatchObject({ rememberDays: 0, recoveryCodeCount: 0, recoveryCodesLowAt: 0 });
  });
});

describe('callbacks of the host', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('policy table away');
      },
    ],
    ['rejects', () => Promise.reject(new Error('policy table away'))],
    ['gives nothing', () => undefined],
    ['gives null', () => null],
  ])('SES-4: a policy that %s denies, and the error names it', async (_, policy) => {
    const fixture = createFixture({ policy: policy as never });
    for (const call of [
      fixture.mfa.beginLogin({ user: ada }),
      fixture.mfa.checkAccess({ user: ada, session: undefined }),
      fixture.mfa.getStatus({ user: ada }),
    ]) {
      await expect(call).rejects.toMatchObject({ code: 'host_callback_failed', message: expect.stringContaining('"policy"') });
    }
  });

  it.each([
    [
      'an issuer that throws',
      {
        issuer: () => {
          throw new Error('no tenant');
        },
      },
      /"issuer"/,
    ],
    ['an issuer that gives nothing', { issuer: () => undefined as never }, /"issuer"/],
  ])('%s causes an error that names it, before anything is stored', async (_, options, message) => {
    const fixture = createFixture(options);
    const session = await loginPending(fixture.mfa);
    fixture.resetCounts();
    await expect(fixture.mfa.startEnrollment({ user: ada, session })).rejects.toThrow(message);
    await expect(fixture.mfa.startEnrollment({ user: ada, session })).rejects.toMatchObject({ name: 'MfaError' });
    expect(fixture.counts.writes).toBe(0);
  });

  it('an issuer may depend on the user', async () => {
    const fixture = createFixture({ issuer: (user) => `Acme ${user.id}` });
    const started = expectOk(await fixture.mfa.startEnrollment({ user: ada, session: await loginPending(fixture.mfa) }));
    expect(new URL(started.enrollment.uri).searchParams.get('issuer')).toBe('Acme user-ada');
  });
});
