import * as onExpress from '@mfa-kit/express/coverage';
import { SkipMfa } from '@mfa-kit/nest';
import * as onNest from '@mfa-kit/nest/coverage';
import { Controller, Get, type INestApplication, Module } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { afterEach, describe, expect, it } from 'vitest';
import { type DemoApp, type Example, type Plant, startDemoApp } from '../support/demo-app.js';

/** The open routes of the examples, and the reasons. */
const OPEN = ['GET /', 'GET /login', 'POST /login', 'POST /logout', 'GET /healthz', 'GET /demo.css', 'GET /icon.svg'];

/** What runs before the guard of the Express example, and passes requests on. */
const FUNCTIONS = ['session', 'authenticate', 'jsonParser', 'urlencodedParser', 'anonymous'].map((name) => `USE / (${name})`);

let app: DemoApp | undefined;
afterEach(() => app?.close());

async function start<Name extends 'express' | 'nest'>(
  framework: Name,
  example: Example,
  plant?: Plant,
): Promise<NonNullable<DemoApp[Name]>> {
  app = await startDemoApp(example, plant && { plant });
  const { [framework]: found } = app;
  if (!found) throw new Error(`${example} is not on ${framework}.`);
  return found;
}

describe('T31: the coverage of the Express example', () => {
  it('passes if only the listed routes are open', async () => {
    const express = await start('express', 'Express');
    expect(() => onExpress.assertMfaCoverage(express, { allow: [...OPEN, ...FUNCTIONS] })).not.toThrow();
  });

  it('finds a planted open route', async () => {
    const express = await start('express', 'Express');
    const { stack } = (express as unknown as { router: { stack: unknown[] } }).router;
    express.get('/export', (_req, res) => void res.send('everything'));
    // A typical mistake: before the guard of the application.
    stack.splice(3, 0, ...stack.splice(-1));
    expect(() => onExpress.assertMfaCoverage(express, { allow: [...OPEN, ...FUNCTIONS] })).toThrowError("'GET /export', // open");
  });
});

@SkipMfa()
@Controller('export')
class PlantedController {
  @Get()
  everything(): string {
    return 'everything';
  }
}

@Resolver()
class PlantedResolver {
  @SkipMfa()
  @Query('matters')
  everything(): [] {
    return [];
  }
}

@WebSocketGateway({ path: '/export' })
class PlantedGateway {
  @SkipMfa()
  @SubscribeMessage('export')
  everything(): string {
    return 'everything';
  }
}

@Module({ controllers: [PlantedController], providers: [PlantedResolver, PlantedGateway] })
class PlantedModule {}

/** The functions that run before the guards of Nest. */
const BEFORE_NEST = {
  'Nest on Express': ['USE / (session)', 'USE / (jsonParser)', 'USE / (urlencodedParser)'],
  'Nest on Fastify': [
    'USE / (onRequest: fastifyCookieHandler)',
    'USE / (onRequest: handleSession)',
    'USE / (onSend: fastifyCookieOnSendHandler)',
    'USE / (onSend: saveSession)',
  ],
};

describe.each(['Nest on Express', 'Nest on Fastify'] as const)('T31: the coverage of %s', (example) => {
  const allow = BEFORE_NEST[example];
  /** What is neither guarded nor allowed, except for endpoints whose resolvers are listed. */
  const unguarded = (nest: INestApplication): string[] =>
    onNest
      .mfaCoverage(nest)
      .routes.filter(
        ({ status, route }) => status !== 'guarded' && !allow.includes(route) && !/ \/(graphql|mfa)( |$)/.test(route),
      )
      .map(({ status, route }) => `${route} (${status})`)
      .sort();

  it('passes, and shows what is intentionally skipped', async () => {
    const nest = await start('nest', example);
    expect(() => onNest.assertMfaCoverage(nest, { allow })).not.toThrow();
    expect(() => onNest.assertMfaCoverage(nest)).toThrow(allow[0]);
    expect(unguarded(nest)).toEqual(OPEN.map((route) => `${route} (skipped)`).sort());
  });

  it('shows an open controller, resolver and gateway', async () => {
    const planted = unguarded(await start('nest', example, { nest: [PlantedModule] })).filter(
      (line) => !OPEN.some((route) => line.startsWith(`${route} `)),
    );
    expect(planted).toEqual([
      'GET /export (skipped)',
      'Query.matters (skipped)',
      'WS connect PlantedGateway (unknown)',
      'WS export (skipped)',
    ]);
  });

  it('fails for a route outside all guards', async () => {
    const nest = await start('nest', example, {
      beside: (beside) =>
        beside
          .getHttpAdapter()
          .get('/export', (_request: unknown, reply: { send(text: string): void }) => reply.send('everything')),
    });
    expect(await (await fetch(`${app?.origin}/export`)).text()).toBe('everything');
    expect(() => onNest.assertMfaCoverage(nest, { allow })).toThrow(/'GET \/export', \/\/ open: outside the controllers/);
  });
});
