import { MfaGuard, MfaModule, type MfaModuleOptions, RequireMfa } from '@mfa-kit/nest';
import { type CanActivate, Controller, type ExecutionContext, Get, Injectable, Scope, UseGuards } from '@nestjs/common';
import { APP_GUARD, ModuleRef } from '@nestjs/core';
import { afterEach, describe, expect, it } from 'vitest';
import { Client, enroll, expectStatus, logIn } from '../express/client.js';
import { OTHER_KEY } from '../support/core-fixture.js';
import { type Host, type HostOptions, type HostRequest, platforms, startHost } from './host.js';
import { readSession } from './host-routes.js';

/** Sets the user from the session, as @nestjs/passport does. */
@Injectable()
class AuthGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    const request = context.switchToHttp().getRequest<HostRequest>();
    const id = readSession(request, 'userId');
    if (typeof id === 'string') request.user = { id, name: id };
    return true;
  }
}

/** Another strategy, which sets a different user. */
@Injectable()
class BobGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    context.switchToHttp().getRequest<HostRequest>().user = { id: 'user-bob', name: 'bob@example.com' };
    return true;
  }
}

@Controller()
class OrderController {
  @RequireMfa()
  @UseGuards(AuthGuard)
  @Get('after')
  after() {
    return { inside: true };
  }

  @UseGuards(AuthGuard)
  @RequireMfa()
  @Get('before')
  before() {
    return { inside: true };
  }

  @RequireMfa()
  @UseGuards(AuthGuard, BobGuard)
  @Get('two')
  two() {
    return { inside: true };
  }
}

@RequireMfa()
@UseGuards(AuthGuard)
@Controller('above')
class AboveController {
  @Get()
  inside() {
    return { inside: true };
  }
}

@UseGuards(AuthGuard)
@RequireMfa()
@Controller('below')
class BelowController {
  @Get()
  inside() {
    return { inside: true };
  }
}

let constructed = 0;

@Injectable({ scope: Scope.REQUEST })
class FailingUsers {
  constructor() {
    constructed++;
    throw new Error('no connection for this request');
  }
}

const user: MfaModuleOptions['user'] = ({ request }) => (request as HostRequest).user;
const controllers = [OrderController, AboveController, BelowController];
let host: Host;
afterEach(() => host?.close());

