import { MfaGuard, MfaHttp, SkipMfa } from '@mfa-kit/nest';
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  HttpCode,
  type INestApplication,
  Inject,
  Injectable,
  Post,
  type Provider,
  Req,
  Res,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Client, enroll, expectStatus, logIn } from '../express/client.js';
import { watchWarnings } from '../support/warnings.js';
import { type Host, type HostOptions, type HostRequest, platforms, startHost } from './host.js';
import { writeSession } from './host-routes.js';
import { EarlyGuard, Public } from './nest-features-host.js';

const ADA = { id: 'user-ada', name: 'ada@example.com' };
const NO_BEGIN_LOGIN = /^MFA_KIT_NO_BEGIN_LOGIN: .*in Nest "await \(await mfaHttp\.for\(request, reply\)\)\.beginLogin\(\)"/;

interface Login {
  mfaHttp: MfaHttp;
  request: HostRequest & { session: { regenerate(done: (error?: unknown) => void): unknown } };
  reply: object;
}

const warnings = watchWarnings();
let login: (given: Login) => unknown;
let host: Host;
afterEach(() => host?.close());

/** A login of the host, written wrongly. */
@SkipMfa()
@Controller('wrong-login')
class WrongLoginController {
  constructor(@Inject(MfaHttp) private readonly mfaHttp: MfaHttp) {}

  @Post()
  @HttpCode(200)
  login(@Req() request: Login['request'], @Res({ passthrough: true }) reply: object) {
    writeSession(request, 'userId', ADA.id as never);
    return login({ mfaHttp: this.mfaHttp, request, reply });
  }
}

/** Sets the user from the session, if it has one. */
@Injectable()
class AuthGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    context.switchToHttp().getRequest<HostRequest>().user = ADA;
    return true;
  }
}

interface Guards {
  providers?: Provider[];
}

