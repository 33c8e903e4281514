import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertMfaCoverage, mfaCoverage } from '@mfa-kit/express';
import { createDemoHost, type DemoHost } from '@mfa-kit-examples/demo-host';
import { createApp } from '@mfa-kit-examples/express-passport';
import type { Express } from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** What the example leaves open, and why. */
const OPEN = ['GET /', 'GET /login', 'POST /login', 'POST /logout', 'GET /healthz'];

describe('the coverage of the Express example', () => {
  let host: DemoHost;
  let directory: string;
  let app: Express;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mfa-kit-coverage-'));
    host = await createDemoHost({
      env: { MFA_STORAGE: 'memory:', DEMO_PASSWORD: 'correct horse battery' },
      directory,
      now: Date.now,
      passwordCost: { logN: 10, r: 8, p: 1 },
    });
    app = createApp(host, { origins: [] });
  });
  afterAll(async () => {
    await host.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('has no open route but those that are named, and finds a planted one', () => {
    const assets = mfaCoverage(app)
      .routes.map(({ route }) => route)
      .filter((route) => /^GET \/[\w-]+\.(css|svg|js|ico)$/.test(route));
    const allow = [...OPEN, ...assets];
    expect(() => assertMfaCoverage(app, { allow })).not.toThrow();

    const { stack } = (app as unknown as { router: { stack: unknown[] } }).router;
    app.get('/export', (_req, res) => void res.send('everything'));
    // Planted before the guard of the application, as somebody in a hurry would.
    const guardAt = stack.length - 1;
    stack.splice(3, 0, ...stack.splice(guardAt, 1));
    expect(() => assertMfaCoverage(app, { allow })).toThrowError(/GET \/export {2}\(open\)/);
  });
});
