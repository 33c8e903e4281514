import { describe, expect, it } from 'vitest';
import { readWayBack, wayBackLine } from '../../../../../packages/core/src/http/paths/way-back.js';
import { createFixture, KEY, OTHER_KEY } from '../../../../support/core-fixture.js';

const ADA = { user: 'ada', secure: true };

function cookieOf(options: Parameters<typeof createFixture>[0]): string {
  const { mfa } = createFixture(options);
  return wayBackLine(mfa.settings, { ...ADA, path: '/cases/42', navigation: 'follow' }).split(';')[0] as string;
}

describe('F79: the cookie of the way back', () => {
  it.each([
    ['the same installation and user', {}, 'ada', '/cases/42'],
    ['a key ring that still has the key', { keys: [OTHER_KEY, KEY] }, 'ada', '/cases/42'],
    ['another user', {}, 'bob', undefined],
    ['another key', { keys: [OTHER_KEY] }, 'ada', undefined],
    ['another installation with the same keys', { realm: 'admin' }, 'ada', undefined],
  ])('read by %s', (_, options, user, path) => {
    const { mfa } = createFixture(options);
    expect(readWayBack(mfa.settings, cookieOf({}), { user, secure: true })?.path).toBe(path);
  });
});
