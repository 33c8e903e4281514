import { IncomingMessage, ServerResponse } from 'node:http';
import { Http2ServerResponse } from 'node:http2';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { asReply } from '../../packages/nest/src/platform/reply.js';

describe('asReply()', () => {
  it("accepts Express's response, which is Node's own, also with another prototype", () => {
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    expect(asReply(response)).toBe(response);
    const ofExpress = Object.setPrototypeOf(response, Object.create(ServerResponse.prototype));
    expect(asReply(ofExpress)).toBe(ofExpress);
  });

  it("accepts Fastify's reply and the response of HTTP/2", () => {
    const reply = { raw: {}, code: () => undefined, send: () => undefined };
    expect(asReply(reply)).toBe(reply);
    const http2 = Object.create(Http2ServerResponse.prototype);
    expect(asReply(http2)).toBe(http2);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'reply'],
    ['an empty object', {}],
    ['half a response', { setHeader: () => undefined }],
    ['half a reply', { raw: {}, code: () => undefined }],
    ['a reply without its response', { code: () => undefined, send: () => undefined }],
  ])('refuses %s', (_, value) => {
    expect(asReply(value)).toBeUndefined();
  });
});
