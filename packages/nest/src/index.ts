/**
 * `@mfa-kit/nest` will hold `MfaModule`, `MfaGuard` and `@RequireMfa()` for the Express and the Fastify platform.
 *
 * This release exports nothing yet. A Nest application on the Express platform can mount `@mfa-kit/express`, and any
 * application can call the flows of `@mfa-kit/core`.
 */
export {};
