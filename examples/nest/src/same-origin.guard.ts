import { isSameOrigin } from '@mfa-kit-examples/demo-host';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { DemoRequest } from './demo.js';

/** Refuses what a page of another site sends, over HTTP and GraphQL. */
@Injectable()
export class SameOriginGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const graphql = context.getType<string>() === 'graphql';
    const request = graphql
      ? context.getArgByIndex<{ req: DemoRequest }>(2).req
      : context.switchToHttp().getRequest<DemoRequest>();
    return isSameOrigin(request);
  }
}
