import type { MfaUser } from '@mfa-kit/core';
import { type HttpAnswer, type MfaExchange, pathAndQuery, readRequestBody, type SessionPort } from '@mfa-kit/core/http';
import type { Request, Response } from 'express';
import type { ExpressMfaOptions } from './express-options.js';
import { expressSessionPort } from './session.js';

/** One request and its response as `core` needs them. */
export function openExchange<User extends MfaUser>(
  options: ExpressMfaOptions<User>,
  { req, res }: { req: Request; res: Response },
): MfaExchange<User, Request> {
  return {
    request: req,
    method: req.method,
    url: pathAndQuery(req.originalUrl),
    header: (name) => joinHeader(req.headers[name]),
    body: () => readRequestBody(req),
    user: () => options.user(req),
    session: openSession(options, req),
    assurance: options.assurance && (() => options.assurance?.(req)),
    eventContext: () => options.eventContext?.(req),
    setCookie: (line) => {
      res.append('Set-Cookie', line);
    },
  };
}

/** Writes an answer; cookies that were set before stay, and so does what the host lets the answer vary by. */
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
  const bearer = options.assurance !== undefined && (!req.session || /^(Bearer|DPoP) /i.test(req.headers.authorization ?? ''));
  return bearer ? null : expressSessionPort(req);
}

function joinHeader(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}
