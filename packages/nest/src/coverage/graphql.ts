import type { CoveredRoute } from '@mfa-kit/core/http/coverage';
import type { HostModule } from './guards.js';

/** Providers of `@nestjs/graphql`, which not every host installs. */
const OPTIONS = 'GqlModuleOptions';
const SCHEMA_HOST = 'GraphQLSchemaHost';

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
