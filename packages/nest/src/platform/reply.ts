import { ServerResponse } from 'node:http';
import type { HttpAnswer } from '@mfa-kit/core/http';

/** A reply of Fastify, as far as the kit writes on it. */
interface FastifyReply {
  raw: ServerResponse;
  code(status: number): unknown;
  header(name: string, value: string): unknown;
  getHeader(name: string): unknown;
  send(body?: string): unknown;
}

/** The reply of either platform: Express's response is Node's own. */
export type MfaReply = ServerResponse | FastifyReply;

/** Returns the value if it is a reply of either platform. */
export function asReply(value: unknown): MfaReply | undefined {
  // Test for Express first, because a missing property is slow to look up on its prototype chain.
  return value instanceof ServerResponse || isFastifyReply(value) || isServerResponse(value) ? value : undefined;
}

/** Adds one `Set-Cookie` line and keeps those that are there. */
export function addCookie(reply: MfaReply, line: string): void {
  // Fastify adds to this header, but replaces any other.
  if ('code' in reply) reply.header('Set-Cookie', line);
  else reply.appendHeader('Set-Cookie', line);
}

/** Writes an answer. Keeps cookies that are already set, and the host's `Vary`. */
export function writeReply(reply: MfaReply, { status, headers, body }: HttpAnswer): void {
  const set = (name: string, value: string) => ('code' in reply ? reply.header(name, value) : reply.setHeader(name, value));
  for (const [name, value] of headers) set(name, name === 'Vary' ? joinVary(reply.getHeader(name), value) : value);
  if ('code' in reply) {
    reply.code(status);
    reply.send(body === '' ? undefined : body);
    return;
  }
  reply.statusCode = status;
  if (body !== '') reply.setHeader('Content-Length', Buffer.byteLength(body));
  reply.end(body === '' ? undefined : body);
}

/** Writes an answer and ignores later writes, so that an exception filter of the host sees the refusal but cannot answer again. */
export async function writeLastReply(reply: MfaReply, answer: HttpAnswer): Promise<void> {
  const raw = 'code' in reply ? reply.raw : reply;
  const sent = new Promise<void>((resolve) => {
    raw.once('finish', resolve).once('close', resolve);
  });
  writeReply(reply, answer);
  // The session middleware may hold the answer until its store has the session.
  if (!raw.writableFinished && !raw.destroyed) await sent;
  const silent = () => raw;
  Object.assign(raw, { setHeader: silent, appendHeader: silent, removeHeader: silent, writeHead: silent });
  Object.assign(raw, { write: () => true, end: silent });
}

function joinVary(present: unknown, value: string): string {
  const names = [present].flat().flatMap((one) => (typeof one === 'string' ? one.split(',') : []));
  const known = names.map((name) => name.trim());
  const there = known.includes('*') || known.some((name) => name.toLowerCase() === value.toLowerCase());
  return [...known, ...(there ? [] : [value])].join(', ');
}

function isFastifyReply(value: unknown): value is FastifyReply {
  if (typeof value !== 'object' || value === null) return false;
  const { raw, code, send } = value as Partial<FastifyReply>;
  return typeof raw === 'object' && typeof code === 'function' && typeof send === 'function';
}

/** Whether it can be used like a response of Node, as that of HTTP/2 can. */
function isServerResponse(value: unknown): value is ServerResponse {
  if (typeof value !== 'object' || value === null) return false;
  const { setHeader, appendHeader } = value as Partial<ServerResponse>;
  return typeof setHeader === 'function' && typeof appendHeader === 'function';
}
