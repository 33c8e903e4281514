import type { Assurance } from '@mfa-kit/core';
import { CurrentAssurance, RequireMfa } from '@mfa-kit/nest';
import { Controller, Get, Post } from '@nestjs/common';

@RequireMfa()
@Controller()
export class CasesController {
  @Get('cases')
  cases(@CurrentAssurance() assurance: Assurance | undefined) {
    return { via: assurance?.via };
  }

  @RequireMfa({ maxAgeSeconds: 300 })
  @Post('payouts')
  pay() {
    return { paid: true };
  }
}
