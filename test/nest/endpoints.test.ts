import { describe } from 'vitest';
import { endpointSuite } from '../journeys/endpoint-suite.js';
import { platforms, startHost } from './host.js';

describe.each(platforms)('the endpoints on Nest with $platform', (given) => {
  endpointSuite(async () => {
    const host = await startHost({ ...given, ...(given.platform === 'express' && { bodyParser: false }) });
    return { ...host, errors: host.logged };
  });
});
