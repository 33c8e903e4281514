import { MfaError, type MfaUser } from '@mfa-kit/core';
import { DEFAULT_PATH } from '@mfa-kit/core/http';
import { type DynamicModule, Inject, Module, type NestModule, type OnModuleInit, type Provider } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { MFA, MFA_HOST, MFA_OPTIONS } from './mfa.constants.js';
import { createMfaController } from './mfa.controller.js';
import { MfaGuard } from './mfa.guard.js';
import { checkMarks } from './mfa.mark-check.js';
import {
  type AnyMfaOptions,
  checkMfaOptions,
  type MfaModuleAsyncOptions,
  type MfaModuleExtras,
  type MfaModuleOptions,
  type MfaOptionsFactory,
  type MfaRequest,
} from './mfa.options.js';
import { checkRegistration } from './mfa.registration.js';
import { readOwnBodies } from './platform/fastify.js';
import { rememberGlobalGuards } from './platform/global-guards.js';
import { createMfaHost } from './platform/host.js';
import { MfaHttp } from './platform/http.js';

/** Provides the endpoints and pages, and `MfaGuard`, `MfaHttp` and the flows for injection. It guards nothing by itself. */
@Module({})
export class MfaModule implements NestModule, OnModuleInit {
  readonly #adapters: HttpAdapterHost;
  readonly #config: ApplicationConfig;
  readonly #modules: ModulesContainer;
  #configured = false;

  constructor(
    @Inject(HttpAdapterHost) adapters: HttpAdapterHost,
    @Inject(ApplicationConfig) config: ApplicationConfig,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    this.#adapters = adapters;
    this.#config = config;
    this.#modules = modules;
  }

  /** Nest calls this before it creates the routes. */
  configure(): void {
    const { httpAdapter } = this.#adapters;
    this.#configured = true;
    checkRegistration(this.#modules);
    rememberGlobalGuards(this.#config);
    if (httpAdapter?.getType() === 'fastify') readOwnBodies(httpAdapter.getInstance());
  }

  /** Nest does not call `configure()` for a microservice without routes. */
  onModuleInit(): void {
    if (!this.#configured) checkMarks(this.#modules);
  }

  /** Takes the options directly. A wrong option throws an error that says how to fix it. */
  static forRoot<User extends MfaUser = MfaUser, Request = MfaRequest>(
    options: MfaModuleOptions<User, Request> & MfaModuleExtras,
  ): DynamicModule {
    if (typeof options !== 'object' || options === null) {
      throw new MfaError('invalid_option', 'MfaModule.forRoot() needs its options: at least { mfa, user, loginUrl }.');
    }
    const { path, isGlobal, controllerDecorators, ...rest } = options;
    return describeModule({ path, isGlobal, controllerDecorators }, { provide: MFA_OPTIONS, useValue: rest });
  }

  /** Takes options that the application provides. `path` must be set here, because Nest needs it before it creates them. */
  static forRootAsync<User extends MfaUser = MfaUser, Request = MfaRequest>(
    options: MfaModuleAsyncOptions<User, Request>,
  ): DynamicModule {
    const { useFactory, useClass, useExisting, inject = [], imports = [], ...extras } = options ?? {};
    if (useFactory) return describeModule(extras, { provide: MFA_OPTIONS, useFactory, inject }, { imports });
    const factory = useClass ?? useExisting;
    if (!factory) throw new MfaError('invalid_option', 'forRootAsync needs useFactory, useClass or useExisting.');
    const making = {
      provide: MFA_OPTIONS,
      useFactory: (made: MfaOptionsFactory<User, Request>) => made.createMfaOptions(),
      inject: [factory],
    };
    return describeModule(extras, making, { imports, providers: useClass ? [useClass] : [] });
  }
}

function describeModule(
  { path, isGlobal, controllerDecorators }: { [Name in keyof MfaModuleExtras]: MfaModuleExtras[Name] | undefined },
  options: Provider,
  more: Pick<DynamicModule, 'imports' | 'providers'> = {},
): DynamicModule {
  const host: Provider = {
    provide: MFA_HOST,
    useFactory: (given: AnyMfaOptions, config: ApplicationConfig) => createMfaHost(checkMfaOptions(given, mount), mount, config),
    inject: [MFA_OPTIONS, ApplicationConfig],
  };
  const mount = path ?? DEFAULT_PATH;
  const flows: Provider = {
    provide: MFA,
    useFactory: ({ options: { mfa } }: ReturnType<typeof createMfaHost>) => mfa,
    inject: [MFA_HOST],
  };
  return {
    module: MfaModule,
    global: isGlobal ?? false,
    imports: more.imports ?? [],
    controllers: [createMfaController(mount, controllerDecorators ?? [])],
    providers: [...(more.providers ?? []), options, host, flows, MfaHttp, MfaGuard],
    exports: [MFA, MFA_HOST, MfaHttp, MfaGuard],
  };
}
