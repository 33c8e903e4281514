import { qrSvg } from '@mfa-kit/core';
import { describe, expect, it } from 'vitest';
import { SECRET_BYTES } from '../../../../../packages/core/src/factors/totp/totp.js';
import { ada, createFixture, expectOk, loginPending } from '../../../../support/core-fixture.js';
import { fc } from '../../../../support/fast-check.js';
import { totpOfWindow } from '../../../../support/totp-of-window.js';
import { readAsFreeOtp, readAsPyotp, readTwiceDecoded } from '../../../../vectors/authenticator-apps.js';
import { parseKeyUri } from '../../../../vectors/key-uri-parser.js';

const factor = totpOfWindow(1);
const data = factor.begin(new Uint8Array(SECRET_BYTES).fill(7));
const uriOf = (issuer: string, name: string) => factor.show(data, { issuer, name }).uri;

/** What all apps read, if they agree. */
function readByAll(uri: string): { issuer: string; account: string } {
  const { issuer, account, parameters } = parseKeyUri(uri);
  for (const read of [readAsFreeOtp, readAsPyotp]) expect(read(uri)).toEqual({ issuer, account });
  expect(parameters.get('issuer')).toBe(issuer);
  expect(uri.length).toBeLessThanOrEqual(504);
  return { issuer, account };
}

describe('F8, ENR-2: the label of the key URI', () => {
  it.each([
    ['Acme: Staging', 'tenant:ada', 'Acme- Staging', 'tenant-ada'],
    ['a:b:c', '::', 'a-b-c', '--'],
    [':', ':', '-', '-'],
    ['Acme%3A', 'tenant%3aada', 'Acme-', 'tenant-ada'],
    ['Acme%253A', 'tenant%25253aada', 'Acme-', 'tenant-ada'],
    ['Acme：Staging', 'tenant：ada', 'Acme：Staging', 'tenant：ada'],
    ['100% Acme', '/path/../?secret=AAAA&issuer=Evil#x', '100% Acme', '/path/../?secret=AAAA&issuer=Evil#x'],
    ['  Acme ', ' ada ', 'Acme', 'ada'],
    ['Acme\r\nStaging', 'a\u0000d\u001b[31ma\u0085', 'Acme Staging', 'a d [31ma'],
    ['Acme\u2028x', 'ada\u2029', 'Acme x', 'ada'],
    ['\u202egro.elpmaxe', '\u2066ada\u2069\u200e\u200f\u061c\ufeff', 'gro.elpmaxe', 'ada'],
    ['a\ud83e', '\ude00b', 'a\ufffd', '\ufffdb'],
    ['👩‍👩‍👧 Acme', 'می‌خواهم', '👩‍👩‍👧 Acme', 'می‌خواهم'],
    ['\u200b', '', 'MFA', 'Account'],
    ['MFA', ' \t\n', 'MFA', 'Account'],
    ['MFA', '\u202e\u200b', 'MFA', 'Account'],
    ['..', '.', '..', '.'],
    ['quotes\'"`<script>', 'a+b@example.com', 'quotes\'"`<script>', 'a+b@example.com'],
  ])('F8: issuer %j and name %j', (issuer, name, shownIssuer, shownName) => {
    expect(readByAll(uriOf(issuer, name))).toEqual({ issuer: shownIssuer, account: shownName });
  });

  it('F8: every app reads the same from any issuer and name, and the label has only one colon', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: fc.constantFrom(':', '%', '3', 'A', 'a', '2', '5', ' ', '-', '\u202e', '\ud83d', 'é'), maxLength: 30 }),
    );
    fc.assert(
      fc.property(text, text, (issuer, name) => {
        const uri = uriOf(issuer || 'x', name);
        const read = readByAll(uri);
        expect(read.issuer).not.toBe('');
        expect(read.account).not.toBe('');
        expect(`${read.issuer}${read.account}`).not.toMatch(/[\p{Cc}:\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
        expect(readTwiceDecoded(uri).account).not.toContain(':');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('F9, ENR-2: long issuers and names', () => {
  it.each([
    ['Latin', 'a'.repeat(3000)],
    ['e-mail', `${'ada.lovelace'.repeat(250)}@example.com`],
    ['Chinese', '长'.repeat(1000)],
    ['emoji', '👩‍👩‍👧'.repeat(120)],
    ['flags', '🇸🇪'.repeat(400)],
    ['combining marks', `a${'\u0301'.repeat(1500)}`],
    ['blanks', `${' '.repeat(3000)}x`],
    ['colons', ':'.repeat(3000)],
    ['encoded colons', '%3A'.repeat(1000)],
    ['halves of characters', '\ud83d'.repeat(1000)],
    ['a megabyte', '長'.repeat(350_000)],
  ])('F9: %s of 3,000 bytes and more are shortened, and the QR code fits', async (_, long) => {
    for (const [issuer, name] of [
      [long, 'ada'],
      ['Acme', long],
      [long, long],
    ] as const) {
      const uri = uriOf(issuer, name);
      readByAll(uri);
      const [, width = '0'] = /viewBox="0 0 (\d+) \1"/.exec(await qrSvg(uri)) ?? [];
      expect(Number(width) - 8).toBeLessThanOrEqual(85);
    }
  });

  it('F9: no character is cut in two, and an ellipsis marks a shortened text', () => {
    expect(readByAll(uriOf('Acme', '👩‍👩‍👧'.repeat(50))).account).toMatch(/^(👩‍👩‍👧)+…$/u);
    expect(readByAll(uriOf('Acme', '🇸🇪'.repeat(50))).account).toMatch(/^(🇸🇪)+…$/u);
    expect(readByAll(uriOf('é'.repeat(200), 'ada')).issuer).toMatch(/^é+…$/);
    expect(readByAll(uriOf('Acme', `${'a\u0301'.repeat(200)}`)).account).toMatch(/^(a\u0301)+…$/);
    expect(readByAll(uriOf('Acme', `x${'\u0301'.repeat(2000)}`)).account).toMatch(/^x\u0301+…$/);
  });

  it('F9: an address of usual length is not shortened', () => {
    const name = `${'a'.repeat(64)}@${'b'.repeat(185)}.com`;
    expect(readByAll(uriOf('Acme Insurance', name))).toEqual({ issuer: 'Acme Insurance', account: name });
  });

  it('F9: every started enrollment fits in a QR code', async () => {
    for (const name of ['', ' ', ':', '\u0000', 'x'.repeat(3000), '\ud800', '長'.repeat(1000)]) {
      const fixture = createFixture({ issuer: () => `${name}I` });
      const user = { ...ada, name };
      const session = await loginPending(fixture.mfa, user);
      const { enrollment } = expectOk(await fixture.mfa.startEnrollment({ user, session }));
      readByAll(enrollment.uri);
      expect(await qrSvg(enrollment.uri)).toContain('<svg');
    }
  });
});
