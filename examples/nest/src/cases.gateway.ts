import { MfaGuard, RequireMfa } from '@mfa-kit/nest';
import { matters } from '@mfa-kit-examples/demo-host';
import { Inject } from '@nestjs/common';
import { type OnGatewayConnection, type OnGatewayInit, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { DemoRequest } from './demo.js';

/** The cases over a socket. It has its own guard, because not every version of Nest runs the global guards here. */
@RequireMfa()
@WebSocketGateway({ path: '/live' })
export class CasesGateway implements OnGatewayInit, OnGatewayConnection {
  constructor(@Inject(MfaGuard) private readonly guard: MfaGuard) {}

  /** Refuses the socket of a client that has not proven enough. */
  afterInit(server: object): void {
    this.guard.guardServer(server);
  }

  /** Closes an open socket when the access of its user ends. */
  async handleConnection(client: object, request: DemoRequest): Promise<void> {
    await this.guard.whileAllowed(client, request);
  }

  @SubscribeMessage('matters')
  matters(): { event: string; data: typeof matters } {
    return { event: 'matters', data: matters };
  }
}
