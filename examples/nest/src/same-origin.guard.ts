import { isSameOrigin } from '@mfa-kit-examples/demo-host';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { DemoRequest } from './demo.js';

/** Refuses requests from pages of another site, over HTTP and GraphQL. A socket is checked when it opens. */
@Injectable()
export class SameOriginGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    switch (context.getType<string>()) {
      case 'http':
        return isSameOrigin(context.switchToHttp().getRequest<DemoRequest>());
      case 'graphql':
        return isSameOrigin(context.getArgByIndex<{ req: DemoRequest }>(2).req);
      default:
        return context.getType() === 'ws';
    }
  }
}
