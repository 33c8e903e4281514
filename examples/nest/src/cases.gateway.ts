import { MfaGuard, RequireMfa } from '@mfa-kit/nest';
import { matters } from '@mfa-kit-examples/demo-host';
import { Inject } from '@nestjs/common';
import { type OnGatewayConnection, type OnGatewayInit, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { DemoRequest } from './demo.js';

/** The cases over a socket. Not every version of Nest runs the guards of the application here: it has its own. */
@RequireMfa()
@WebSocketGateway({ path: '/live' })
export class CasesGateway implements OnGatewayInit, OnGatewayConnection {
  constructor(@Inject(MfaGuard) private readonly guard: MfaGuard) {}

  /** Who has not proven enough gets no socket. */
  afterInit(server: object): void {
    this.guard.guardServer(server);
  }

  /** A socket that is open ends with the access of who opened it. */
  async handleConnection(client: object, request: DemoRequest): Promise<void> {
    await this.guard.whileAllowed(client, request);
  }

  @SubscribeMessage('matters')
  matters(): { event: string; data: typeof matters } {
    return { event: 'matters', data: matters };
  }
}
