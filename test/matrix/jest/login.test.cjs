const { randomBytes } = require('node:crypto');
const { createMfa } = require('@mfa-kit/core');
const { memoryStorage } = require('@mfa-kit/core/storage/memory');
const { expressMfa } = require('@mfa-kit/express');

test('a login under Jest asks for enrollment', async () => {
  const keys = [{ id: '1', secret: randomBytes(32).toString('base64') }];
  const mfa = createMfa({ issuer: 'Acme', keys, storage: memoryStorage() });
  expect(typeof expressMfa(mfa, { user: () => null, loginUrl: '/login' }).requireMfa()).toBe('function');
  const login = await mfa.beginLogin({ user: { id: 'u1', name: 'ada' } });
  expect(login.decision.access).toBe('enroll');
});
