import type { MfaRequest } from '@mfa-kit/nest';
import type { DemoHost, DemoUser } from '@mfa-kit-examples/demo-host';

/** Injects the options of the application. */
export const DEMO = Symbol('DEMO');

/** The options of the application. */
export interface Demo {
  host: DemoHost;
  /** The origins at which browsers reach it. */
  origins: string[];
  /** For tests. */
  clock?: () => number;
}

/** The fields that both platforms have on a request here. */
export interface DemoRequest extends MfaRequest {
  method: string;
  session?: DemoSession;
  /** The user whose password was right, during the login. */
  user?: DemoUser;
}

/** The session of express-session or @fastify/session. */
export interface DemoSession {
  userId?: string;
  destroy(done: (error?: unknown) => void): unknown;
}
