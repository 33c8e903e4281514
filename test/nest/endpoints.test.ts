import { describe, expect, it } from 'vitest';
import { endpointSuite } from '../journeys/endpoint-suite.js';
import { platforms, startHost } from './host.js';

describe.each(platforms)('the endpoints on Nest with $platform', (given) => {
  endpointSuite(async () => {
    const host = await startHost({ ...given, ...(given.platform === 'express' && { bodyParser: false }) });
    return { ...host, errors: host.logged, platform: given.platform };
  });
});

it('finds nothing behind an escape in its own path, which Fastify reads, and blames no host for it', async () => {
  const host = await startHost({ platform: 'fastify', session: '@fastify/session' });
  try {
    for (const path of ['/mf%61', '/mf%61/challenge', '/mfa/challeng%65']) {
      expect((await fetch(host.origin + path)).status, path).toBe(404);
    }
    expect(host.logged).toEqual([]);
  } finally {
    await host.close();
  }
});
