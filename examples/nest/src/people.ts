import type { DemoUser } from '@mfa-kit-examples/demo-host';
import { Inject, Injectable } from '@nestjs/common';
import { DEMO, type Demo, type DemoRequest } from './demo.js';

/** Returns who is logged in, from the session, for HTTP, GraphQL and sockets. */
@Injectable()
export class People {
  constructor(@Inject(DEMO) private readonly demo: Demo) {}

  /** Returns null if nobody is logged in. */
  async find({ session }: DemoRequest): Promise<DemoUser | null> {
    return session?.userId === undefined ? null : this.demo.host.users.findById(session.userId);
  }

  /** For handlers behind the guard, where a user is always logged in. */
  async get(request: DemoRequest): Promise<DemoUser> {
    const user = await this.find(request);
    if (!user) throw new Error('Nobody is logged in: this handler is not guarded.');
    return user;
  }
}
