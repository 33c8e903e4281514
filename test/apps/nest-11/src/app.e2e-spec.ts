import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createAuthenticator } from '@mfa-kit/core/testing';
import { assertMfaCoverage, mfaCoverage } from '@mfa-kit/nest/coverage';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import { AppModule } from './app.module';
import { CLOCK } from './mfa';
import { setUp } from './set-up';
import { UsersService } from './users.service';

describe('the application', () => {
  let app: INestApplication;
  let now = Date.now();
  let code: () => string;
  let agent: ReturnType<typeof request.agent>;

  const logIn = async (password = 'correct horse') => {
    agent = request.agent(app.getHttpServer());
    return agent.post('/login').send({ email: 'ada@example.com', password });
  };
  const post = (path: string, body: object) => agent.post(path).set('Sec-Fetch-Site', 'same-origin').send(body);

  beforeAll(async () => {
    process.env.MFA_KEY = randomBytes(32).toString('base64');
    const testing = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(CLOCK)
      .useValue(() => now)
      .compile();
    app = testing.createNestApplication();
    setUp(app);
    await app.init();
    await app.get(UsersService).add('user-ada', 'ada@example.com', 'correct horse');
  });
  afterAll(() => app.close());

  it('refuses requests without a login', async () => {
    const refused = await request(app.getHttpServer()).get('/cases');
    expect([refused.status, refused.type, refused.body.reason]).toEqual([401, 'application/problem+json', 'login_again']);
    expect((await logIn('wrong')).status).toBe(401);
    expect((await agent.get('/cases')).status).toBe(401);
  });

  it('leads from the first login through the enrollment', async () => {
    expect((await logIn()).body).toMatchObject({ access: 'enroll' });
    expect((await agent.get('/cases')).body).toMatchObject({ status: 403, reason: 'enroll' });
    expect((await agent.get('/cases').set('Accept', 'text/html')).headers.location).toBe('/mfa/enroll');
    const started = await post('/mfa/enroll', {});
    expect(started.status).toBe(201);
    const authenticator = createAuthenticator(started.body.uri);
    code = () => {
      now += 30_000;
      return authenticator.code(now);
    };
    const { enrollmentId } = started.body;
    const confirmed = await post('/mfa/enroll/confirm', { enrollmentId, code: code() });
    expect([confirmed.status, confirmed.body.recoveryCodes?.length]).toEqual([200, 10]);
    expect((await agent.get('/cases')).body).toEqual({ via: 'otp' });
    expect(await app.get(UsersService).find('user-ada')).toMatchObject({ mfaEnrolled: true });
  });

  it('asks for a code at the next login', async () => {
    expect((await logIn()).body).toMatchObject({ access: 'challenge' });
    expect((await agent.get('/cases')).body).toMatchObject({ status: 401, reason: 'challenge', because: 'missing' });
    expect((await post('/mfa/verify', { code: '000000' })).body).toMatchObject({ status: 422, reason: 'invalid_code' });
    expect((await post('/mfa/verify', { code: code() })).status).toBe(200);
    expect((await agent.get('/cases')).body).toEqual({ via: 'otp' });
  });

  it('asks for a fresh code before a payment', async () => {
    expect((await post('/payouts', {})).body).toEqual({ paid: true });
    now += 301_000;
    expect((await agent.get('/cases')).status).toBe(200);
    const refused = await post('/payouts', {});
    expect(refused.body).toMatchObject({ status: 401, reason: 'challenge', because: 'expired', maxAgeSeconds: 300 });
    expect(refused.headers['www-authenticate']).toContain('max_age="300"');
    expect((await post('/mfa/verify', { code: code() })).status).toBe(200);
    expect((await post('/payouts', {})).body).toEqual({ paid: true });
  });

  it('ends at the logout', async () => {
    expect((await post('/logout', {})).status).toBe(204);
    expect((await agent.get('/cases')).body).toMatchObject({ status: 401, reason: 'login_again' });
  });

  it('has no unguarded route except the intentionally open ones', () => {
    const allow = mfaCoverage(app).routes.flatMap(({ route }) => (route.startsWith('USE / ') ? [route] : []));
    const parsers = ['USE / (jsonParser)', 'USE / (urlencodedParser)'];
    expect(allow).toEqual(['USE / (session)', 'USE / (initialize)', 'USE / (authenticate)', ...parsers]);
    expect(() => assertMfaCoverage(app, { allow })).not.toThrow();
    const found = mfaCoverage(app).routes.map(({ route, status }) => [route, status]);
    expect(Object.fromEntries(found.filter(([route = '']) => !allow.includes(route)))).toEqual({
      'USE /mfa (mfa-kit)': 'skipped',
      'POST /login': 'skipped',
      'POST /logout': 'skipped',
      'GET /cases': 'guarded',
      'POST /payouts': 'guarded',
    });
  });
});
