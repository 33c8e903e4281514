import { isSameOrigin } from '@mfa-kit-examples/demo-host';
import type { INestApplication } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import type { DemoRequest } from './demo.js';

type Verify = (opening: { req: DemoRequest }, done: (accepted: boolean, status?: number) => void) => void;

/** Gives sockets the session of the browser that opens them. */
export class SessionWsAdapter extends WsAdapter {
  readonly #verifyClient: Verify;

  /** `readSession` is express-session on either platform, because Fastify's plugins work only for routes. */
  constructor(app: INestApplication, readSession: (request: never, response: never, next: (error?: unknown) => void) => void) {
    super(app);
    this.#verifyClient = ({ req }, done) => {
      // No page of another site may open a socket with this browser's cookies. A GET opens it, but its messages can change data.
      if (!isSameOrigin({ ...req, method: 'POST', headers: req.headers })) return done(false, 403);
      return readSession(req as never, {} as never, (error) => done(!error, 503));
    };
  }

  override create(port: number, options: object = {}): unknown {
    return super.create(port, { ...options, verifyClient: this.#verifyClient } as never);
  }
}
