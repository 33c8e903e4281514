import { MfaGuard, RequireMfa, SkipMfa } from '@mfa-kit/nest';
import { Controller, Get, Inject, Injectable, type NestMiddleware, SetMetadata, UseGuards } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import { Client, expectStatus } from '../express/client.js';
import { type Host, startHost } from './host.js';

type AnyDecorator = (...given: unknown[]) => never;

/** What a class with a wrong mark throws while it is loaded. */
function refused(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    expect(error).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    return String(error);
  }
  throw new Error('loaded all the same');
}

describe('SES-4: a mark that guards nothing stops the start and says where to put it', () => {
  it('@RequireMfa without parentheses', () => {
    const mark = RequireMfa as unknown as AnyDecorator;
    const onMethod = () => {
      @Controller()
      class CaseController {
        @(mark as MethodDecorator)
        @Get('cases')
        cases() {}
      }
      return CaseController;
    };
    const onClass = () => {
      @(mark as ClassDecorator)
      @Controller()
      class CaseController {}
      return CaseController;
    };
    for (const load of [onMethod, onClass]) {
      expect(refused(load)).toContain('@RequireMfa stands there without parentheses and has no effect: write @RequireMfa()');
    }
  });

  it('@SkipMfa without parentheses', () => {
    const mark = SkipMfa as unknown as AnyDecorator;
    const onMethod = () => {
      class LoginController {
        @(mark as MethodDecorator)
        login() {}
      }
      return LoginController;
    };
    const onClass = () => {
      @(mark as ClassDecorator)
      class LoginController {}
      return LoginController;
    };
    for (const load of [onMethod, onClass]) expect(refused(load)).toContain('write @SkipMfa()');
  });

  it('a mark on what is no method', () => {
    for (const [name, mark] of [
      ['@RequireMfa()', RequireMfa()],
      ['@SkipMfa()', SkipMfa()],
    ] as [string, AnyDecorator][]) {
      const onProperty = () => {
        class CaseController {
          @(mark as PropertyDecorator)
          cases = () => {};
        }
        return CaseController;
      };
      const onGetter = () => {
        class CaseController {
          @(mark as MethodDecorator)
          get cases() {
            return () => {};
          }
        }
        return CaseController;
      };
      const onParameter = () => {
        class CaseController {
          cases(@(mark as ParameterDecorator) _request: object) {}
        }
        return CaseController;
      };
      for (const load of [onProperty, onGetter, onParameter]) {
        expect(refused(load)).toContain(`${name} stands on "cases" of CaseController, which is no method. Put it on a handler`);
      }
      const onConstructor = () => {
        class CaseController {
          constructor(@(mark as ParameterDecorator) readonly request: object) {}
        }
        return CaseController;
      };
      expect(refused(onConstructor)).toContain(`${name} stands on "constructor" of CaseController`);
    }
  });

  it('a guard that is made by hand', () => {
    const load = () => {
      class CaseController {
        @UseGuards(new (MfaGuard as unknown as new () => MfaGuard)())
        cases() {}
      }
      return CaseController;
    };
    expect(refused(load)).toContain('write @UseGuards(MfaGuard) or app.get(MfaGuard), not new MfaGuard()');
  });

  it('a maxAgeSeconds that nobody can meet', () => {
    expect(() => RequireMfa({ maxAgeSeconds: 0 })).toThrowError(
      expect.objectContaining({
        name: 'MfaError',
        message: expect.stringContaining('maxAgeSeconds must be a whole number of seconds, 5 at least'),
      }),
    );
  });

  it('a requirement that is misspelled', () => {
    expect(() => RequireMfa({ maxAge: 300 } as never)).toThrowError(
      expect.objectContaining({
        name: 'MfaError',
        message: expect.stringContaining('Unknown requirement "maxAge". Known are: maxAge'),
      }),
    );
  });
});

@Injectable()
class MarkedService {
  @RequireMfa()
  pay() {
    return { inside: true };
  }
}

@RequireMfa()
@Injectable()
class MarkedClass {
  pay() {
    return { inside: true };
  }
}

@Injectable()
class GuardedService {
  @UseGuards(MfaGuard)
  pay() {
    return { inside: true };
  }
}

@Injectable()
class MarkedMiddleware implements NestMiddleware {
  @RequireMfa()
  use(_request: object, _reply: object, next: () => void) {
    next();
  }
}

/** As a package does that runs handlers and their guards by itself. */
@Injectable()
class CommandHandler {
  @RequireMfa()
  @SetMetadata('bot:command', 'pay')
  pay() {
    return { inside: true };
  }
}

describe('SES-4: a mark where Nest runs no guard stops the start', () => {
  let host: Host | undefined;
  afterEach(async () => {
    await host?.close();
    host = undefined;
  });

  function start(provider: new () => object): Promise<Host> {
    @Controller()
    class PayController {
      constructor(@Inject(provider) readonly service: { pay?(): object }) {}

      @Get('pay')
      pay() {
        return this.service.pay?.() ?? {};
      }
    }
    return startHost({ platform: 'express', module: { controllers: [PayController], providers: [provider] } });
  }

  it('@RequireMfa() where Nest runs no guard', async () => {
    const places: [new () => object, string][] = [
      [MarkedService, 'MarkedService.pay()'],
      [MarkedClass, 'MarkedClass.pay()'],
      [GuardedService, 'GuardedService.pay()'],
      [MarkedMiddleware, 'MarkedMiddleware.use()'],
    ];
    for (const [provider, method] of places) {
      const error: Error = await start(provider).then(
        () => expect.fail(`started with ${method}`),
        (thrown) => thrown,
      );
      expect(error).toMatchObject({ name: 'MfaError', code: 'host_setup' });
      expect(error.message).toContain(`${method}, which Nest runs no guards for: it is no controller, resolver or gateway`);
      expect(error.message).toContain('Mark the handlers that call it');
    }
  });

  it('not one on a handler of a package that runs guards itself', async () => {
    host = await start(CommandHandler);
    expectStatus(await new Client(host).get('/pay'), 200);
  });
});
