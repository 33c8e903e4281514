import type { DemoUser } from '@mfa-kit-examples/demo-host';
import { Inject, Injectable } from '@nestjs/common';
import { DEMO, type Demo, type DemoRequest } from './demo.js';

/** Who is logged in, by the session: over HTTP, GraphQL and sockets alike. */
@Injectable()
export class People {
  constructor(@Inject(DEMO) private readonly demo: Demo) {}

  /** Null when nobody is. */
  async find({ session }: DemoRequest): Promise<DemoUser | null> {
    return session?.userId === undefined ? null : this.demo.host.users.findById(session.userId);
  }

  /** For handlers behind the guard, which let nobody else in. */
  async get(request: DemoRequest): Promise<DemoUser> {
    const user = await this.find(request);
    if (!user) throw new Error('Nobody is logged in: this handler is not guarded.');
    return user;
  }
}
