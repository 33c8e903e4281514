import { MfaGuard, RequireMfa } from '@mfa-kit/nest';
import { mfaCoverage } from '@mfa-kit/nest/coverage';
import { Controller, SetMetadata, UseGuards } from '@nestjs/common';
import { APP_GUARD, ApplicationConfig } from '@nestjs/core';
import { Query, ResolveField, ResolveReference, Resolver } from '@nestjs/graphql';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { afterEach, describe, expect, it } from 'vitest';
import { Client } from '../express/client.js';
import { openSocket, type sockets, startGatewayHost } from './gateway-host.js';
import { ask, startGraphqlHost, typeDefs } from './graphql-host.js';
import { type Host, startHost } from './host.js';

const everywhere = { provide: APP_GUARD, useClass: MfaGuard };

let host: Host;
afterEach(() => host?.close());

function statusOf(route: string): string | undefined {
  return mfaCoverage(host.app).routes.find((one) => one.route === route)?.status;
}

describe('the coverage report on gateways', () => {
  it.each(['ws', 'socket.io'] as const satisfies (typeof sockets)[number]['kind'][])(
    'a global guard counts for messages only if Nest runs it for them, with %s',
    async (kind) => {
      @WebSocketGateway()
      class BareGateway {
        @SubscribeMessage('bare')
        bare() {
          return { event: 'bare', data: 'answered' };
        }
      }
      const answers: boolean[] = [];
      for (const providers of [[BareGateway], [BareGateway, everywhere]]) {
        host = await startGatewayHost({ platform: 'express', kind, check: false, module: { providers } });
        const socket = await openSocket(host, kind, new Client(host));
        const answered = (await socket.ask('bare')).data === 'answered';
        expect(statusOf('WS bare')).toBe(answered ? 'open' : 'guarded');
        answers.push(answered);
        socket.close();
        await host.close();
      }
      // Nest 12 runs it.
      expect(answers).toEqual([true, false]);
    },
  );

  it('only the guards of the gateway itself count if the internals of Nest have changed', async () => {
    @WebSocketGateway(0, { namespace: '/chat' })
    class MixedGateway {
      @SubscribeMessage('bare')
      bare() {}

      @RequireMfa()
      @SubscribeMessage('marked')
      marked() {}
    }
    host = await startGatewayHost({ platform: 'express', kind: 'socket.io', module: { providers: [MixedGateway, everywhere] } });
    Object.assign(host.app, { socketModule: null });
    expect([statusOf('WS /chat bare'), statusOf('WS /chat marked')]).toEqual(['unknown', 'guarded']);
  });
});

describe('the coverage report on GraphQL', () => {
  const server = { platform: 'express', session: 'express-session', server: 'Apollo' } as const;
  const more = 'type Case { id: String, notes: String, title: String } extend type Query { first: Case }';

  @RequireMfa()
  @Resolver('Case')
  class CaseResolver {
    @RequireMfa()
    @ResolveField('notes')
    notes() {
      return 'notes';
    }

    @ResolveField('title')
    title() {
      return 'title';
    }

    @ResolveReference()
    reference() {}
  }

  @Resolver()
  class FirstResolver {
    @Query('first')
    first() {
      return { id: '1' };
    }
  }

  it.each([
    [[], 'open', 'notes'],
    [['guards'], 'guarded', null],
  ] as const)('a guard of a field counts only if GraphQLModule runs guards for fields: %j', async (enhancers, status, notes) => {
    host = await startGraphqlHost({
      server,
      graphql: { typeDefs: [typeDefs, more], fieldResolverEnhancers: enhancers },
      module: { providers: [CaseResolver, FirstResolver] },
    });
    expect(statusOf('Case.notes')).toBe(status);
    expect(statusOf('Case.title')).toBeUndefined();
    expect(statusOf('Case.__resolveReference')).toBe(status);
    expect(statusOf('Query.first')).toBe('open');
    expect((await ask(new Client(host), '{ first { notes } }')).body.data.first.notes).toBe(notes);
  });

  it.each(['Apollo', 'Mercurius'] as const)(
    'T31: a route that something else adds at the GraphQL path of %s, on Fastify, does not count as GraphQL',
    async (driver) => {
      host = await startGraphqlHost({
        server: { platform: 'fastify', session: '@fastify/session', server: driver },
        configure: (app) =>
          void app
            .getHttpAdapter()
            .getInstance()
            .put('/graphql', async () => 'answered'),
      });
      expect((await new Client(host).request('PUT', '/graphql')).text).toBe('answered');
      expect(statusOf('POST /graphql')).toBe('skipped');
      expect(statusOf('PUT /graphql')).toBe('open');
    },
  );

  it('a function that something else mounts at the GraphQL path does not count as GraphQL', async () => {
    host = await startGraphqlHost({
      server,
      configure: (app) => app.use('/graphql', (_request: object, _response: object, next: () => void) => next()),
    });
    const rows = mfaCoverage(host.app).routes.filter(({ route }) => route.includes('/graphql'));
    expect(rows.map(({ route, status }) => [route, status])).toEqual([
      ['USE /graphql (anonymous)', 'unknown'],
      ['USE /graphql (anonymous #2)', 'unknown'],
      ['USE /graphql (anonymous #3)', 'unknown'],
    ]);
  });
});

describe('the coverage report on message handlers', () => {
  @Controller()
  class SumController {
    @SetMetadata('microservices:pattern', [{ cmd: 'sum' }])
    sum() {}

    @UseGuards(MfaGuard)
    @SetMetadata('microservices:pattern', ['orders.created'])
    created() {}
  }

  it.each([
    ['none', () => [], 'unknown'],
    ['one that shares the guards of the application', (config: ApplicationConfig) => [{ applicationConfig: config }], 'guarded'],
    ['one with its own guards', () => [{ applicationConfig: new ApplicationConfig() }], 'open'],
  ] as const)('a global guard with microservices: %s', async (_name, microservices, status) => {
    host = await startHost({ platform: 'express', module: { controllers: [SumController], providers: [everywhere] } });
    Object.assign(host.app, { microservices: microservices(host.app.get(ApplicationConfig)) });
    expect([statusOf('RPC {"cmd":"sum"}'), statusOf('RPC orders.created')]).toEqual([status, 'guarded']);
    Object.assign(host.app, { microservices: [] });
  });
});

it('an application that was not started has no report', async () => {
  host = await startHost({ platform: 'express' });
  Object.assign(host.app, { isInitialized: false });
  expect(() => mfaCoverage(host.app)).toThrow('app.init()');
  expect(() => mfaCoverage({} as never)).toThrow('app.init()');
  expect(() => mfaCoverage({ isInitialized: true } as never)).toThrow('a Nest application');
});