describe.each(platforms)('SES-4: a wrong login denies and says what is wrong, on Nest with $platform', (given) => {
  async function start({ providers = [], ...options }: Partial<HostOptions> & Guards = {}): Promise<Client> {
    host = await startHost({ ...given, ...options, module: { controllers: [WrongLoginController], providers } });
    return new Client(host);
  }

  it('beginLogin() forgotten', async () => {
    const client = await start();
    login = () => ({});
    expectStatus(await client.post('/wrong-login'), 200);
    expect((await client.get('/cases')).body).toMatchObject({ status: 403, reason: 'enroll' });
    expect((await client.post('/mfa/enroll', {})).body).toMatchObject({ status: 401, reason: 'login_again' });
    expect(warnings).toEqual([expect.stringMatching(NO_BEGIN_LOGIN)]);
  });

  it('beginLogin() before anybody is logged in', async () => {
    const client = await start({ kit: { user: () => null } });
    login = async ({ mfaHttp, request, reply }) => (await mfaHttp.for(request as never, reply)).beginLogin();
    expectStatus(await client.post('/wrong-login'), 500);
    expect(host.logged[0]).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(host.logged[0])).toContain('Call it after req.logIn(), or pass { user }');
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'login_again' });
  });

  it('beginLogin() before the login renews the session', async () => {
    const client = await start();
    login = async ({ mfaHttp, request, reply }) => {
      await (await mfaHttp.for(request as never, reply)).beginLogin({ user: ADA });
      await new Promise((resolve) => request.session.regenerate(resolve));
      writeSession(request, 'userId', ADA.id as never);
      return {};
    };
    expectStatus(await client.post('/wrong-login'), 200);
    expect((await client.get('/cases')).body).toMatchObject({ status: 403, reason: 'enroll' });
    expect((await client.post('/mfa/enroll', {})).body).toMatchObject({ status: 401, reason: 'login_again' });
    expect(warnings).toEqual([expect.stringMatching(NO_BEGIN_LOGIN)]);
    expect(warnings[0]).toContain('when req.logIn() has renewed the session');
  });

  it('beginLogin() that is not awaited', async () => {
    const client = await start();
    let late: Promise<unknown> | undefined;
    login = ({ mfaHttp, request, reply }) => {
      late = mfaHttp.for(request as never, reply).then((flows) => flows.beginLogin());
      return { ok: true };
    };
    expectStatus(await client.post('/wrong-login'), 200);
    await late;
    await vi.waitFor(() => expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_LATE_LOGIN: .*Write "await" before both/)]));
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'login_again' });
  });

  it('beginLogin() for another user than user() returns', async () => {
    const client = await start();
    const user = { id: 'ADA', name: 'ada@example.com' };
    login = async ({ mfaHttp, request, reply }) => (await mfaHttp.for(request as never, reply)).beginLogin({ user });
    expectStatus(await client.post('/wrong-login'), 200);
    expect((await client.get('/cases')).body).toMatchObject({ status: 403, reason: 'enroll' });
    expect(warnings).toEqual([expect.stringMatching(NO_BEGIN_LOGIN)]);
    expect(warnings[0]).toContain('for the user that the option user returns');
  });

  it('F39: pending tokens without userById()', async () => {
    const client = await start({ kit: { session: false, user: () => null, userById: undefined as never } });
    login = async ({ mfaHttp, request, reply }) => (await mfaHttp.for(request as never, reply)).beginLogin({ user: ADA });
    const { pendingToken } = expectStatus(await client.post('/wrong-login'), 200).body;
    await vi.waitFor(() => expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_NO_USER_BY_ID: .*Set userById/)]));
    const refused = await client.post('/mfa/verify', { pendingToken, code: '123456' }, { authorization: 'Bearer x' });
    expect(refused.body).toMatchObject({ status: 401 });
    expect(warnings).toHaveLength(1);
  });

  it('the flows bound to a request without its reply', async () => {
    const client = await start();
    for (const pick of [({ request }: Login) => [request], ({ request, reply }: Login) => [reply, request], () => []]) {
      login = (all) => (all.mfaHttp.for as (...given: unknown[]) => Promise<object>).apply(all.mfaHttp, pick(all));
      host.logged.length = 0;
      expectStatus(await client.post('/wrong-login'), 500);
      expect(host.logged[0]).toMatchObject({ name: 'MfaError', code: 'host_setup' });
      expect(String(host.logged[0])).toContain('Write mfaHttp.for(request, reply), with @Res({ passthrough: true }) reply');
    }
    expect((await client.get('/cases')).status).not.toBe(200);
  });

  it('the guard before the code that sets the user', async () => {
    const client = await start({
      kit: { user: ({ request }) => request.user },
      providers: [
        { provide: APP_GUARD, useClass: MfaGuard },
        { provide: APP_GUARD, useClass: AuthGuard },
      ],
    });
    login = async ({ mfaHttp, request, reply }) => (await mfaHttp.for(request as never, reply)).beginLogin();
    expectStatus(await client.post('/wrong-login'), 200);
    expect(warnings).toEqual([]);
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'login_again' });
    expect(warnings).toEqual([
      expect.stringMatching(/^MFA_KIT_LOST_USER: .*In Nest provide MfaGuard after the guard that logs in/),
    ]);
  });

  it('a user() that returns the impersonated person', async () => {
    const client = await start({
      kit: {
        user({ request: { session, headers } }) {
          return session?.userId ? { id: String(headers['x-as'] ?? session.userId), name: 'x' } : null;
        },
      },
    });
    await enroll(host, 'bob');
    await enroll(host, 'ada', client);
    expectStatus(await client.get('/cases'), 200);
    expect(warnings).toEqual([]);
    const other = await client.get('/cases', { headers: { 'x-as': 'user-bob' } });
    expect(other.body).toMatchObject({ status: 401, reason: 'challenge' });
    expect(warnings).toEqual([expect.stringMatching(NO_BEGIN_LOGIN)]);
    expect(warnings[0]).toContain('for the user that the option user returns');
  });

  it('a page of another origin that allowedOrigins does not name', async () => {
    await start();
    const client = await logIn(host);
    const theirs = { 'sec-fetch-site': 'same-site', origin: 'https://accounts.example' };
    expect((await client.post('/mfa/enroll', {}, theirs)).body).toMatchObject({ status: 403, reason: 'cross_site' });
    expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_CROSS_SITE: .*to the option allowedOrigins/)]);
    expect(warnings[0]).not.toContain('accounts.example');
  });

  it('a body that something else has already read', async () => {
    await start({
      configure(app: INestApplication) {
        const readAway = (request: Request, _reply: object, next: () => void) => {
          const { url = '', raw = request } = request;
          if (url.startsWith('/mfa')) raw.on('end', () => next()).resume();
          else next();
        };
        if (given.platform === 'express') app.use(readAway);
        else app.getHttpAdapter().getInstance().addHook('onRequest', readAway);
      },
    });
    const client = await logIn(host);
    for (const path of ['/mfa/enroll', '/mfa/verify']) expectStatus(await client.post(path, { code: '123456' }), 503);
    expect(host.logged).toHaveLength(2);
    for (const error of host.logged) expect(error).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(host.logged[0])).toMatch(/Mount the kit before it, or use a body parser that sets req.body/);
    expect(host.names()).not.toContain('verification_failed');
  });
});

interface Request extends NodeJS.ReadableStream {
  url?: string;
  raw?: NodeJS.ReadableStream;
}

describe('F61: endpoints for which the token is not read', () => {
  it('a guard that ignores the token on routes with @Public()', async () => {
    const served = await startHost({
      platform: 'express',
      session: 'none',
      module: { providers: [{ provide: APP_GUARD, useClass: EarlyGuard }] },
      kit: { session: false, controllerDecorators: [Public()], user: ({ request }) => request.user },
    });
    try {
      const client = new Client(served, {});
      expectStatus(await client.get('/mfa/enroll'), 401);
      expect(warnings).toEqual([]);
      expectStatus(await client.get('/mfa/enroll', { headers: { authorization: 'Bearer a.b.c' } }), 401);
      expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_UNREAD_TOKEN: .*must still set the user if there is a token/)]);
    } finally {
      await served.close();
    }
  });
});
