import { assuranceClaims, assuranceFromClaims } from '@mfa-kit/core';
import { createAuthenticator } from '@mfa-kit/core/testing';
import { RequireMfa, SkipMfa } from '@mfa-kit/nest';
import { Body, Controller, type ExecutionContext, Get, Injectable, Post, ValidationPipe } from '@nestjs/common';
import { APP_GUARD, APP_PIPE, Reflector } from '@nestjs/core';
import { AuthGuard, PassportStrategy } from '@nestjs/passport';
import { ApiExcludeController, ApiTags, DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { SkipThrottle, ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { IsString } from 'class-validator';
import helmet from 'helmet';
import { jwtVerify, SignJWT } from 'jose';
import { Strategy } from 'passport';
import { afterEach, describe, expect, it } from 'vitest';
import { Client, enroll, expectStatus, logIn } from '../express/client.js';
import { type Host, type HostOptions, platforms, startHost } from './host.js';
import { Public } from './nest-features-host.js';
import { walk } from './nest-features-walk.js';

class Note {
  @IsString()
  text!: string;
}

@RequireMfa()
@Controller('notes')
class NotesController {
  @Post()
  write(@Body() note: Note) {
    return note;
  }
}

@SkipMfa()
@Controller('news')
class NewsController {
  @Get()
  read() {
    return 'news';
  }
}

const KEY = new TextEncoder().encode('a key of the host for tokens, with more than 32 characters');

/** Access tokens of the host. */
class BearerStrategy extends Strategy {
  override authenticate(request: { headers: { authorization?: string } }): void {
    const token = request.headers.authorization?.slice('Bearer '.length) ?? '';
    jwtVerify(token, KEY).then(
      ({ payload: claims }) => this.success({ id: claims.sub, name: 'ada', claims } as unknown as Express.User),
      () => this.fail(401),
    );
  }
}

@Injectable()
class BearerPassport extends PassportStrategy(BearerStrategy, 'bearer') {
  validate() {}
}

/** Requires a token on every route that is not public, as in the docs of Nest. */
@Injectable()
class BearerGuard extends AuthGuard('bearer') {
  override canActivate(context: ExecutionContext) {
    const open = new Reflector().getAllAndOverride<boolean>('host:public', [context.getHandler(), context.getClass()]);
    return open === true || super.canActivate(context);
  }
}

let host: Host;
afterEach(() => host.close());

describe.each(platforms)('on Nest with $platform', (given) => {
  async function start(options: Partial<HostOptions>): Promise<Host> {
    host = await startHost({ ...given, ...options });
    return host;
  }

  it('a ValidationPipe with forbidNonWhitelisted validates the bodies of the host, but not those of the kit', async () => {
    const pipe = new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true });
    await start({ module: { providers: [{ provide: APP_PIPE, useValue: pipe }], controllers: [NotesController] } });
    await walk(host);
    const { client } = await enroll(host, 'bob');
    expect(expectStatus(await client.post('/notes', { text: 'x' }), 201).body).toEqual({ text: 'x' });
    expect((await client.post('/notes', { text: 'x', more: 1 })).body).toMatchObject({
      message: [expect.stringContaining('more')],
    });
    expect((await new Client(host).post('/notes', { more: 1 })).body).toMatchObject({ reason: 'login_again' });
  });

  it('@nestjs/throttler counts before the guard and skips the endpoints that are marked for it', async () => {
    const throttled = {
      imports: [ThrottlerModule.forRoot([{ ttl: 60_000, limit: 6 }])],
      providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
    };
    await start({ module: throttled, kit: { controllerDecorators: [SkipThrottle()] } });
    await walk(host);
    const client = new Client(host);
    const statuses: number[] = [];
    for (let index = 0; index < 7; index++) statuses.push((await client.get('/cases')).status);
    expect([...new Set(statuses)]).toEqual([401, 429]);
    for (let index = 0; index < 7; index++) expectStatus(await client.get('/mfa/assets/page.css'), 200);
    await host.close();
    await start({ module: throttled });
    for (let index = 0; index < 6; index++) await new Client(host).get('/mfa/assets/page.css');
    expect((await new Client(host).get('/mfa/assets/page.css')).body).toMatchObject({
      message: expect.stringContaining('Too Many'),
    });
  });

  it('F62: @nestjs/swagger describes the routes of the host, but not those of the kit', async () => {
    let document: OpenAPIObject | undefined;
    const configure: HostOptions['configure'] = (app) => {
      document = SwaggerModule.createDocument(app, new DocumentBuilder().setTitle('Acme').build());
      SwaggerModule.setup('docs', app, document, { ui: false });
    };
    await start({ configure });
    for (const controllerDecorators of [[], [ApiExcludeController()], [ApiTags('second factor')]]) {
      await host.close();
      await start({ configure, kit: { controllerDecorators } });
      expect(Object.keys(document?.paths ?? {})).toContain('/cases');
      expect(Object.keys(document?.paths ?? {}).filter((path) => /mfa|first|asset/.test(path))).toEqual([]);
    }
    expect((await new Client(host).get('/docs-json')).body).toMatchObject({ info: { title: 'Acme' } });
    await walk(host);
  });

  it("helmet sets its headers on the host's answers, and the kit's pages and refusals keep their own policy", async () => {
    await start({ configure: (app) => app.use(helmet()), module: { controllers: [NewsController] } });
    await walk(host);
    const client = await logIn(host);
    expect((await client.get('/news')).headers.get('content-security-policy')).toContain("script-src 'self'");
    for (const answer of [await client.page('GET', '/mfa/challenge'), await client.get('/cases')]) {
      expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
      expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(answer.headers.get('referrer-policy')).toBe('same-origin');
      expect(answer.headers.get('strict-transport-security')).toContain('max-age');
    }
  });

  it('a global token guard of @nestjs/passport works, with tokens that say what was proven', async () => {
    const mint = (claims: object) =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).setSubject('user-ada').setExpirationTime('1h').sign(KEY);
    await start({
      session: 'none',
      module: {
        providers: [BearerPassport, { provide: APP_GUARD, useClass: BearerGuard }],
        controllers: [NotesController, NewsController],
      },
      kit: {
        session: false,
        controllerDecorators: [Public()],
        user: ({ request }) => request.user,
        assurance: ({ user }) => assuranceFromClaims((user as { claims?: Record<string, unknown> } | undefined)?.claims ?? {}),
        onVerified: async (_request, { assurance }) => ({ accessToken: await mint(assuranceClaims(assurance, ['pwd'])) }),
      },
    });
    const client = new Client(host, {});
    const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    expect((await client.get('/news')).body).toMatchObject({ message: 'Unauthorized' });
    const ada = host.users.get('ada');
    if (!ada) throw new Error('no ada');
    const { pendingToken } = await host.mfa.beginLogin({ user: ada });
    const started = expectStatus(await client.post('/mfa/enroll', { pendingToken }), 201).body;
    const code = createAuthenticator(started.uri).code(host.clock.now());
    const sent = { pendingToken, enrollmentId: started.enrollmentId, code };
    const { accessToken } = expectStatus(await client.post('/mfa/enroll/confirm', sent), 200).body;
    expectStatus(await client.get('/cases', bearer(accessToken)), 200);
    const plain = await mint({ amr: ['pwd'] });
    expectStatus(await client.get('/news', bearer(plain)), 200);
    expect((await client.get('/cases', bearer(plain))).body).toMatchObject({ status: 401, reason: 'challenge' });
    expect((await client.get('/cases')).body).toMatchObject({ message: 'Unauthorized' });
  });
});
