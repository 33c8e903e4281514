import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MfaGuard, RequireMfa } from '@mfa-kit/nest';
import { type ArgumentsHost, Catch, Controller, type ExceptionFilter, Get, Inject } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, HttpAdapterHost } from '@nestjs/core';
import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { Client, expectStatus } from '../express/client.js';
import { watchWarnings } from '../support/warnings.js';
import { ask, ran, servers, startGraphqlHost } from './graphql-host.js';
import { type Host, type HostOptions, platforms, startHost } from './host.js';

let inside = 0;

@Controller()
class CaseController {
  @RequireMfa()
  @Get('marked')
  marked() {
    inside++;
    return { inside: true };
  }
}

@Controller('login')
class LoginPageController {
  @Get()
  page() {
    return 'login page';
  }
}

const caught: unknown[] = [];

/** Answers 200 to every exception. */
@Catch()
class ForgivingFilter implements ExceptionFilter {
  constructor(@Inject(HttpAdapterHost) private readonly adapters: HttpAdapterHost) {}

  catch(exception: unknown, context: ArgumentsHost) {
    caught.push(exception);
    this.adapters.httpAdapter.reply(context.switchToHttp().getResponse(), { ok: true }, 200);
  }
}

const warnings = watchWarnings();
let host: Host | undefined;
let outer: Server | undefined;
afterEach(async () => {
  inside = 0;
  caught.length = 0;
  outer?.closeAllConnections();
  outer?.close();
  outer = undefined;
  await host?.close();
  host = undefined;
});

describe.each(platforms)('SES-4: a wrong mount denies and says what to write, on Nest with $platform', (given) => {
  async function start(options: Partial<HostOptions> = {}): Promise<Host> {
    host = await startHost({ ...given, ...options });
    return host;
  }

  it('the guard on everything, including the login', async () => {
    const providers = [{ provide: APP_GUARD, useClass: MfaGuard }];
    const client = new Client(await start({ module: { providers, controllers: [CaseController, LoginPageController] } }));
    expectStatus(await client.get('/marked'), 401);
    expect(warnings).toEqual([]);
    expect((await client.page('GET', '/login')).headers.get('location')).toBe('/login');
    expect(warnings).toEqual([expect.stringMatching(/^MFA_KIT_GUARDED_LOGIN: .*or in Nest @SkipMfa\(\) on the login/)]);
    expect(inside).toBe(0);
  });

  it('the kit in another application, below a path that its option does not include', async () => {
    const { app, logged } = await start({ module: { controllers: [CaseController] } });
    const nest = app.getHttpAdapter().getInstance();
    const front = express().use('/api', (request, response) => {
      if (given.platform === 'express') return nest(request, response);
      nest.routing(request, response);
    });
    outer = createServer(front);
    await new Promise<void>((resolve) => outer?.listen(0, '127.0.0.1', resolve));
    const client = new Client({ origin: `http://127.0.0.1:${(outer.address() as AddressInfo).port}` });
    expectStatus(await client.get('/api/marked'), 401);
    expectStatus(await client.get('/api/mfa/challenge'), 503);
    expect(logged[0]).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(logged[0])).toContain(
      'answers at "/api/mfa/challenge", but pages and redirects lead to "/mfa". Set "path" to the prefix',
    );
    expect(inside).toBe(0);
  });

  it('a global prefix that is set after the routes are made', async () => {
    const { logged, origin } = await start({
      module: { controllers: [CaseController] },
      async configure(app) {
        await app.init();
        app.setGlobalPrefix('api');
      },
    });
    const client = new Client({ origin });
    expectStatus(await client.get('/marked'), 401);
    expectStatus(await client.get('/mfa/challenge'), 503);
    expect(logged[0]).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(logged[0])).toContain(
      'answers at "/mfa/challenge", but pages and redirects lead to "/api/mfa". Set "path" to the prefix',
    );
    expect(inside).toBe(0);
  });

  it('a filter that answers every exception with 200', async () => {
    const providers = [{ provide: APP_FILTER, useClass: ForgivingFilter }];
    const client = new Client(await start({ module: { providers, controllers: [CaseController] } }));
    const answer = await client.get('/marked');
    expect(answer.body).toMatchObject({ status: 401, reason: 'login_again', title: 'A new login is required' });
    expect(answer.status).toBe(401);
    expect(caught).toEqual([expect.objectContaining({ problem: answer.body })]);
    expect(inside).toBe(0);
  });
});

const apollo = servers.filter(({ server }) => server === 'Apollo');

describe.each(apollo)('SES-4: a wrong mount denies and says what to write, on $platform with Apollo', (server) => {
  it('a GraphQL context without a request', async () => {
    host = await startGraphqlHost({ server, graphql: { context: () => ({ req: {} }) } });
    const { extensions } = (await ask(new Client(host), '{ cases }')).body.errors[0];
    expect(extensions).toMatchObject({ reason: 'unavailable' });
    expect(host.logged[0]).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(String(host.logged[0])).toContain('Return { req, res } from the context of GraphQLModule, or set the option request(');
    expect(ran.count).toBe(0);
  });
});
