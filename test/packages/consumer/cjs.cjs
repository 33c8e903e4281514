// Runs in a consumer's folder: the same from CommonJS, by `require` of ESM.
const assert = require('node:assert/strict');
const { randomBytes } = require('node:crypto');
const { createMfa, MfaError } = require('@mfa-kit/core');
const { memoryStorage } = require('@mfa-kit/core/storage/memory');
const { expressMfa } = require('@mfa-kit/express');

for (const entry of [
  'http',
  'testing',
  'storage/sql',
  'storage/sqlite',
  'storage/postgres',
  'storage/mysql',
  'storage/redis',
  'storage/dynamodb',
  'storage/mongodb',
  'storage/typeorm',
  'storage/prisma',
  'storage/conformance',
]) {
  assert.notEqual(Object.keys(require(`@mfa-kit/core/${entry}`)).length, 0);
}
assert.throws(() => createMfa({}), MfaError);

const mfa = createMfa({
  issuer: 'Acme',
  keys: [{ id: '1', secret: randomBytes(32) }],
  storage: memoryStorage(),
});
assert.equal(typeof expressMfa(mfa, { user: () => null, loginUrl: '/login' }).requireMfa(), 'function');
void mfa.beginLogin({ user: { id: 'u1', name: 'ada' } }).then((login) => {
  assert.equal(login.decision.access, 'enroll');
  console.log('cjs works');
});
