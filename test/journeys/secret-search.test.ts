import { describe, expect, it } from 'vitest';
import { base32Secret, findSecrets, textSecret } from '../support/secret-search.js';

const key = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const secrets = [base32Secret('key', key), textSecret('code', '755224')];
const secret = Buffer.from('12345678901234567890');

describe('the search for secrets', () => {
  it.each([
    ['raw', secret],
    ['UTF-16', Buffer.from(secret.toString('latin1'), 'utf16le')],
    ['hex', Buffer.from(secret.toString('hex').toUpperCase())],
    ['base32', Buffer.from(`key=${key}&`)],
    ['base64', Buffer.from(secret.toString('base64'))],
    ['base64', Buffer.from(Buffer.concat([Buffer.from('{'), secret]).toString('base64url'))],
    ['base64', Buffer.from(Buffer.concat([Buffer.from('{"'), secret, Buffer.from('"}')]).toString('base64'))],
    ['base32', Buffer.from(base32Of(Buffer.concat([Buffer.from('xyz'), secret])))],
  ])('finds it as %s', (form, bytes) => {
    const dump = Buffer.concat([Buffer.from('before '), bytes, Buffer.from(' after')]);
    expect(findSecrets(dump, secrets)).toContain(`key (${form})`);
  });

  it('finds a code, but not within a timestamp', () => {
    expect(findSecrets(Buffer.from('{"code":"755224"}'), secrets)).toEqual(['code (raw)']);
    expect(findSecrets(Buffer.from('{"at":1755224000000}'), secrets)).toEqual([]);
  });
});

function base32Of(bytes: Buffer): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  let bits = '';
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  return bits.replace(/.{1,5}/g, (group) => alphabet[Number.parseInt(group.padEnd(5, '0'), 2)] ?? '');
}
