import type { DemoUser } from '@mfa-kit-examples/demo-host';
import { Inject, Injectable } from '@nestjs/common';
import { AuthGuard, PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-local';
import { DEMO, type Demo } from './demo.js';

/** Checks the password, as in the docs of @nestjs/passport. */
@Injectable()
export class PasswordStrategy extends PassportStrategy(Strategy) {
  constructor(@Inject(DEMO) private readonly demo: Demo) {
    super();
  }

  validate(username: string, password: string): Promise<DemoUser | null> {
    return this.demo.host.users.checkPassword(username, password);
  }
}

/** Guards the login itself. */
@Injectable()
export class PasswordGuard extends AuthGuard('local') {}
