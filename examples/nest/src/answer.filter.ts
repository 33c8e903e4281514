import { answer, failure, type Reply, refuseLogin, refuseOtherSite, refuseUnknown } from '@mfa-kit-examples/demo-host';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { DemoRequest } from './demo.js';
import { People } from './people.js';

/** Answers errors as the other examples do. The kit has already answered its refusals. */
@Catch()
export class AnswerFilter implements ExceptionFilter {
  constructor(
    @Inject(HttpAdapterHost) private readonly adapters: HttpAdapterHost,
    @Inject(People) private readonly people: People,
  ) {}

  async catch(error: unknown, host: ArgumentsHost): Promise<unknown> {
    if (host.getType() !== 'http') return error;
    const { httpAdapter } = this.adapters;
    const http = host.switchToHttp();
    const [request, reply] = [http.getRequest<DemoRequest>(), http.getResponse<object>()];
    if (httpAdapter.isHeadersSent(reply)) return undefined;
    const { status, headers, body } = answer(request.headers.accept, await this.#describe(error, request));
    for (const [name, value] of Object.entries(headers)) httpAdapter.setHeader(reply, name, value);
    return httpAdapter.reply(reply, body, status);
  }

  async #describe(error: unknown, request: DemoRequest & { body?: unknown }): Promise<Reply> {
    const status = error instanceof HttpException ? error.getStatus() : undefined;
    if (status === 401) return refuseLogin(request.body);
    if (status === 403) return refuseOtherSite();
    if (status === 404) return refuseUnknown(await this.people.find(request));
    return failure(error);
  }
}
