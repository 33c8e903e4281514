import { MfaHttp, RequireMfa } from '@mfa-kit/nest';
import * as demo from '@mfa-kit-examples/demo-host';
import { Body, Controller, Get, Inject, Post, Query, Req, Res } from '@nestjs/common';
import { DEMO, type Demo, type DemoRequest } from './demo.js';
import { People } from './people.js';

/** Routes that the global guard covers. */
@Controller()
export class CasesController {
  constructor(
    @Inject(DEMO) private readonly demo: Demo,
    @Inject(People) private readonly people: People,
    @Inject(MfaHttp) private readonly mfaHttp: MfaHttp<demo.DemoUser>,
  ) {}

  @Get('cases')
  async cases(@Req() request: DemoRequest, @Query() query: Record<string, unknown>): Promise<demo.Reply> {
    return demo.showCases(await this.people.get(request), query);
  }

  @RequireMfa({ maxAgeSeconds: 300 })
  @Post('payouts')
  async payOut(@Req() request: DemoRequest, @Body() body: unknown): Promise<demo.Reply> {
    return demo.payOut(await this.people.get(request), body);
  }

  @Get('account')
  async account(@Req() request: DemoRequest, @Query() query: Record<string, unknown>): Promise<demo.Reply> {
    return demo.showAccount(await this.people.get(request), query);
  }

  @Post('password')
  async password(
    @Req() request: DemoRequest,
    @Res({ passthrough: true }) reply: object,
    @Body() body: unknown,
  ): Promise<demo.Reply> {
    const user = await this.people.get(request);
    const [current, next] = [demo.textField(body, 'current'), demo.textField(body, 'next')];
    const { users } = this.demo.host;
    const checked = await users.checkNewPassword(user, current, next);
    if (!checked.ok) return demo.refusePassword(user, checked.why);
    await (await this.mfaHttp.for(request, reply)).passwordChanged(); // throws if sessions did not end, so the password stays
    await users.storePassword(user, checked.next);
    await (await this.mfaHttp.for(request, reply)).passwordChanged(); // for anyone who logged in with the old one in between
    return demo.confirmPassword();
  }
}
