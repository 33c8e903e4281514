import type { CoveredRoute } from '@mfa-kit/core/http/coverage';
import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import { GUARDS } from '../mfa.decorators.js';
import { MfaGuard } from '../mfa.guard.js';
import { classMark, handlerMark } from '../mfa.mark.js';
import { isServerGuarded } from '../platform/socket.js';
import { type Handler, type HostModule, readMetadata, type Wrapper } from './guards.js';
import { type PathSetting, readRoutes } from './paths.js';

/** Metadata keys of Nest's packages for GraphQL, sockets and messages, which not every host installs. */
const RESOLVER_TYPE = 'graphql:resolver_type';
const RESOLVER_NAME = 'graphql:resolver_name';
const RESOLVED_FIELD = 'graphql:resolve_property';
const RESOLVED_REFERENCE = 'graphql:resolve_reference';
const GATEWAY = 'websockets:is_gateway';
const GATEWAY_PORT = 'port';
const GATEWAY_OPTIONS = 'websockets:gateway_options';
const MESSAGE_MAPPING = 'websockets:message_mapping';
const MESSAGE = 'message';
const RPC_PATTERN = 'microservices:pattern';

const ROOT_TYPES = ['Query', 'Mutation', 'Subscription'];

const FIELDS_UNGUARDED = 'guards run for fields only when GraphQLModule has fieldResolverEnhancers: ["guards"]';

const scanner = new MetadataScanner();

/** The routes of one controller. */
export interface ControllerRoutes {
  controller: object;
  handlers: Handler[];
}

/** Lists every route of every controller, in the order in which Nest adds them. */
export function listControllers(setting: PathSetting): ControllerRoutes[] {
  return eachMethod(setting.modules, 'controllers').map(({ controller, methods }) => ({
    controller,
    handlers: methods.flatMap(({ callback, own, instance, module }) =>
      readRoutes(setting, { controller, callback: own, module }).map((route) => ({
        route,
        transport: 'http',
        instance,
        callback,
        module,
      })),
    ),
  }));
}

/** Lists the message handlers in controllers. */
export function listMessageHandlers(modules: ModulesContainer): Handler[] {
  return eachMethod(modules, 'controllers').flatMap(({ methods }) =>
    methods.flatMap(({ callback, own, instance, module }) => {
      const patterns = [readMetadata<unknown>(RPC_PATTERN, own) ?? []].flat();
      return patterns.map((pattern) => ({ route: `RPC ${nameOf(pattern)}`, transport: 'rpc', instance, callback, module }));
    }),
  );
}

/** Lists queries, mutations, subscriptions and references. Other fields are reached only through these and are listed only if marked. */
export function listResolvers(modules: ModulesContainer, { fieldGuards }: { fieldGuards: boolean }): Handler[] {
  return eachMethod(modules, 'providers').flatMap(({ controller, methods }) =>
    methods.flatMap(({ callback, own, name, instance, module }) => {
      const type = readMetadata<string>(RESOLVER_TYPE, own) ?? readMetadata<string>(RESOLVER_TYPE, controller);
      const reference = readMetadata(RESOLVED_REFERENCE, own) === true;
      const property = readMetadata(RESOLVED_FIELD, own) !== undefined;
      const root = type !== undefined && ROOT_TYPES.includes(type);
      if (type === undefined || !(root || reference || (property && isMarked(own)))) return [];
      const route = `${type}.${reference ? '__resolveReference' : (readMetadata<string>(RESOLVER_NAME, own) ?? name)}`;
      const handler: Handler = { route, transport: 'graphql', instance, callback, module };
      return [root || fieldGuards ? handler : { ...handler, unguarded: FIELDS_UNGUARDED }];
    }),
  );
}

/** Lists the message handlers of gateways, and whether their servers check access before a socket exists. */
export function listGateways(
  modules: ModulesContainer,
  serverOf: (place: { port: number; path: unknown; namespace?: unknown }) => unknown,
): { handlers: Handler[]; connections: string[]; openings: CoveredRoute[] } {
  const handlers: Handler[] = [];
  const connections: string[] = [];
  const openings: CoveredRoute[] = [];
  for (const { controller, methods } of eachMethod(modules, 'providers')) {
    if (readMetadata(GATEWAY, controller) !== true) continue;
    const { namespace, path } = readMetadata<{ namespace?: unknown; path?: unknown }>(GATEWAY_OPTIONS, controller) ?? {};
    const port = readMetadata<number>(GATEWAY_PORT, controller) || undefined;
    const place = [port && `:${port}`, namespace && `/${nameOf(namespace).replace(/^\//, '')}`].filter(Boolean).join('');
    const server = serverOf({ port: port ?? 0, path, ...(namespace !== undefined && namespace !== '' && { namespace }) });
    const opening = ['WS', place, `connect ${(controller as { name?: string }).name}`].filter(Boolean).join(' ');
    openings.push({ route: opening, ...judgeOpening(controller, server) });
    for (const { callback, own, name, instance, module } of methods) {
      if (name === 'handleConnection') connections.push(`${instance.constructor.name}.handleConnection`);
      if (readMetadata(MESSAGE_MAPPING, own) === undefined) continue;
      const route = ['WS', place, nameOf(readMetadata(MESSAGE, own))].filter(Boolean).join(' ');
      handlers.push({ route, transport: 'ws', instance, callback, module });
    }
  }
  return { handlers, connections, openings };
}

/** An open socket receives every broadcast, and Nest runs no guard when it opens. */
function judgeOpening(gateway: object, server: unknown): Pick<CoveredRoute, 'status' | 'why'> {
  if (isServerGuarded(server)) return { status: 'guarded' };
  if (classMark(gateway)?.mark.kind === 'skip') return { status: 'skipped', why: '@SkipMfa()' };
  return { status: 'unknown', why: 'no guardServer() checks access before a socket exists' };
}

/** A class and its methods. */
export interface Methods {
  controller: object;
  methods: { name: string; own: object; callback: object; instance: object; module: HostModule }[];
}

/** The methods of every controller or provider that is a class. */
export function eachMethod(modules: ModulesContainer, kind: 'controllers' | 'providers'): Methods[] {
  return [...modules.values()].flatMap((module) =>
    [...(module[kind] as Map<unknown, Wrapper>).values()].flatMap(({ instance }) => {
      if (typeof instance !== 'object' || instance === null) return [];
      const prototype: unknown = Object.getPrototypeOf(instance);
      if (typeof prototype !== 'object' || prototype === null || prototype === Object.prototype) return [];
      const methods = scanner.getAllMethodNames(prototype).flatMap((name) => {
        const own: unknown = prototype[name as keyof typeof prototype];
        // The instance may have its own function in place of the method. Nest runs that one, with the guards on it.
        const callback: unknown = instance[name as keyof typeof instance];
        return typeof own === 'function' && typeof callback === 'function' ? [{ name, own, callback, instance, module }] : [];
      });
      return methods.length > 0 ? [{ controller: instance.constructor, methods }] : [];
    }),
  );
}

/** Whether a method is marked itself. */
export function isMarked(method: object): boolean {
  const guards = readMetadata<unknown[]>(GUARDS, method) ?? [];
  return handlerMark(method)?.kind === 'require' || guards.includes(MfaGuard);
}

function nameOf(value: unknown): string {
  return typeof value === 'string' ? value : value instanceof RegExp ? String(value) : JSON.stringify(value);
}
