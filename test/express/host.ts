import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { MfaOptions } from '@mfa-kit/core';
import { type ExpressMfa, type ExpressMfaOptions, expressMfa, requestLogin, requestMfa } from '@mfa-kit/express';
import express5, { type ErrorRequestHandler, type Express, type Request, type RequestHandler, type Response } from 'express';
import session, { MemoryStore, type SessionData } from 'express-session';
import { createFixture, type Fixture, type TestUser } from '../support/core-fixture.js';

declare module 'express-session' {
  interface SessionData {
    userId?: string;
    cart?: string[];
  }
}

/** The versions that the package supports, with one type. */
export const versions = [
  { version: 5, express: express5 },
  { version: 4, express: (await import('express4' as string)).default as typeof express5 },
] as const;

/** A session store that fails on demand. */
export class FaultyStore extends MemoryStore {
  failSets = 0;
  failDestroys = 0;

  override set(sid: string, data: SessionData, callback?: (error?: unknown) => void): void {
    if (this.failSets-- > 0) return void setImmediate(() => callback?.(new Error('set failed: INSERT INTO sessions')));
    super.set(sid, data, callback);
  }

  override destroy(sid: string, callback?: (error?: unknown) => void): void {
    if (this.failDestroys-- > 0) return void setImmediate(() => callback?.(new Error('destroy failed')));
    super.destroy(sid, callback);
  }

  ids(): Promise<string[]> {
    return new Promise((resolve, reject) => {
      this.all((error, all) => (error ? reject(new Error('no sessions')) : resolve(Object.keys(all ?? {}))));
    });
  }
}

export interface Host extends Fixture, ExpressMfa<TestUser> {
  app: Express;
  store: FaultyStore;
  users: Map<string, TestUser>;
  server: Server;
  origin: string;
  /** Errors that reached the error handler. */
  errors: unknown[];
  close(): Promise<void>;
}

export interface HostOptions {
  express: typeof express5;
  kit?: Partial<ExpressMfaOptions<TestUser>>;
  mfa?: Partial<MfaOptions<TestUser>>;
  /** Parsers of the host, before the router. */
  parsers?: (express: typeof express5) => RequestHandler[];
  /** Middleware before the session, the router and the guard. */
  before?: RequestHandler[];
  session?: RequestHandler | null;
  /** Omits `beginLogin()` from the login. */
  forgetBeginLogin?: true;
  /** What the login does in place of `beginLogin()`, and its answer. */
  login?: (given: { kit: ExpressMfa<TestUser>; req: Request; res: Response; user: TestUser }) => Promise<unknown>;
  /** Routes before the login. */
  beforeRoutes?: (host: Pick<Host, 'app' | keyof ExpressMfa>) => void;
  /** Routes after the application's guard. */
  routes?: (host: Pick<Host, 'app' | keyof ExpressMfa>) => void;
}

/** An application with a login of its own and the kit, on a real port. */
export async function startHost(given: HostOptions): Promise<Host> {
  const fixture = createFixture(given.mfa);
  const users = new Map<string, TestUser>([
    ['ada', { id: 'user-ada', name: 'ada@example.com' }],
    ['bob', { id: 'user-bob', name: 'bob@example.com' }],
    ['grace', { id: 'user-grace', name: 'grace@example.com', mfa: 'optional' }],
    ['alan', { id: 'user-alan', name: 'alan@example.com', enrollBy: fixture.clock.now() + 14 * 86_400_000 }],
    ['olga', { id: 'user-olga', name: 'olga@example.com', mfa: 'off' }],
  ]);
  const byId = (id: string | undefined) => [...users.values()].find((user) => user.id === id) ?? null;
  const store = new FaultyStore();
  const errors: unknown[] = [];
  const kit = expressMfa<TestUser>(fixture.mfa, {
    user: (req) => byId(req.session?.userId),
    userById: byId,
    loginUrl: '/login',
    homeUrl: '/home',
    allowedOrigins: ['https://app.example'],
    ...given.kit,
  });

  const app = given.express();
  for (const handler of given.before ?? []) app.use(handler);
  if (given.session !== null) {
    app.use(given.session ?? session({ secret: 'cat', resave: false, saveUninitialized: false, store, name: 'sid' }));
  }
  for (const parser of given.parsers?.(given.express) ?? []) app.use(parser);
  const path = given.kit?.path ?? '/mfa';
  app.use(path, kit.router);
  given.beforeRoutes?.({ app, ...kit });
  const logIn: RequestHandler = (req, res, next) => {
    const user = users.get(String(req.query.user));
    if (!user) return void res.sendStatus(401);
    req.session.userId = user.id;
    if (given.forgetBeginLogin) return void res.json({});
    if (given.login) return void given.login({ kit, req, res, user }).catch(next);
    next();
  };
  app.post('/login', logIn, kit.beginLogin, (req, res) => void res.json(requestLogin(req)));
  app.post('/logout', (req, res, next) => {
    req.session.destroy((error) => (error ? next(error) : res.sendStatus(204)));
  });
  app.post('/cart', (req, res) => {
    req.session.cart = ['book'];
    req.session.cookie.maxAge = 7 * 86_400_000;
    res.sendStatus(204);
  });
  app.use(kit.requireMfaExcept(['/', '/session']));
  app.get('/login', (_req, res) => void res.send('login page'));
  app.get('/session', (req, res) => void res.json({ id: req.sessionID, data: req.session }));
  app.get(
    '/cases',
    (req, res) => void res.json({ via: requestMfa(req)?.decision.via, userId: requestMfa(req)?.assurance?.userId }),
  );
  app.post('/payouts', kit.requireMfa({ maxAgeSeconds: 300 }), (_req, res) => void res.status(201).json({ ok: true }));
  given.routes?.({ app, ...kit });
  app.use((req: Request, res: Response) => void res.status(404).json({ path: req.path }));
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    errors.push(error);
    res.status(500).json({ error: 'internal' });
  };
  app.use(onError);

  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { ...fixture, ...kit, app, store, users, server, origin, errors, close };
}
