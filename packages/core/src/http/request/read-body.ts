import type { Readable } from 'node:stream';
import { BODY_LIMIT_BYTES } from '../exchange.js';

/** Returned if the client disconnects before the body is complete: never valid, and not the application's fault. */
const BROKEN_OFF = Symbol('broken off');

/** Returns what the host's parser made of the body. If no parser read it, returns its bytes, and stops reading once there are too many. */
export async function readRequestBody(request: Readable & { body?: unknown }): Promise<unknown> {
  // Express 4's parsers leave an empty object behind for a type that they do not know, and the stream untouched.
  const parsed = request.readableDidRead || request.readableEnded || isFilled(request.body);
  return parsed ? request.body : readBytes(request);
}

function isFilled(body: unknown): boolean {
  return typeof body === 'object' ? body !== null && Object.keys(body).length > 0 : body !== undefined;
}

function readBytes(request: Readable): Promise<Uint8Array | typeof BROKEN_OFF> {
  if (request.destroyed) return Promise.resolve(BROKEN_OFF);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length <= BODY_LIMIT_BYTES) return;
      stop();
      // Drain the rest, so that the client reads its answer.
      request.resume();
      resolve(Buffer.concat(chunks));
    };
    const onEnd = () => {
      stop();
      resolve(Buffer.concat(chunks));
    };
    const onBroken = () => {
      stop();
      resolve(BROKEN_OFF);
    };
    const stop = () => {
      request.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken);
    };
    request.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken);
  });
}
