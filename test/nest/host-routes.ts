import type { Assurance } from '@mfa-kit/core';
import { CurrentAssurance, MfaHttp, type MfaRequest, RequireMfa, SkipMfa } from '@mfa-kit/nest';
import { Controller, Get, HttpCode, Inject, Post, Query, Req, Res, UnauthorizedException } from '@nestjs/common';
import type { TestUser } from '../support/core-fixture.js';
import type { HostRequest } from './host.js';

/** Reads a field from a session of any kind. */
export function readSession(request: HostRequest, name: 'userId' | 'cart'): unknown {
  const { session: kept } = request;
  return kept?.get && kept.data ? kept.get(name) : kept?.[name];
}

export function writeSession(request: HostRequest, name: 'userId' | 'cart', value: never): void {
  const { session: kept } = request;
  if (kept?.set && kept.data) kept.set(name, value);
  else if (kept) kept[name] = value;
}

/** The host's own login. */
@SkipMfa()
@Controller()
export class AccountController {
  constructor(
    @Inject('USERS') private readonly users: Map<string, TestUser>,
    @Inject(MfaHttp) private readonly mfaHttp: MfaHttp<TestUser>,
  ) {}

  @Post('login')
  @HttpCode(200)
  async login(@Req() request: HostRequest, @Res({ passthrough: true }) reply: object, @Query('user') name: string) {
    const user = this.users.get(name);
    if (!user) throw new UnauthorizedException();
    writeSession(request, 'userId', user.id as never);
    return (await this.mfaHttp.for(request as never, reply)).beginLogin();
  }

  @Post('logout')
  @HttpCode(204)
  async logout(@Req() request: HostRequest) {
    const { session: kept } = request;
    if (kept?.destroy) await new Promise<void>((resolve) => kept.destroy?.(() => resolve()));
    else kept?.delete?.();
  }

  @Post('cart')
  @HttpCode(204)
  cart(@Req() request: HostRequest) {
    writeSession(request, 'cart', ['book'] as never);
    if (request.session?.cookie) request.session.cookie.maxAge = 7 * 86_400_000;
  }

  @Get('session')
  session(@Req() request: HostRequest) {
    const { session: kept } = request;
    return { id: request.sessionID ?? kept?.sessionId, data: kept?.data ? kept.data() : kept };
  }
}

/** Routes that require a second factor. */
@RequireMfa()
@Controller()
export class CasesController {
  constructor(@Inject(MfaHttp) private readonly mfaHttp: MfaHttp<TestUser>) {}

  @Get('cases')
  async cases(
    @Req() request: MfaRequest,
    @Res({ passthrough: true }) reply: object,
    @CurrentAssurance() assurance: Assurance | undefined,
  ) {
    const decision = await (await this.mfaHttp.for(request, reply)).checkAccess();
    return { ...('via' in decision && { via: decision.via }), ...(assurance && { userId: assurance.userId }) };
  }

  @RequireMfa({ maxAgeSeconds: 300 })
  @Post('payouts')
  payouts() {
    return { ok: true };
  }
}
