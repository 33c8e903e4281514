import type { CoveredRoute } from '@mfa-kit/core/http/coverage';
import type { ModulesContainer } from '@nestjs/core';
import { classMark } from '../mfa.mark.js';
import { eachMethod, isMarked, readMetadata } from '../mfa.methods.js';
import { isServerGuarded } from '../platform/socket.js';
import type { Handler } from './guards.js';
import { type PathSetting, readPlaces } from './paths.js';

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

/** The routes of one controller. */
export interface ControllerRoutes {
  controller: object;
  handlers: Handler[];
}

/** Lists every route of every controller, in the order in which Nest adds them. */
export function listControllers(setting: PathSetting): ControllerRoutes[] {
  return eachMethod(setting.modules, 'controllers').map(({ controller, methods }) => ({
    controller,
    handlers: methods.flatMap((method) =>
      readPlaces(setting, { controller, callback: method.own, module: method.module }).map((place) => ({
        ...method,
        route: `${place.method} ${place.path}`,
        transport: 'http',
        place,
      })),
    ),
  }));
}

/** Lists the message handlers in controllers. */
export function listMessageHandlers(modules: ModulesContainer): Handler[] {
  return eachMethod(modules, 'controllers').flatMap(({ methods }) =>
    methods.flatMap((method) => {
      const patterns = [readMetadata<unknown>(RPC_PATTERN, method.own) ?? []].flat();
      return patterns.map((pattern) => ({ ...method, route: `RPC ${nameOf(pattern)}`, transport: 'rpc' }));
    }),
  );
}

/** Lists queries, mutations, subscriptions and references. Other fields are reached only through these and are listed only if marked. */
export function listResolvers(modules: ModulesContainer, { fieldGuards }: { fieldGuards: boolean }): Handler[] {
  return eachMethod(modules, 'providers').flatMap(({ controller, methods }) =>
    methods.flatMap((method) => {
      const { own, name } = method;
      const type = readMetadata<string>(RESOLVER_TYPE, own) ?? readMetadata<string>(RESOLVER_TYPE, controller);
      const reference = readMetadata(RESOLVED_REFERENCE, own) === true;
      const property = readMetadata(RESOLVED_FIELD, own) !== undefined;
      const root = type !== undefined && ROOT_TYPES.includes(type);
      if (type === undefined || !(root || reference || (property && isMarked(own)))) return [];
      const route = `${type}.${reference ? '__resolveReference' : (readMetadata<string>(RESOLVER_NAME, own) ?? name)}`;
      const handler: Handler = { ...method, route, transport: 'graphql' };
      return [root || fieldGuards ? handler : { ...handler, unguarded: FIELDS_UNGUARDED }];
    }),
  );
}

/** Lists the message handlers of gateways, and whether their servers check access before a socket exists. */
export function listGateways(
  modules: ModulesContainer,
  serverOf: (place: { port: number; path: unknown; namespace?: unknown }) => unknown,
): { handlers: Handler[]; openings: CoveredRoute[] } {
  const handlers: Handler[] = [];
  const openings: CoveredRoute[] = [];
  for (const { controller, methods } of eachMethod(modules, 'providers')) {
    if (readMetadata(GATEWAY, controller) !== true) continue;
    const { namespace, path } = readMetadata<{ namespace?: unknown; path?: unknown }>(GATEWAY_OPTIONS, controller) ?? {};
    const port = readMetadata<number>(GATEWAY_PORT, controller) || undefined;
    const place = [port && `:${port}`, namespace && `/${nameOf(namespace).replace(/^\//, '')}`].filter(Boolean).join('');
    const server = serverOf({ port: port ?? 0, path, ...(namespace !== undefined && namespace !== '' && { namespace }) });
    const opening = ['WS', place, `connect ${nameOfClass(controller)}`].filter(Boolean).join(' ');
    openings.push({ route: opening, ...judgeOpening(controller, server) });
    for (const method of methods) {
      if (readMetadata(MESSAGE_MAPPING, method.own) === undefined) continue;
      const route = ['WS', place, nameOf(readMetadata(MESSAGE, method.own))].filter(Boolean).join(' ');
      handlers.push({ ...method, route, transport: 'ws' });
    }
  }
  return { handlers, openings };
}

/** An open socket receives every broadcast, and Nest runs no guard when it opens. */
function judgeOpening(gateway: object, server: unknown): Pick<CoveredRoute, 'status' | 'why'> {
  if (isServerGuarded(server)) return { status: 'guarded' };
  if (classMark(gateway)?.mark.kind === 'skip') return { status: 'skipped', why: `@SkipMfa() on ${nameOfClass(gateway)}` };
  return { status: 'unknown', why: 'no guardServer() checks access before a socket exists' };
}

function nameOfClass(type: object): string {
  return String((type as { name?: unknown }).name);
}

function nameOf(value: unknown): string {
  return typeof value === 'string' ? value : value instanceof RegExp ? String(value) : JSON.stringify(value);
}
