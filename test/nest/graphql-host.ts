import type { Assurance } from '@mfa-kit/core';
import { CurrentAssurance, MfaHttp, RequireMfa, SkipMfa } from '@mfa-kit/nest';
import { ApolloDriver } from '@nestjs/apollo';
import { Inject, type ModuleMetadata } from '@nestjs/common';
import { Args, Context, GraphQLModule, Mutation, Query, Resolver, Subscription } from '@nestjs/graphql';
import { MercuriusDriver } from '@nestjs/mercurius';
import type { RequestHandler } from 'express';
import type { Answer, Client } from '../express/client.js';
import { type Host, type HostOptions, startHost } from './host.js';

/** Every GraphQL server that Nest supports, on every platform that it runs on. */
export const servers = [
  { platform: 'express', session: 'express-session', server: 'Apollo' },
  { platform: 'fastify', session: '@fastify/session', server: 'Apollo' },
  { platform: 'fastify', session: '@fastify/session', server: 'Mercurius' },
] as const;

export const typeDefs = `
  type Query { open: String, cases: String }
  type Mutation { pay: String, verify(code: String!): String }
  type Subscription { ticks: String }
`;

/** How often the guarded resolvers ran. */
export const ran = { count: 0 };

@Resolver()
class CasesResolver {
  constructor(@Inject(MfaHttp) private readonly mfaHttp: MfaHttp) {}

  @SkipMfa()
  @Query('open')
  open(@CurrentAssurance() assurance: Assurance | undefined) {
    return assurance?.via ?? 'open';
  }

  @RequireMfa()
  @Query('cases')
  cases(@CurrentAssurance() assurance: Assurance | undefined) {
    ran.count++;
    return assurance?.via ?? 'none';
  }

  @RequireMfa({ maxAgeSeconds: 300 })
  @Mutation('pay')
  pay() {
    ran.count++;
    return 'paid';
  }

  /** The host's own mutation for codes. */
  @SkipMfa()
  @Mutation('verify')
  async verify(@Args('code') code: string, @Context() { req, res, reply }: { req: never; res?: object; reply?: object }) {
    const flows = await this.mfaHttp.for(req, res ?? reply ?? (req as { res: object }).res);
    const verified = await flows.verify({ code });
    return verified.ok ? 'ok' : verified.reason;
  }

  @RequireMfa()
  @Subscription('ticks')
  async *ticks() {
    ran.count++;
    yield { ticks: 'tick' };
  }
}

export interface GraphqlOptions extends Omit<HostOptions, 'platform' | 'session'> {
  server: (typeof servers)[number];
  /** Runs on the request that opens a socket, on the Express platform. */
  upgrade?: RequestHandler;
  /** More options for the driver. */
  graphql?: object;
}

/** The same host with a GraphQL endpoint in addition to its routes. */
export async function startGraphqlHost({ server, upgrade, graphql, module, ...given }: GraphqlOptions): Promise<Host> {
  ran.count = 0;
  const onConnect = async ({ extra }: { extra: { request: object } }) => {
    await new Promise<void>((resolve) => (upgrade ? upgrade(extra.request as never, {} as never, () => resolve()) : resolve()));
    return true;
  };
  const subscriptions =
    server.server === 'Mercurius' ? { subscription: true } : { subscriptions: { 'graphql-ws': { onConnect } } };
  return startHost({ ...given, ...server, module: withGraphql(server, { module, graphql: { ...subscriptions, ...graphql } }) });
}

/** A module with a GraphQL endpoint in it. */
export function withGraphql(
  { platform, server }: Pick<(typeof servers)[number], 'platform' | 'server'>,
  { module = {}, graphql }: Pick<GraphqlOptions, 'module' | 'graphql'> = {},
): ModuleMetadata {
  const options =
    server === 'Mercurius'
      ? { driver: MercuriusDriver, allowBatchedQueries: true }
      : {
          driver: ApolloDriver,
          playground: false,
          allowBatchedHttpRequests: true,
          ...(platform === 'fastify' && { context: (req: object, res: object) => ({ req, res }) }),
        };
  return {
    ...module,
    imports: [GraphQLModule.forRoot({ typeDefs, ...options, ...graphql } as never), ...(module.imports ?? [])],
    providers: [CasesResolver, ...(module.providers ?? [])],
  };
}

/** One operation by POST. */
export function ask(client: Client, query: string): Promise<Answer> {
  return client.post('/graphql', { query });
}

/** Several operations in one request. */
export function askAll(client: Client, queries: string[]): Promise<Answer> {
  return client.post(
    '/graphql',
    queries.map((query) => ({ query })),
  );
}
