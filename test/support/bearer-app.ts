import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthenticator } from '@mfa-kit/core/testing';
import { createApp } from '@mfa-kit-examples/bearer-api';
import { createDemoHost, type DemoHost } from '@mfa-kit-examples/demo-host';
import type { Express } from 'express';
import { STEP } from './demo-app.js';

export const SPA = 'https://app.example';
export const PAYOUT = { reference: 'LF-2041', amount: 250 };

/** The bearer example in this process on a real port, with a clock that the test controls. */
export interface BearerApp {
  app: Express;
  host: DemoHost;
  origin: string;
  password: string;
  now(): number;
  advance(milliseconds: number): void;
  close(): Promise<void>;
}

/** Starts the example on a database in memory. */
export async function startBearerApp(): Promise<BearerApp> {
  let time = Math.floor(Date.now() / STEP) * STEP + 5000;
  const now = (): number => time;
  const password = 'correct horse battery';
  const directory = await mkdtemp(join(tmpdir(), 'mfa-kit-bearer-'));
  const host = await createDemoHost({
    env: { MFA_STORAGE: 'memory:', DEMO_PASSWORD: password },
    directory,
    now,
    passwordCost: { logN: 10, r: 8, p: 1 },
  });
  const app = await createApp(host, { spaOrigin: SPA, clock: now });
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    app,
    host,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    password,
    now,
    advance(milliseconds) {
      time += milliseconds;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await host.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What a client received. */
export interface BearerAnswer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

/** Sends a request as a command-line client does: JSON, no cookie, no Origin, and a token if there is one. */
export async function call(
  { origin }: Pick<BearerApp, 'origin'>,
  request: string,
  { token, body, headers = {} }: { token?: unknown; body?: object; headers?: Record<string, string> } = {},
): Promise<BearerAnswer> {
  const [method = 'GET', path = '/'] = request.split(' ');
  const response = await fetch(origin + path, {
    method,
    redirect: 'manual',
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${String(token)}` }),
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status: response.status, headers: response.headers, body: json };
}

/** An enrolled user with the tokens after the enrollment. */
export interface BearerUser {
  accessToken: string;
  refreshToken: string;
  recoveryCodes: string[];
  /** Advances the clock to the next period and returns its code. */
  nextCode(): string;
  logIn(headers?: Record<string, string>): Promise<BearerAnswer>;
}

/** Logs in and enrolls with the pending token. */
export async function enrollBearer(app: BearerApp, username = 'ada'): Promise<BearerUser> {
  const logIn: BearerUser['logIn'] = (headers = {}) =>
    call(app, 'POST /login', { body: { username, password: app.password }, headers });
  const { pendingToken } = (await logIn()).body;
  const started = await call(app, 'POST /mfa/enroll', { body: { pendingToken } });
  const authenticator = createAuthenticator(String(started.body.manualKey));
  const { enrollmentId } = started.body;
  const code = authenticator.code(app.now());
  const confirmed = await call(app, 'POST /mfa/enroll/confirm', { body: { pendingToken, enrollmentId, code } });
  if (confirmed.status !== 200) throw new Error(`Not enrolled: ${JSON.stringify(confirmed.body)}`);
  const { accessToken, refreshToken, recoveryCodes } = confirmed.body;
  return {
    accessToken: String(accessToken),
    refreshToken: String(refreshToken),
    recoveryCodes: recoveryCodes as string[],
    nextCode() {
      app.advance(STEP);
      return authenticator.code(app.now());
    },
    logIn,
  };
}
