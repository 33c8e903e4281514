import { MFA_HOST, MfaGuard, type MfaHost, RequireMfa, SkipMfa } from '@mfa-kit/nest';
import {
  All,
  type CanActivate,
  Controller,
  Get,
  Inject,
  Injectable,
  type NestMiddleware,
  Param,
  Post,
  Scope,
  SetMetadata,
  UseGuards,
  VERSION_NEUTRAL,
  Version,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';

/** How often a handler of these controllers ran. */
export const ran = { count: 0 };

function answer(): string {
  ran.count++;
  return 'answered';
}

/** The login of a host, which is open. */
@Injectable()
export class AnybodyGuard implements CanActivate {
  canActivate() {
    return true;
  }
}

/** Overrides how the user is read, but leaves the decision to the kit. */
@Injectable()
export class DerivedGuard extends MfaGuard {
  protected override user() {
    return null;
  }
}

/** Overrides the decision. */
@Injectable()
export class OverridingGuard extends MfaGuard {
  override async canActivate() {
    return true;
  }
}

@Injectable({ scope: Scope.REQUEST })
export class ScopedGuard extends MfaGuard {
  constructor(@Inject(MFA_HOST) host: MfaHost, @Inject(Reflector) reflector: Reflector) {
    super(host, reflector);
  }
}

/** May or may not call the kit's guard. */
@Injectable()
export class AskingGuard implements CanActivate {
  constructor(@Inject(MfaGuard) readonly guard: MfaGuard) {}

  canActivate() {
    return true;
  }
}

export const Public = () => SetMetadata('host:public', true);

/** Routes with every kind of guard, and without one. */
@Controller('routes')
export class RoutesController {
  @RequireMfa()
  @Get('marked/:id')
  marked(@Param('id') _id: string) {
    return answer();
  }

  @UseGuards(AnybodyGuard, MfaGuard)
  @Post('by-guard')
  byGuard() {
    return answer();
  }

  @UseGuards(DerivedGuard)
  @Get(['derived', 'derived/too'])
  derived() {
    return answer();
  }

  @UseGuards(ScopedGuard)
  @All('scoped')
  scoped() {
    return answer();
  }

  @UseGuards(OverridingGuard)
  @Get('overriding')
  overriding() {
    return answer();
  }

  @UseGuards(AskingGuard)
  @Get('asking')
  asking() {
    return answer();
  }

  @SetMetadata('@mfa-kit/nest:mark', { kind: 'require', requirement: {} })
  @Get('mark-alone')
  markAlone() {
    return answer();
  }

  @UseGuards(AnybodyGuard)
  @Get('open')
  open() {
    return answer();
  }

  @SkipMfa()
  @UseGuards(MfaGuard)
  @Get('skipped')
  skipped() {
    return answer();
  }

  @Public()
  @UseGuards(MfaGuard)
  @Get('public')
  public() {
    return answer();
  }
}

/** The guard is on the class, and a subclass inherits it. */
@RequireMfa({ maxAgeSeconds: 300 })
class GuardedBase {
  @Get('inherited')
  inherited() {
    return answer();
  }
}

@Controller({ path: ['classes', 'klassen'], version: ['1', VERSION_NEUTRAL] })
export class ClassController extends GuardedBase {
  @RequireMfa()
  @Version('2')
  @Get('own/*')
  own() {
    return answer();
  }

  @Get('forgotten')
  forgotten() {
    return answer();
  }
}

/** Replaces the method with another function, which has no decorators. */
@Controller('bound')
export class BoundController {
  constructor() {
    this.bound = this.bound.bind(this);
  }

  @UseGuards(MfaGuard)
  @Get()
  bound() {
    return answer();
  }
}

@Controller('bare')
export class BareController {
  @Get()
  bare() {
    return answer();
  }
}

/** Middleware that passes every request on. */
export class LoggingMiddleware implements NestMiddleware {
  use(_request: object, _response: object, next: () => void) {
    next();
  }
}
