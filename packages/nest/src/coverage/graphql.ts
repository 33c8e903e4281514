import type { CoveredRoute } from '@mfa-kit/core/http';
import type { HostModule } from './guards.js';

/** Where the package for GraphQL keeps its options and its schema; not every host has it. */
const OPTIONS = 'GqlModuleOptions';
const SCHEMA_HOST = 'GraphQLSchemaHost';

/** One GraphQL endpoint. */
export interface GraphqlEndpoint {
  path: string;
  /** Every field that a client can ask for first: `Query.cases`; undefined when the schema cannot be read. */
  fields: string[] | undefined;
  /** Whether guards run for the fields below those, too. */
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

/** The GraphQL endpoints of an application. */
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

/** Fields that no resolver of Nest stands behind: plain functions of a schema, which no guard runs before. */
export function listPlainFields(endpoints: readonly GraphqlEndpoint[], resolvers: ReadonlySet<string>): CoveredRoute[] {
  return endpoints
    .flatMap(({ fields = [] }) => fields)
    .filter((field) => !resolvers.has(field))
    .map((route) => ({ route, status: 'open', why: 'answered without a resolver of Nest' }));
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
