import { SkipMfa } from '@mfa-kit/nest';
import { mfaCoverage } from '@mfa-kit/nest/coverage';
import { createTokens } from '@mfa-kit-examples/bearer-api/tokens';
import { Controller, Get, type INestApplication, Module } from '@nestjs/common';
import type { Express } from 'express';
import { type BearerApp, call, enrollBearer, startBearerApp } from './bearer-app.js';
import { type DemoApp, EXAMPLES, type Example, startDemoApp } from './demo-app.js';
import { expressRoutes, nestRoutes } from './routes.js';
import { scriptedClient } from './scripted-client.js';
import { logIn, logInAndEnroll } from './scripted-journey.js';

export const SUBJECTS = [...EXAMPLES, 'the bearer API'] as const;

/** The style sheet and script of the kit's pages. */
const ASSETS = ['GET /mfa/assets/page.css', 'GET /mfa/assets/page.js'];

/** An example that is crawled. */
export interface Subject {
  origin: string;
  /** Every path with a route, and some without one. */
  routes: string[];
  /** The public paths. */
  open: string[];
  /** Sets up an authenticator for ada. */
  enroll(): Promise<void>;
  /** The clients that have only ada's password: one for each kind of credentials. */
  halfLoggedIn(): Promise<HalfLoggedIn[]>;
  close(): Promise<void>;
}

export interface HalfLoggedIn {
  name: string;
  headers: Record<string, string>;
  /** Proves a code and returns the status of `GET /cases`. */
  finish?: () => Promise<number>;
}

/** `planted` adds an open route `GET /export`, and on Nest `GET /dump`. */
export function startSubject(name: (typeof SUBJECTS)[number], { planted = false } = {}): Promise<Subject> {
  return name === 'the bearer API' ? startBearerSubject(planted) : startSessionSubject(name, planted);
}

async function startSessionSubject(example: Example, planted: boolean): Promise<Subject> {
  const app = await startDemoApp(
    example,
    planted ? { plant: { express: plantRoute, nest: [PlantModule], beside: plantBeside } } : {},
  );
  let nextCode: (() => Promise<string>) | undefined;
  return {
    origin: app.origin,
    routes: [...routesOf(app), '/nothing', '/mfa/nothing'],
    open: [...ASSETS, 'GET /', 'GET /login', 'GET /healthz', 'GET /demo.css', 'GET /icon.svg', 'POST /logout'],
    async enroll() {
      ({ nextCode } = await logInAndEnroll(scriptedClient(app.origin), app, 'ada'));
    },
    async halfLoggedIn() {
      const client = scriptedClient(app.origin);
      await logIn(client, app, 'ada');
      const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const finish = async (): Promise<number> => {
        await client.post('/mfa/verify', { code: await nextCode?.() });
        return (await client.get('/cases')).status;
      };
      return [{ name: 'a session', headers: { cookie }, finish }];
    },
    close: app.close,
  };
}

function routesOf({ express, nest }: DemoApp): string[] {
  if (express) return expressRoutes(express);
  if (!nest) return [];
  // The coverage also lists what is outside the controllers: GraphQL, and routes of the platform itself.
  const covered = mfaCoverage(nest).routes.flatMap(({ route }) => / (\/[\w./-]*)/.exec(route)?.[1] ?? []);
  return [...new Set([...nestRoutes(nest), ...covered, '/live'])];
}

async function startBearerSubject(planted: boolean): Promise<Subject> {
  const app = await startBearerApp();
  if (planted) plantRoute(app.app);
  let nextCode: (() => string) | undefined;
  return {
    origin: app.origin,
    routes: [...expressRoutes(app.app), '/nothing', '/mfa/nothing'],
    open: [...ASSETS, 'GET /healthz'],
    async enroll() {
      ({ nextCode } = await enrollBearer(app));
    },
    async halfLoggedIn() {
      const { pendingToken } = (await call(app, 'POST /login', { body: { username: 'ada', password: app.password } })).body;
      const finish = async (): Promise<number> => {
        const { accessToken } = (await call(app, 'POST /mfa/verify', { body: { pendingToken, code: nextCode?.() } })).body;
        return (await call(app, 'GET /cases', { token: accessToken })).status;
      };
      return [
        { name: 'a pending token', headers: bearing(String(pendingToken)), finish },
        { name: 'an access token without MFA claims', headers: bearing(await passwordToken(app)) },
      ];
    },
    close: app.close,
  };
}

/** The token that the API issues to a user who needs only the password. */
async function passwordToken({ host, now }: BearerApp): Promise<string> {
  const tokens = await createTokens(host, now);
  return (await tokens.issue({ userId: 'user-ada' })).accessToken;
}

function bearing(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** Adds an open route by mistake, above the line that guards the routes. */
function plantRoute(app: Express): void {
  app.get('/export', (_req, res) => void res.json({ everything: true }));
  const { stack } = (app as unknown as { router: { stack: unknown[] } }).router;
  stack.splice(1, 0, ...stack.splice(-1));
}

/** The same mistake in Nest. */
@SkipMfa()
@Controller('export')
class PlantController {
  @Get()
  everything(): object {
    return { everything: true };
  }
}

/** A route outside Nest, for which none of its guards runs. */
function plantBeside(app: INestApplication): void {
  app.getHttpAdapter().get('/dump', (_request: unknown, reply: { send(text: string): void }) => reply.send('everything'));
}

@Module({ controllers: [PlantController] })
class PlantModule {}
