import { describe } from 'vitest';
import { journeySuite } from '../journeys/journey-suite.js';
import { platforms, startHost } from './host.js';

describe.each(platforms)('the journey on Nest with $platform', (given) => {
  journeySuite(() => startHost(given));
});
