import { expect, it } from 'vitest';
import { pathAndQuery } from '../../../../packages/core/src/http/exchange.js';

it.each([
  ['/mfa/enroll?a=1', '/mfa/enroll?a=1'],
  ['http://app.example/mfa?next=http://x/y', '/mfa?next=http://x/y'],
  ['HTTPS://app.example:8443/mfa', '/mfa'],
  ['http://app.example', '/'],
  ['http://app.example?a=1', '/?a=1'],
  ['/http://app.example/mfa', '/http://app.example/mfa'],
  ['//app.example/mfa', '//app.example/mfa'],
  ['*', '*'],
  ['', ''],
])('pathAndQuery of %j is %j', (target, path) => {
  expect(pathAndQuery(target)).toBe(path);
});
