import type { MfaRequest } from '@mfa-kit/nest';
import type { DemoHost, DemoUser } from '@mfa-kit-examples/demo-host';

/** Injects what the application was started with. */
export const DEMO = Symbol('DEMO');

/** What the application is started with. */
export interface Demo {
  host: DemoHost;
  /** Where browsers reach it. */
  origins: string[];
  /** For tests. */
  clock?: () => number;
}

/** A request as both platforms have it here. */
export interface DemoRequest extends MfaRequest {
  method: string;
  session?: DemoSession;
  /** Whose password was right, during the login. */
  user?: DemoUser;
}

/** The session, of express-session or of @fastify/session. */
export interface DemoSession {
  userId?: string;
  destroy(done: (error?: unknown) => void): unknown;
}
