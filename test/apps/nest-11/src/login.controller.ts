import { MfaHttp, SkipMfa } from '@mfa-kit/nest';
import { Controller, HttpCode, Post, Req, Res, UseGuards } from '@nestjs/common';
import type { Request, Response } from 'express';
import { PasswordGuard } from './login';

@SkipMfa()
@Controller()
export class LoginController {
  constructor(private readonly mfaHttp: MfaHttp) {}

  @UseGuards(PasswordGuard)
  @HttpCode(200)
  @Post('login')
  async login(@Req() request: Request, @Res({ passthrough: true }) response: Response) {
    const { decision } = await (await this.mfaHttp.for(request, response)).beginLogin();
    return decision;
  }

  @HttpCode(204)
  @Post('logout')
  logout(@Req() request: Request): Promise<void> {
    return new Promise((resolve, reject) => request.session.destroy((error) => (error ? reject(error) : resolve())));
  }
}
