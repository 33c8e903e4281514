/** Enough of Prisma for the snippets: its packages are in test/apps/prisma, where they are compiled against the real ones. */
declare module '@prisma/client' {
  export class PrismaClient {
    constructor(options: { adapter: object });
    readonly $extends: unknown;
    $queryRawUnsafe(text: string, ...parameters: unknown[]): Promise<unknown>;
    $executeRawUnsafe(text: string, ...parameters: unknown[]): Promise<number>;
  }
}

declare module '@prisma/adapter-pg' {
  export class PrismaPg {
    constructor(config: object);
  }
}