describe.each(platforms)('SES-4: a host mistake denies and says what is wrong, on Nest with $platform', (given) => {
  async function start(options: Partial<HostOptions>): Promise<Host> {
    host = await startHost({ ...given, ...options });
    return host;
  }

  it('the guard before the one that sets the user: nobody is there yet', async () => {
    await start({ kit: { user: user as never }, module: { controllers } });
    const ada = host.users.get('ada');
    if (!ada) throw new Error('no ada');
    const client = new Client(host);
    // The login of the host, which sets the user only in its guards.
    await client.post('/login?user=ada').catch(() => undefined);
    for (const path of ['/after', '/above', '/below']) {
      expect((await client.get(path)).body, path).toMatchObject({ status: 403, reason: 'enroll' });
    }
    expect((await client.get('/before')).body).toMatchObject({ status: 401, reason: 'login_again' });
    expect((await client.get('/cases')).body).toMatchObject({ status: 401, reason: 'login_again' });
  });

  it('MfaGuard for the whole application before the guard that sets the user', async () => {
    const providers = [
      { provide: APP_GUARD, useClass: MfaGuard },
      { provide: APP_GUARD, useClass: AuthGuard },
    ];
    await start({ kit: { user: user as never }, module: { controllers, providers } });
    const client = await enroll(host).then(
      ({ client: one }) => one,
      () => new Client(host),
    );
    expect((await client.get('/after')).body).toMatchObject({ status: 401, reason: 'login_again' });
  });

  it('two strategies that set different users: the proof of one is worth nothing for the other', async () => {
    await start({ module: { controllers } });
    await enroll(host, 'bob');
    const { client } = await enroll(host);
    expect((await client.get('/after')).body).toEqual({ inside: true });
    expect((await client.get('/two')).body).toMatchObject({ status: 401 });
  });

  it.each([
    ['an error', new Error('SELECT * FROM users: connection refused')],
    ['nothing', undefined],
    ['null', null],
    ['false', false],
  ])('a user() that throws: %s', async (_name, thrown) => {
    const throws = () => {
      throw thrown;
    };
    for (const broken of [throws, async () => throws()]) {
      await start({ kit: { user: broken } });
      const client = new Client(host);
      for (const path of ['/cases', '/mfa']) {
        const answer = await client.get(path);
        expect(answer.body).toMatchObject({ status: 503, reason: 'unavailable' });
        expect(answer.text).not.toContain('SELECT');
      }
      expect(host.logged).toHaveLength(2);
      for (const error of host.logged) {
        expect(error).toMatchObject({ name: 'MfaError', code: 'host_callback_failed' });
        expect(String(error)).toMatch(/The option "user" threw. The request was denied\. Fix the cause/);
      }
      await host.close();
    }
  });

  it.each([
    ['true', true],
    ['a text', 'user-ada'],
    ['no id', { name: 'x' }],
    ['an empty id', { id: '', name: 'x' }],
    ['a numeric id', { id: 7, name: 'x' }],
    ['no name', { id: 'x' }],
  ])('a user() that returns no user: %s', async (_name, value) => {
    await start({ kit: { user: () => value as never } });
    expectStatus(await new Client(host).get('/cases'), 503);
    expect(host.logged[0]).toMatchObject({ name: 'MfaError', code: 'host_callback_failed' });
    expect(String(host.logged[0])).toMatch(/The option "user" must return { id, name }, both strings, or null/);
  });

  it.each([1, 0, 1n, 'true'])('an enrolled that is 1 or 0: %s', async (enrolled) => {
    await start({ kit: { user: () => ({ id: 'x', name: 'x', enrolled: enrolled as never }) } });
    const client = new Client(host);
    for (const path of ['/cases', '/cases']) expectStatus(await client.get(path), 503);
    for (const error of host.logged) {
      expect(error).toMatchObject({ name: 'MfaError', code: 'host_callback_failed' });
      expect(String(error)).toContain('Write enrolled: Boolean(row.mfa_enrolled)');
    }
  });

  it.each([
    ['mayEnroll: 0', { mayEnroll: 0 }, /has "mayEnroll" that is neither true nor false; it is 0/],
    ['a date', { enrollBy: new Date() }, /"enrollBy" must be an instant in epoch milliseconds/],
    ['null', null, /must be an object with mfa/],
  ])('a policy that returns something else: %s', async (_name, answer, sentence) => {
    await start({ mfa: { policy: () => answer as never } });
    const client = new Client(host);
    await client.post('/login?user=ada').catch(() => undefined);
    expectStatus(await client.get('/cases'), 503);
    expect(host.logged.length).toBeGreaterThan(0);
    for (const error of host.logged) {
      expect(error).toMatchObject({ name: 'MfaError', code: 'host_callback_failed' });
      expect(String(error)).toMatch(sentence);
    }
  });

  it('a policy that never answers', async () => {
    let hangs = false;
    await start({ mfa: { policy: () => (hangs ? new Promise<never>(() => {}) : {}) } });
    const { client } = await enroll(host);
    hangs = true;
    for (const answer of await Promise.all([client.get('/cases'), client.get('/mfa')])) {
      expect(answer.body).toMatchObject({ status: 503, reason: 'unavailable' });
    }
  }, 20_000);

  it('a user() that never answers', async () => {
    await start({ kit: { user: () => new Promise<never>(() => {}) } });
    const client = new Client(host);
    for (const answer of await Promise.all([
      client.get('/cases'),
      client.get('/mfa'),
      client.post('/mfa/verify', { code: '1' }),
    ])) {
      expect(answer.body).toMatchObject({ status: 503, reason: 'unavailable' });
    }
  }, 20_000);

  it('F7: a session that is never read', async () => {
    let hangs = false;
    const kept = new Map<unknown, unknown>();
    const keyOf = (request: unknown) => (request as HostRequest).headers.cookie;
    await start({
      kit: {
        session: {
          read: (request) => (hangs ? new Promise<never>(() => {}) : kept.get(keyOf(request))),
          write: async (request, next) => void kept.set(keyOf(request), next),
        },
      },
    });
    const client = await logIn(host);
    hangs = true;
    const answers = await Promise.all([client.get('/cases'), client.get('/mfa'), client.post('/mfa/verify', { code: '1' })]);
    for (const answer of answers) expect(answer.body).toMatchObject({ status: 503, reason: 'unavailable' });
  }, 20_000);

  it('F7: an isPublic() that never answers', async () => {
    const providers = [{ provide: APP_GUARD, useClass: MfaGuard }];
    await start({
      kit: { isPublic: () => new Promise<never>(() => {}) },
      module: { providers, controllers: [UnmarkedController] },
    });
    expect((await new Client(host).get('/unmarked')).body).toMatchObject({ status: 503, reason: 'unavailable' });
  }, 20_000);

  it('a user() whose id no storage may keep', async () => {
    await start({ kit: { user: () => ({ id: 'x'.repeat(256), name: 'x' }) } });
    expectStatus(await new Client(host).get('/cases'), 503);
    expect(host.logged[0]).toMatchObject({ name: 'MfaError' });
    expect(String(host.logged[0])).toMatch(/A user id must be 1 to 255 bytes/);
  });

  it('T34, CRY-3: the keys of another installation', async () => {
    await start({});
    await enroll(host);
    const { storage } = host;
    await host.close();
    await start({ mfa: { storage, keys: [OTHER_KEY] } });
    const client = await logIn(host);
    expect((await client.get('/cases')).body).toMatchObject({ status: 503, reason: 'unavailable' });
    expect((await client.post('/mfa/enroll', {})).body).toMatchObject({ status: 503, reason: 'unavailable' });
    expect(host.events[0]).toMatchObject({ name: 'profile_unreadable', userId: 'user-ada', why: 'unknown_key' });
  });

  it('other callbacks that throw', async () => {
    const failure = new Error('a callback of the host');
    const fail = () => {
      throw failure;
    };
    const providers = [{ provide: APP_GUARD, useClass: MfaGuard }];
    for (const kit of [{ isPublic: fail }, { request: fail }, { assurance: fail }, { eventContext: fail }, { returnTo: fail }]) {
      await start({ kit, module: { providers, controllers: [UnmarkedController] } });
      const client = new Client(host);
      await client.post('/login?user=ada');
      host.logged.length = 0;
      expectStatus(await client.page('GET', '/unmarked'), 503);
      const [told] = host.logged as [Error];
      if (!('assurance' in kit)) expect(told).toBe(failure);
      else expect(told).toMatchObject({ message: expect.stringContaining('The option "assurance" threw'), cause: failure });
      await host.close();
    }
  });

  it('an isPublic() that returns something other than true', async () => {
    const providers = [{ provide: APP_GUARD, useClass: MfaGuard }];
    await start({ kit: { isPublic: () => 'yes' as never }, module: { providers, controllers: [UnmarkedController] } });
    expect((await new Client(host).get('/unmarked')).body).toMatchObject({ status: 401, reason: 'login_again' });
  });

  it('a request-scoped provider that throws: in user(), and where the options themselves need it', async () => {
    constructed = 0;
    await start({
      module: { providers: [FailingUsers] },
      kit: { user: () => host.app.get(ModuleRef).resolve(FailingUsers, undefined, { strict: false }) as never },
    });
    expectStatus(await new Client(host).get('/cases'), 503);
    expect(host.logged[0]).toMatchObject({ code: 'host_callback_failed', cause: { message: 'no connection for this request' } });
    expect(constructed).toBe(1);
    await host.close();
    await start({
      register: ({ isGlobal, ...options }) =>
        MfaModule.forRootAsync({
          isGlobal: true,
          inject: [FailingUsers],
          imports: [{ module: class UsersModule {}, providers: [FailingUsers], exports: [FailingUsers] }],
          useFactory: () => options,
        }),
    });
    const answer = await new Client(host).get('/cases');
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect(answer.text).not.toMatch(/inside|connection for this request/);
    expect(String(host.logged[0])).toContain('no connection for this request');
  });

  it('a guard of its own that takes the place of the kit’s everywhere', async () => {
    @Injectable()
    class OwnGuard extends MfaGuard {
      protected override user() {
        return { id: 'user-bob', name: 'bob' };
      }
      protected override async refusal() {
        // The host's filters answer.
      }
    }
    await start({ module: { providers: [{ provide: MfaGuard, useClass: OwnGuard }] } });
    // A browser would be sent on; the exception that Nest's own filter answers with is the document.
    const answer = await new Client(host).page('GET', '/cases');
    expect([answer.status, answer.body.reason]).toEqual([403, 'enroll']);
  });
});

@Controller()
class UnmarkedController {
  @Get('unmarked')
  unmarked() {
    return { inside: true };
  }
}
