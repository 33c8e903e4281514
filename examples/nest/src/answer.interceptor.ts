import { answer, type Reply } from '@mfa-kit-examples/demo-host';
import { type CallHandler, type ExecutionContext, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { map, type Observable } from 'rxjs';
import type { DemoRequest } from './demo.js';

/** Turns what a handler returns into JSON for scripts and a page for people, on either platform. */
@Injectable()
export class AnswerInterceptor implements NestInterceptor {
  constructor(@Inject(HttpAdapterHost) private readonly adapters: HttpAdapterHost) {}

  intercept(context: ExecutionContext, handler: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return handler.handle();
    return handler.handle().pipe(map((content) => (isReply(content) ? this.#write(context, content) : content)));
  }

  #write(context: ExecutionContext, content: Reply): string {
    const { httpAdapter } = this.adapters;
    const http = context.switchToHttp();
    const { status, headers, body } = answer(http.getRequest<DemoRequest>().headers.accept, content);
    const reply = http.getResponse<object>();
    for (const [name, value] of Object.entries(headers)) httpAdapter.setHeader(reply, name, value);
    httpAdapter.status(reply, status);
    return body;
  }
}

function isReply(content: unknown): content is Reply {
  return typeof content === 'object' && content !== null && 'status' in content && 'json' in content;
}
