import { SkipMfa } from '@mfa-kit/nest';
import { assets } from '@mfa-kit-examples/demo-host';
import { Controller, Get, Inject, NotFoundException, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { DemoRequest } from './demo.js';

/** The files of the pages, and the health check. */
@SkipMfa()
@Controller()
export class FilesController {
  constructor(@Inject(HttpAdapterHost) private readonly adapters: HttpAdapterHost) {}

  @Get('healthz')
  health(): { ok: true } {
    return { ok: true };
  }

  @Get([...assets.keys()])
  file(@Req() { url = '' }: DemoRequest, @Res({ passthrough: true }) reply: object): string {
    const file = assets.get(url.replace(/\?.*/, ''));
    if (!file) throw new NotFoundException();
    this.adapters.httpAdapter.setHeader(reply, 'Content-Type', file.type);
    return file.body;
  }
}
