import { matters } from '@mfa-kit-examples/demo-host';
import { Query, Resolver } from '@nestjs/graphql';

export const typeDefs = `
  type Query { matters: [Matter!]! }
  type Matter { reference: String!, title: String!, client: String!, nextStep: String!, heldCents: Int! }
`;

/** The cases over GraphQL. The global guard covers resolvers as well. */
@Resolver()
export class CasesResolver {
  @Query('matters')
  matters(): typeof matters {
    return matters;
  }
}
