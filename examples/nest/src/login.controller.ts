import { MfaHttp, SkipMfa } from '@mfa-kit/nest';
import * as demo from '@mfa-kit-examples/demo-host';
import { Controller, Get, Inject, Post, Req, Res, UseGuards } from '@nestjs/common';
import type { DemoRequest } from './demo.js';
import { PasswordGuard } from './login.strategy.js';
import { People } from './people.js';

/** Routes that are open to everybody. */
@SkipMfa()
@Controller()
export class LoginController {
  constructor(
    @Inject(People) private readonly people: People,
    @Inject(MfaHttp) private readonly mfaHttp: MfaHttp<demo.DemoUser>,
  ) {}

  @Get()
  async home(@Req() request: DemoRequest): Promise<demo.Reply> {
    return demo.showHome(await this.people.find(request));
  }

  @Get('login')
  form(): demo.Reply {
    return demo.showLogin();
  }

  @UseGuards(PasswordGuard)
  @Post('login')
  async login(@Req() request: DemoRequest, @Res({ passthrough: true }) reply: object): Promise<demo.Reply> {
    // Passport's own sessions need middleware that @fastify/session does not support. They store only the id of the user.
    if (request.session && request.user) request.session.userId = request.user.id;
    const { decision } = await (await this.mfaHttp.for(request, reply)).beginLogin(); // the one line in the host's login
    return demo.acceptLogin(decision.access); // the guard of the next page redirects to the prompt
  }

  @Post('logout')
  async logout(@Req() { session }: DemoRequest): Promise<demo.Reply> {
    await new Promise<void>((resolve, reject) => {
      if (!session) return resolve();
      return session.destroy((error) => (error ? reject(error) : resolve()));
    });
    return demo.confirmLogout();
  }
}
