import { createMfa } from '@mfa-kit/core';
import { MfaGuard, MfaModule } from '@mfa-kit/nest';
import type { DemoUser } from '@mfa-kit-examples/demo-host';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { type DynamicModule, Global, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { PassportModule } from '@nestjs/passport';
import { AnswerFilter } from './answer.filter.js';
import { AnswerInterceptor } from './answer.interceptor.js';
import { CasesController } from './cases.controller.js';
import { CasesGateway } from './cases.gateway.js';
import { CasesResolver, typeDefs } from './cases.resolver.js';
import { DEMO, type Demo, type DemoRequest } from './demo.js';
import { FilesController } from './files.controller.js';
import { LoginController } from './login.controller.js';
import { PasswordStrategy } from './login.strategy.js';
import { People } from './people.js';
import { SameOriginGuard } from './same-origin.guard.js';

/** Provides the options of the application to all modules. */
@Global()
@Module({})
export class DemoModule {
  static with(demo: Demo): DynamicModule {
    return { module: DemoModule, providers: [{ provide: DEMO, useValue: demo }, People], exports: [DEMO, People] };
  }
}

@Module({
  imports: [
    MfaModule.forRootAsync<DemoUser, DemoRequest>({
      isGlobal: true,
      inject: [DEMO, People],
      useFactory: ({ host, origins, clock }: Demo, people: People) => ({
        mfa: createMfa<DemoUser>({ issuer: 'Larkfield Legal', ...host.mfa, ...(clock && { clock }) }),
        user: ({ request }) => people.find(request),
        loginUrl: '/login',
        homeUrl: '/cases',
        allowedOrigins: origins,
        deviceCookie: { insecureHttpForDevelopment: !host.production },
        pages: { brand: 'Larkfield Legal', supportUrl: 'mailto:support@larkfield.example' },
      }),
    }),
    GraphQLModule.forRoot<ApolloDriverConfig>({
      driver: ApolloDriver,
      typeDefs,
      graphiql: false,
      introspection: false,
      includeStacktraceInErrorResponses: false,
      // Apollo passes two arguments on Fastify, and one object with both on Express.
      context: (first: { req?: object }, res: object) => (first.req ? first : { req: first, res }),
    }),
    PassportModule,
  ],
  controllers: [FilesController, LoginController, CasesController],
  providers: [
    { provide: APP_GUARD, useClass: SameOriginGuard },
    { provide: APP_GUARD, useExisting: MfaGuard }, // the one line that guards the routes
    { provide: APP_INTERCEPTOR, useClass: AnswerInterceptor },
    { provide: APP_FILTER, useClass: AnswerFilter },
    PasswordStrategy,
    CasesResolver,
    CasesGateway,
  ],
})
export class AppModule {}
