import { createAuthenticator } from '@mfa-kit/core/testing';
import { MfaHttp, type MfaRequest, RequireMfa, SkipMfa } from '@mfa-kit/nest';
import { Controller, Get, HttpCode, Inject, Injectable, Post, Req, Res, UseGuards } from '@nestjs/common';
import { AuthGuard, PassportModule, PassportSerializer, PassportStrategy } from '@nestjs/passport';
import passport from 'passport';
import { Strategy } from 'passport-local';
import { expect, it } from 'vitest';
import { Client, expectStatus } from '../express/client.js';
import type { TestUser } from '../support/core-fixture.js';
import { type HostRequest, startHost } from './host.js';

@Injectable()
class PasswordStrategy extends PassportStrategy(Strategy) {
  constructor(@Inject('USERS') private readonly users: Map<string, TestUser>) {
    super();
  }

  validate(username: string, password: string) {
    return password === 'right' ? this.users.get(username) : null;
  }
}

@Injectable()
class Serializer extends PassportSerializer {
  constructor(@Inject('USERS') private readonly users: Map<string, TestUser>) {
    super();
  }

  serializeUser({ id }: TestUser, done: (error: null, id: string) => void) {
    done(null, id);
  }

  deserializeUser(id: string, done: (error: null, user: TestUser | undefined) => void) {
    done(
      null,
      [...this.users.values()].find((user) => user.id === id),
    );
  }
}

/** Checks the password and logs in to the session, as in the docs of @nestjs/passport. */
@Injectable()
class PasswordGuard extends AuthGuard('local') {
  override async canActivate(context: import('@nestjs/common').ExecutionContext) {
    const allowed = (await super.canActivate(context)) as boolean;
    await super.logIn(context.switchToHttp().getRequest());
    return allowed;
  }
}

@Controller('passport')
class PassportController {
  constructor(@Inject(MfaHttp) private readonly mfaHttp: MfaHttp<TestUser>) {}

  @SkipMfa()
  @UseGuards(PasswordGuard)
  @HttpCode(200)
  @Post('login')
  async login(@Req() request: MfaRequest, @Res({ passthrough: true }) reply: object) {
    return (await this.mfaHttp.for(request, reply)).beginLogin();
  }

  @RequireMfa()
  @Get('inside')
  inside(@Req() { user }: HostRequest) {
    return user?.name;
  }
}

it('a login by @nestjs/passport leads to the second factor', async () => {
  const host = await startHost({
    platform: 'express',
    kit: { user: ({ request }) => request.user },
    module: {
      imports: [PassportModule.register({ session: true })],
      controllers: [PassportController],
      providers: [PasswordStrategy, Serializer],
    },
    configure: (app) => app.use(passport.initialize(), passport.session()),
  });
  try {
    const client = new Client(host);
    expectStatus(await client.post('/passport/login', { username: 'ada', password: 'wrong' }), 401);
    expect((await client.get('/passport/inside')).body).toMatchObject({ reason: 'login_again' });
    const { body } = expectStatus(await client.post('/passport/login', { username: 'ada', password: 'right' }), 200);
    expect(body.decision).toEqual({ access: 'enroll' });
    expect((await client.get('/passport/inside')).body).toMatchObject({ status: 403, reason: 'enroll' });
    const { uri, enrollmentId } = expectStatus(await client.post('/mfa/enroll', {}), 201).body;
    const code = createAuthenticator(uri).code(host.clock.now());
    expectStatus(await client.post('/mfa/enroll/confirm', { enrollmentId, code }), 200);
    expect((await client.get('/passport/inside')).text).toBe('ada@example.com');
    expect((await client.post('/passport/login', { username: 'ada', password: 'right' })).body.decision.access).toBe('challenge');
    expect((await client.get('/passport/inside')).body).toMatchObject({ status: 401, reason: 'challenge' });
  } finally {
    await host.close();
  }
});
