import { expect, it } from 'vitest';
import { nameBrowser } from '../../../../../packages/core/src/http/device/device-label.js';

it.each([
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Windows'],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
  ['(Windows NT 10.0)', 'Unknown browser on Windows'],
  ['Firefox/140.0', 'Firefox'],
  ['?', 'Unknown browser'],
  ['', 'Unknown browser'],
  [undefined, 'Unknown browser'],
  [`${'x'.repeat(512)} (Windows NT 10.0) Firefox/140.0`, 'Unknown browser'],
])('nameBrowser reads the user agent %j as %s', async (userAgent, name) => {
  expect(await nameBrowser(userAgent)).toBe(name);
});
