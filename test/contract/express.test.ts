import { randomBytes } from 'node:crypto';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { createAuthenticator } from '@mfa-kit/core/testing';
import request from 'supertest';
import { beforeEach, describe, expect, it } from 'vitest';
import { addAccount } from './accounts.js';
import * as bearerApi from './bearer-api.js';
import * as expressPassport from './express-passport.js';
import * as ownPages from './own-pages.js';

const secret = randomBytes(32).toString('hex');
const login = { email: 'ada@acme.example', password: 'correct horse' };
const sameOrigin = { 'Sec-Fetch-Site': 'same-origin' };

beforeEach(() => {
  // In the past, so that the deadline for the enrollment is over.
  addAccount({ id: 'u-1', createdAt: Date.UTC(2025, 0, 6), mfaEnrolled: false, role: 'owner', ...login });
});

describe('Express with passport-local', () => {
  it('guards its routes until the second factor was proven', async () => {
    const agent = request.agent(expressPassport.createApp(memoryStorage(), secret)).set('Accept', 'application/json');
    await agent.get('/cases').expect(401);
    await agent.post('/login').send({ username: login.email, password: login.password }).expect(303).expect('location', '/cases');
    expect((await agent.get('/cases').expect(403)).body.reason).toBe('enroll');
    const started = await agent.post('/mfa/enroll').set(sameOrigin).send({}).expect(201);
    const code = createAuthenticator(started.body.uri).code(Date.now());
    await agent.post('/mfa/enroll/confirm').set(sameOrigin).send({ enrollmentId: started.body.enrollmentId, code }).expect(200);
    expect((await agent.get('/cases').expect(200)).body).toEqual({ cases: [], via: 'otp', state: 'verified' });
    await agent.post('/payouts').expect(201);
  });
});

describe('an application with its own pages', () => {
  it('renders the results of the flows', async () => {
    const app = ownPages.createApp(memoryStorage(), secret);
    const agent = request.agent(app);
    await agent.post('/sign-in').type('form').send(login).expect(303);
    await agent.get('/account').expect(303).expect('location', '/account/protect');
    const shown = await agent.get('/account/protect').expect(200);
    const enrollmentId = shown.body.id;
    const wrong = await agent.post('/account/protect').type('form').send({ enrollmentId, code: '12' });
    expect(wrong.body.message).toContain('not right');
    const code = createAuthenticator(shown.body.manualKey).code(Date.now());
    const done = await agent.post('/account/protect').type('form').send({ enrollmentId, code });
    expect(done.body.codes).toHaveLength(10);
    expect((await agent.get('/account').expect(200)).body.recoveryCodesLeft).toBe(10);
  });
});

describe('an API with access tokens', () => {
  it('issues its token for password and code', async () => {
    const api = request(bearerApi.createApp(memoryStorage(), secret));
    const origin = { Origin: bearerApi.pageOrigin, 'Sec-Fetch-Site': 'cross-site' };
    const begun = await api.post('/login').set(origin).send(login).expect(200);
    expect(begun.body.access).toBe('enroll');
    const { pendingToken } = begun.body;
    const started = await api.post('/mfa/enroll').set(origin).send({ pendingToken }).expect(201);
    const { enrollmentId, uri } = started.body;
    const code = createAuthenticator(uri).code(Date.now());
    const next = started.body.pendingToken ?? pendingToken;
    const confirmed = await api
      .post('/mfa/enroll/confirm')
      .set(origin)
      .send({ pendingToken: next, enrollmentId, code })
      .expect(200);
    const { accessToken } = confirmed.body;
    const bearer = { ...origin, Authorization: `Bearer ${accessToken}` };
    await api.get('/cases').set(origin).expect(401);
    await api.get('/cases').set(bearer).expect(200);
    await api.post('/payouts').set(bearer).expect(201);
  });
});
