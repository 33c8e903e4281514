import type { MfaUser } from '@mfa-kit/core';
import { type HttpAnswer, type MfaExchange, pathAndQuery, readRequestBody, type SessionPort } from '@mfa-kit/core/http';
import type { Request, Response } from 'express';
import type { ExpressMfaOptions } from './express-options.js';
import { expressSessionPort } from './express-session-port.js';

/** Adapts a request and its response to what `core` needs. */
export function openExchange<User extends MfaUser>(
  options: ExpressMfaOptions<User>,
  { req, res }: { req: Request; res: Response },
): MfaExchange<User, Request> {
  return new ExpressExchange(options, req, res);
}

/** A class with getters, because a guard creates one for every request and reads little of it. */
class ExpressExchange<User extends MfaUser> implements MfaExchange<User, Request> {
  readonly request: Request;
  readonly session: SessionPort | null;
  readonly assurance: MfaExchange['assurance'];
  readonly #options: ExpressMfaOptions<User>;
  readonly #res: Response;

  constructor(options: ExpressMfaOptions<User>, req: Request, res: Response) {
    this.request = req;
    this.session = openSession(options, req);
    this.assurance = options.assurance && (() => options.assurance?.(req));
    this.#options = options;
    this.#res = res;
  }

  get method(): string {
    return this.request.method;
  }

  get url(): string {
    return pathAndQuery(this.request.originalUrl);
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  body(): Promise<unknown> {
    return readRequestBody(this.request);
  }

  user(): ReturnType<ExpressMfaOptions<User>['user']> {
    return this.#options.user(this.request);
  }

  eventContext(): ReturnType<MfaExchange['eventContext']> {
    return this.#options.eventContext?.(this.request);
  }

  setCookie(line: string): void {
    this.#res.append('Set-Cookie', line);
  }
}

/** Writes an answer. Keeps cookies that are already set, and the host's `Vary`. */
export function writeAnswer(res: Response, answer: HttpAnswer): void {
  res.status(answer.status);
  for (const [name, value] of answer.headers) {
    if (name === 'Vary') res.vary(value);
    else res.setHeader(name, value);
  }
  if (answer.body !== '') res.setHeader('Content-Length', Buffer.byteLength(answer.body));
  res.end(answer.body === '' ? undefined : answer.body);
}

function openSession<User extends MfaUser>(options: ExpressMfaOptions<User>, req: Request): SessionPort | null {
  const { session } = options;
  if (session === false) return null;
  if (session) return { read: () => session.read(req), write: (next, how) => session.write(req, next, how) };
  if (options.assurance !== undefined && !isUsable(req)) return null;
  return expressSessionPort(req);
}

/** A client with a token may have no session, or one that the kit cannot use because it cannot renew it. */
function isUsable(req: Request): boolean {
  if (!req.session) return false;
  return typeof req.session.regenerate === 'function' || req.headers.authorization === undefined;
}
