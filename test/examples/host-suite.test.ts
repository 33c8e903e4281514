// How a team tests its own guarded routes without a real phone.
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mfa } from '@mfa-kit/core';
import { createAuthenticator, createClock, type TestClock, verifiedSession } from '@mfa-kit/core/testing';
import { assertMfaCoverage } from '@mfa-kit/express/coverage';
import { assertMfaCoverage as assertNestCoverage } from '@mfa-kit/nest/coverage';
import * as bearer from '@mfa-kit-examples/bearer-api';
import { createTokens } from '@mfa-kit-examples/bearer-api/tokens';
import { createDemoHost, createDemoMfa, type DemoHost, type DemoUser } from '@mfa-kit-examples/demo-host';
import * as passport from '@mfa-kit-examples/express-passport';
import * as nest from '@mfa-kit-examples/nest';
import type { Express } from 'express';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const PASSWORD = 'correct horse battery';
const PAYOUT = { reference: 'LF-2041', amount: 250 };

let host: DemoHost;
let clock: TestClock;
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mfa-kit-suite-'));
  clock = createClock();
  const env = { MFA_STORAGE: 'memory:', DEMO_PASSWORD: PASSWORD };
  host = await createDemoHost({ env, directory, now: clock.now, passwordCost: { logN: 10, r: 8, p: 1 } });
});
afterEach(async () => {
  await host.close();
  await rm(directory, { recursive: true, force: true });
});

describe('a suite for an API with tokens', () => {
  let app: Express;
  let mfa: Mfa<DemoUser>;

  beforeEach(async () => {
    app = await bearer.createApp(host, { clock: clock.now });
    mfa = createDemoMfa(host, clock.now);
  });

  /** A token of a user who has just proven a code, made by the flows without a request. */
  async function tokenFor(username: string): Promise<string> {
    const user = await host.users.findByUsername(username);
    if (!user) throw new Error(`There is no ${username}.`);
    const { session } = await verifiedSession(mfa, user);
    const tokens = await createTokens(host, clock.now);
    return (await tokens.issue({ userId: user.id, assurance: session.assurance })).accessToken;
  }

  it('shows the cases to ada', async () => {
    const token = await tokenFor('ada');
    const { body } = await request(app).get('/cases').auth(token, { type: 'bearer' }).expect(200);
    expect(body.matters).toHaveLength(4);
  });

  it('allows a payment, and requires a code again after five minutes', async () => {
    const token = await tokenFor('ada');
    await request(app).post('/payouts').auth(token, { type: 'bearer' }).send(PAYOUT).expect(201);
    clock.advance(301_000);
    await request(app).post('/payouts').auth(token, { type: 'bearer' }).send(PAYOUT).expect(401);
  });

  it('has no unguarded route', () => {
    assertMfaCoverage(app, {
      allow: ['GET /healthz', 'POST /login', 'POST /token', 'USE / (anonymous)', 'USE / (jsonParser)'],
    });
  });
});

describe('a suite for an application with sessions', () => {
  /** An agent that has logged in like a browser, with the password and a virtual authenticator. */
  async function agentFor(app: Express | Server, username: string): Promise<ReturnType<typeof request.agent>> {
    // A browser sends this header from the application's own pages, and the kit refuses changes without it.
    const agent = request.agent(app).set('Sec-Fetch-Site', 'same-origin');
    await agent.post('/login').send({ username, password: PASSWORD }).expect(200);
    const { body } = await agent.post('/mfa/enroll').send({}).expect(201);
    const code = createAuthenticator(body.uri).code(clock.now());
    await agent.post('/mfa/enroll/confirm').send({ enrollmentId: body.enrollmentId, code }).expect(200);
    return agent;
  }

  it('shows the account to ada', async () => {
    const app = passport.createApp(host, { origins: [], clock: clock.now });
    const agent = await agentFor(app, 'ada');
    const { body } = await agent.get('/account').expect(200);
    expect(body.username).toBe('ada');
  });

  it('works on Nest, which has no unguarded route either', async () => {
    const app = await nest.createApp('express', { host, origins: [], clock: clock.now });
    await app.init();
    try {
      const agent = await agentFor(app.getHttpServer(), 'ada');
      await agent.post('/payouts').send(PAYOUT).expect(201);
      clock.advance(301_000);
      await agent.post('/payouts').send(PAYOUT).expect(401);
      assertNestCoverage(app, { allow: ['USE / (session)', 'USE / (jsonParser)', 'USE / (urlencodedParser)'] });
    } finally {
      await app.close();
    }
  });
});
