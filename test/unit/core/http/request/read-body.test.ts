import { PassThrough, Readable } from 'node:stream';
import { BODY_LIMIT_BYTES, readRequestBody } from '@mfa-kit/core/http';
import { describe, expect, it } from 'vitest';
import { readFields } from '../../../../../packages/core/src/http/request/body-fields.js';
import { exchangeOf } from '../exchange.js';

function requestOf(chunks: string[], body?: unknown) {
  return Object.assign(Readable.from(chunks.map((chunk) => Buffer.from(chunk))), body === undefined ? {} : { body });
}

describe('readRequestBody', () => {
  it.each([{ code: '123456' }, 'code=123456', 0, false])('returns the result of the host’s parser: %j', async (body) => {
    expect(await readRequestBody(requestOf(['else'], body))).toBe(body);
  });

  it.each([undefined, null, {}, []])('returns the bytes if no parser read them, even if a parser left %j', async (body) => {
    expect(String(await readRequestBody(requestOf(['co', 'de'], body)))).toBe('code');
    expect(await readRequestBody(requestOf([], body))).toHaveLength(0);
  });

  it('does not read a body that was already read', async () => {
    const request = requestOf(['code']);
    for await (const _chunk of request);
    expect(await readRequestBody(request)).toBeUndefined();
  });

  it('does not continue a body that was partly read', async () => {
    const request = new PassThrough();
    request.write('code');
    await new Promise((resolve) => request.once('readable', resolve));
    expect(String(request.read(2))).toBe('co');
    expect(await readRequestBody(request)).toBeUndefined();
  });

  it('leaves no listener behind', async () => {
    for (const end of ['end', 'destroy', 'x'.repeat(BODY_LIMIT_BYTES + 1)]) {
      const request = new PassThrough();
      const listeners = () => ['data', 'end', 'error', 'close'].map((name) => request.listenerCount(name));
      const before = listeners();
      const body = readRequestBody(request);
      if (end === 'end') request.end('code');
      else if (end === 'destroy') request.destroy();
      else request.write(end);
      await body;
      expect(listeners()).toEqual(before);
    }
  });

  it('HTTP-7: reads until the body is too long, and drains the rest', async () => {
    const whole = 'x'.repeat(BODY_LIMIT_BYTES);
    expect(await readRequestBody(requestOf([whole]))).toHaveLength(BODY_LIMIT_BYTES);
    const request = requestOf([whole, 'y', 'z'.repeat(100_000)]);
    const ended = new Promise((resolve) => request.once('end', resolve));
    expect(await readRequestBody(request)).toHaveLength(BODY_LIMIT_BYTES + 1);
    await ended;
    expect(request.listenerCount('data')).toBe(0);
  });

  it.each<[string, (request: PassThrough) => void]>([
    ['went away', (request) => request.destroy()],
    ['broke off', (request) => request.destroy(new Error('aborted'))],
  ])('HTTP-7: returns no usable body if the client %s', async (_name, leave) => {
    const request = new PassThrough();
    request.write('{"code":"123456"}');
    const body = readRequestBody(request);
    leave(request);
    const exchange = exchangeOf({ method: 'POST', body: await body, headers: { 'content-type': 'application/json' } });
    expect((await readFields(exchange)).ok).toBe(false);
    const gone = new PassThrough().on('error', () => undefined);
    leave(gone);
    expect(await readRequestBody(gone)).toBe(await body);
    // The client sent its last byte a while ago.
    await new Promise(setImmediate);
    expect(await readRequestBody(gone)).toBe(await body);
  });
});
