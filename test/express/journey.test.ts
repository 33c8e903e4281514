import { describe } from 'vitest';
import { journeySuite } from '../journeys/journey-suite.js';
import { startHost, versions } from './host.js';

describe.each(versions)('the journey on Express $version', ({ express }) => {
  journeySuite(() => startHost({ express }));
});
