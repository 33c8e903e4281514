import type { CoverageFinding, CoveredRoute } from '@mfa-kit/core/http/coverage';
import type { HostModule } from '../mfa.methods.js';

/** Providers of `@nestjs/graphql`, which not every host installs. */
const OPTIONS = 'GqlModuleOptions';
const SCHEMA_HOST = 'GraphQLSchemaHost';

/** The routes that drivers add on Fastify. */
const DRIVER_ROUTE = /^(?:GET|POST|OPTIONS) /;

/** One GraphQL endpoint. */
export interface GraphqlEndpoint {
  path: string;
  /** Every top-level field, for example `Query.cases`; undefined if the schema cannot be read. */
  fields: string[] | undefined;
  /** Whether guards also run for nested fields. */
  fieldGuards: boolean;
}

interface Schema {
  getQueryType(): RootType | null | undefined;
  getMutationType(): RootType | null | undefined;
  getSubscriptionType(): RootType | null | undefined;
}

interface RootType {
  getFields(): object;
}

/** Lists the GraphQL endpoints of an application. */
export function listGraphql(modules: Iterable<HostModule>): GraphqlEndpoint[] {
  return [...modules].flatMap(({ providers }) => {
    const options: unknown = providers.get(OPTIONS)?.instance;
    if (typeof options !== 'object' || options === null) return [];
    const { path, fieldResolverEnhancers } = options as { path?: unknown; fieldResolverEnhancers?: unknown };
    const host = [...providers.values()].find(({ metatype }) => metatype?.name === SCHEMA_HOST);
    return [
      {
        path: typeof path === 'string' ? `/${path.replace(/^\/+/, '')}` : '/graphql',
        fields: readFields(host?.instance),
        fieldGuards: Array.isArray(fieldResolverEnhancers) && fieldResolverEnhancers.includes('guards'),
      },
    ];
  });
}

/** Lists fields without a Nest resolver. They are plain functions of the schema, and no guard runs for them. */
export function listPlainFields(endpoints: readonly GraphqlEndpoint[], resolvers: ReadonlySet<string>): CoveredRoute[] {
  return endpoints
    .flatMap(({ fields = [] }) => fields)
    .filter((field) => !resolvers.has(field))
    .map((route) => ({ route, status: 'open', why: 'answered without a Nest resolver' }));
}

/** Skips the row of an endpoint if all its fields are listed. On Express a driver mounts two functions. Any more are not the driver's. */
export function skipEndpoints(rows: readonly CoverageFinding[], endpoints: readonly GraphqlEndpoint[]): CoverageFinding[] {
  const pathOf = (route: string): string => route.slice(route.indexOf(' ') + 1).replace(/ \(.*\)$/, '');
  return rows.map((row) => {
    const path = pathOf(row.route);
    const functions = rows.filter(({ route, isFunction }) => isFunction && pathOf(route) === path).length;
    const isEndpoint = endpoints.filter((one) => one.fields && one.path === path).length === 1;
    const isDriver = row.isFunction ? functions <= 2 : functions === 0 && DRIVER_ROUTE.test(row.route);
    return isEndpoint && isDriver ? { ...row, status: 'skipped', why: 'GraphQL: its resolvers are listed' } : row;
  });
}

function readFields(host: unknown): string[] | undefined {
  try {
    const { schema } = host as { schema: Schema };
    const roots = {
      Query: schema.getQueryType(),
      Mutation: schema.getMutationType(),
      Subscription: schema.getSubscriptionType(),
    };
    return Object.entries(roots).flatMap(([root, type]) => Object.keys(type?.getFields() ?? {}).map((name) => `${root}.${name}`));
  } catch {
    return undefined;
  }
}
