import { SkipMfa } from '@mfa-kit/nest';
import {
  type ArgumentsHost,
  BadRequestException,
  type CallHandler,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  type ExecutionContext,
  Get,
  Inject,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
  SetMetadata,
  UnauthorizedException,
} from '@nestjs/common';
import { HttpAdapterHost, Reflector } from '@nestjs/core';
import { map, NEVER, of, tap, throwError } from 'rxjs';
import { readSession } from './host-routes.js';

export const Public = () => SetMetadata('host:public', true);

/** A guard like that of @nestjs/passport for JWTs, which sets the user and refuses requests without one. */
@Injectable()
export class LoginGuard implements CanActivate {
  constructor(@Inject(Reflector) private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext) {
    if (this.reflector.getAllAndOverride('host:public', [context.getHandler(), context.getClass()])) return true;
    if (readSession(context.switchToHttp().getRequest(), 'userId') === undefined) throw new UnauthorizedException('log in');
    return true;
  }
}

/** A guard for bearer tokens that ignores them on public routes. */
@Injectable()
export class EarlyGuard implements CanActivate {
  constructor(@Inject(Reflector) private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext) {
    if (this.reflector.getAllAndOverride('host:public', [context.getHandler(), context.getClass()])) return true;
    throw new UnauthorizedException('no token');
  }
}

@Injectable()
export class Envelope implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(map((data: unknown) => ({ enveloped: data })));
  }
}

/** Answers a GET with the result of an earlier one, as a CacheInterceptor does, without running the handler again. */
@Injectable()
export class Caching implements NestInterceptor {
  readonly #kept = new Map<string, unknown>();

  intercept(context: ExecutionContext, next: CallHandler) {
    const { method, url } = context.switchToHttp().getRequest<{ method: string; url: string }>();
    if (method !== 'GET') return next.handle();
    if (this.#kept.has(url)) return of(this.#kept.get(url));
    return next.handle().pipe(tap((data: unknown) => void this.#kept.set(url, data)));
  }
}

/** Interceptors that block every request: one refuses, one never answers. */
@Injectable()
export class Refusing implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    if (context.getClass().name !== 'MfaController') return next.handle();
    return throwError(() => new BadRequestException('the interceptor of the host'));
  }
}

@Injectable()
export class Silent implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    return context.getClass().name === 'MfaController' ? NEVER : next.handle();
  }
}

@Injectable()
export class RefusingPipe implements PipeTransform {
  transform(value: unknown, { type }: { type: string }) {
    if (type === 'body' || type === 'custom') throw new BadRequestException('the pipe of the host');
    return value;
  }
}

export const seen: unknown[] = [];

/** Answers every exception in the host's own format, as in the docs of Nest. */
@Catch()
export class AdapterFilter implements ExceptionFilter {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  catch(exception: unknown, context: ArgumentsHost) {
    seen.push(exception);
    this.host.httpAdapter.reply(context.switchToHttp().getResponse(), { host: 'error' }, 500);
  }
}

/** The same filter with the methods of the platform. */
@Catch()
export class NativeFilter implements ExceptionFilter {
  catch(exception: unknown, context: ArgumentsHost) {
    seen.push(exception);
    const reply = context.switchToHttp().getResponse<{ status(code: number): { send(body: object): void } }>();
    reply.status(500).send({ host: 'error' });
  }
}

@Public()
@Controller()
export class PublicController {
  @Get('hello')
  hello() {
    return { hello: 'world' };
  }
}

@Controller()
export class ForgottenController {
  @Get('forgotten')
  forgotten() {
    return { inside: true };
  }

  @SkipMfa()
  @Get('skipped')
  skipped() {
    return { inside: true };
  }
}
