import { MfaGuard, RequireMfa, SkipMfa } from '@mfa-kit/nest';
import {
  applyDecorators,
  Controller,
  Get,
  Inject,
  Injectable,
  type NestMiddleware,
  Post,
  Scope,
  SetMetadata,
  UseGuards,
} from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { afterEach, describe, expect, it } from 'vitest';
import { Client, enroll, expectStatus } from '../express/client.js';
import { type Host, startHost } from './host.js';

type AnyDecorator = (...given: unknown[]) => never;

/** Returns what a class with a wrong mark throws while it is loaded. */
function refused(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    expect(error).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    return String(error);
  }
  throw new Error('it loaded anyway');
}

describe('SES-4: a mark that guards nothing stops the start and says where to write it', () => {
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
      expect(refused(load)).toContain('@RequireMfa is written without parentheses and has no effect. Write @RequireMfa()');
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
    for (const load of [onMethod, onClass]) expect(refused(load)).toContain('Write @SkipMfa()');
  });

  it('a mark on something that is not a method', () => {
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
        expect(refused(load)).toContain(`${name} is on "cases" of CaseController, which is not a method. Put it on a handler`);
      }
      const onConstructor = () => {
        class CaseController {
          constructor(@(mark as ParameterDecorator) readonly request: object) {}
        }
        return CaseController;
      };
      expect(refused(onConstructor)).toContain(`${name} is on "constructor" of CaseController`);
    }
  });

  it('a guard created with new', () => {
    const load = () => {
      class CaseController {
        @UseGuards(new (MfaGuard as unknown as new () => MfaGuard)())
        cases() {}
      }
      return CaseController;
    };
    expect(refused(load)).toContain('Write @UseGuards(MfaGuard) or app.get(MfaGuard), not new MfaGuard()');
  });

  it('a maxAgeSeconds that is too short', () => {
    expect(() => RequireMfa({ maxAgeSeconds: 0 })).toThrowError(
      expect.objectContaining({
        name: 'MfaError',
        message: expect.stringContaining('maxAgeSeconds must be a whole number of seconds, at least 5'),
      }),
    );
  });

  it('a requirement that is misspelled', () => {
    expect(() => RequireMfa({ maxAge: 300 } as never)).toThrowError(
      expect.objectContaining({
        name: 'MfaError',
        message: expect.stringContaining('Unknown requirement "maxAge". Known fields: maxAge'),
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

/** Acts as a package that runs handlers and their guards itself. */
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

  it('@RequireMfa() on a method for which Nest runs no guard', async () => {
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
      expect(error.message).toContain(
        `${method}, for which Nest runs no guards, because it is not in a controller, resolver or gateway`,
      );
      expect(error.message).toContain('Mark the handlers that call it');
    }
  });

  it('a mark on a handler of a package that runs guards itself is allowed', async () => {
    host = await start(CommandHandler);
    expectStatus(await new Client(host).get('/pay'), 200);
  });
});

/** Replaces the method with another function, as a decorator for metrics does, and loses its metadata. */
function Timed(copied: 'nothing' | 'all' | 'mark' = 'nothing'): MethodDecorator {
  return (_target, _name, descriptor: PropertyDescriptor) => {
    const replaced = descriptor.value;
    descriptor.value = function timed(this: unknown, ...given: unknown[]) {
      return replaced.apply(this, given);
    };
    for (const key of Reflect.getMetadataKeys(replaced)) {
      if (copied === 'nothing' || (copied === 'mark' && key !== '@mfa-kit/nest:mark')) continue;
      Reflect.defineMetadata(key, Reflect.getMetadata(key, replaced), descriptor.value);
    }
  };
}

/** A class decorator that replaces the methods of the class. */
function TimedClass(): ClassDecorator {
  return ({ prototype }) => {
    const { value } = Object.getOwnPropertyDescriptor(prototype, 'pay') as { value: (...given: unknown[]) => unknown };
    const route = Reflect.getMetadataKeys(value).filter((key) => ['path', 'method'].includes(key));
    const timed = function timed(this: unknown, ...given: unknown[]) {
      return value.apply(this, given);
    };
    for (const key of route) Reflect.defineMetadata(key, Reflect.getMetadata(key, value), timed);
    Object.defineProperty(prototype, 'pay', { value: timed, configurable: true, writable: true });
  };
}

const Sensitive = () => applyDecorators(RequireMfa({ maxAgeSeconds: 300 }), Timed());

describe('F59, SES-4: a mark that is not on the function that Nest calls stops the start', () => {
  const marks: [string, () => (new () => object)[]][] = [
    [
      'a decorator above that replaces the method',
      () => {
        @Controller()
        class PayController {
          @Post('pay')
          @Timed()
          @RequireMfa({ maxAgeSeconds: 300 })
          pay() {}
        }
        return [PayController];
      },
    ],
    [
      'below a mark of the class',
      () => {
        @RequireMfa()
        @Controller()
        class PayController {
          @Post('pay')
          @Timed()
          @RequireMfa({ maxAgeSeconds: 300 })
          pay() {}
        }
        return [PayController];
      },
    ],
    [
      'a decorator that copies only the mark, without the guard',
      () => {
        @Controller()
        class PayController {
          @Post('pay')
          @Timed('mark')
          @RequireMfa({ maxAgeSeconds: 300 })
          pay() {}
        }
        return [PayController];
      },
    ],
    [
      '@SkipMfa()',
      () => {
        @RequireMfa()
        @Controller()
        class PayController {
          @Post('pay')
          @Timed()
          @SkipMfa()
          pay() {}
        }
        return [PayController];
      },
    ],
    [
      'applyDecorators()',
      () => {
        @Controller()
        class PayController {
          @Post('pay')
          @Sensitive()
          pay() {}
        }
        return [PayController];
      },
    ],
    [
      'a class decorator that replaces methods',
      () => {
        @TimedClass()
        @Controller()
        class PayController {
          @Post('pay')
          @RequireMfa({ maxAgeSeconds: 300 })
          pay() {}
        }
        return [PayController];
      },
    ],
    [
      'a method that is bound in the constructor',
      () => {
        @Controller()
        class PayController {
          constructor() {
            this.pay = this.pay.bind(this);
          }

          @Post('pay')
          @RequireMfa({ maxAgeSeconds: 300 })
          pay() {}
        }
        return [PayController];
      },
    ],
    [
      'a controller that is created for each request',
      () => {
        @Controller({ scope: Scope.REQUEST })
        class PayController {
          @Post('pay')
          @Timed()
          @RequireMfa({ maxAgeSeconds: 300 })
          pay() {}
        }
        return [PayController];
      },
    ],
    [
      'a subclass of a class that lost the mark',
      () => {
        class BaseController {
          @Post('pay')
          @Timed()
          @RequireMfa({ maxAgeSeconds: 300 })
          pay() {}
        }
        @Controller()
        class PayController extends BaseController {}
        return [PayController];
      },
    ],
  ];

  function start(controllers: (new () => object)[], providers: (new () => object)[] = []): Promise<Host> {
    return startHost({ platform: 'express', module: { controllers, providers } });
  }

  async function refusedStart(controllers: (new () => object)[], providers: (new () => object)[] = []): Promise<string> {
    const error: Error = await start(controllers, providers).then(
      (host) => host.close().then(() => expect.fail('started all the same')),
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    return error.message;
  }

  it('a decorator that replaces a marked method', async () => {
    const messages: string[] = [];
    for (const [name, make] of marks) messages.push(`${name}: ${await refusedStart(make())}`);
    for (const message of messages) {
      expect(message).toMatch(/The mark @(RequireMfa|SkipMfa)\(\) on PayController\.pay\(\)|on BaseController\.pay\(\)/);
      expect(message).toContain('above the decorator that replaces the method');
    }
  });

  it('a bound method is denied if Nest creates the controller for each request', async () => {
    @RequireMfa()
    @Controller({ scope: Scope.REQUEST })
    class PayController {
      constructor() {
        this.pay = this.pay.bind(this);
      }

      @Post('pay')
      @RequireMfa({ maxAgeSeconds: 300 })
      pay() {
        return { inside: true };
      }
    }
    const host = await start([PayController]);
    try {
      const { client } = await enroll(host);
      expectStatus(await client.post('/pay'), 500);
      expect(String(host.logged)).toContain('PayController.pay() is marked, but Nest calls another function without the mark');
    } finally {
      await host.close();
    }
  });

  it('a subclass that overrides a marked method', async () => {
    class BaseController {
      @RequireMfa({ maxAgeSeconds: 300 })
      @Post('pay')
      pay() {}
    }
    @RequireMfa()
    @Controller()
    class PayController extends BaseController {
      @Post('pay')
      override pay() {}
    }
    const message = await refusedStart([PayController]);
    expect(message).toContain(
      'PayController.pay() overrides BaseController.pay(), which has @RequireMfa(), and has no mark of its own',
    );

    @Controller()
    class OtherController extends BaseController {
      @RequireMfa()
      @Post('pay')
      override pay() {}
    }
    // Not a route, because only the class itself calls it.
    @Controller('third')
    class ThirdController extends BaseController {
      override pay() {}
    }
    const host = await start([OtherController, ThirdController]);
    await host.close();
  });

  it('F59: a class with the methods of a marked class, but not its mark', async () => {
    @RequireMfa({ maxAgeSeconds: 300 })
    class Marked {
      @Post('pay')
      pay() {}
    }
    @Controller()
    class PayController {}
    const { constructor: _own, ...methods } = Object.getOwnPropertyDescriptors(Marked.prototype);
    Object.defineProperties(PayController.prototype, methods);
    expect(await refusedStart([PayController])).toContain('PayController.pay() is guarded, but the mark of its class is lost');
  });

  it('a decorator that replaces a marked handler of a gateway', async () => {
    @WebSocketGateway()
    class PayGateway {
      @SubscribeMessage('pay')
      @Timed()
      @RequireMfa()
      pay() {}
    }
    expect(await refusedStart([], [PayGateway])).toContain('on PayGateway.pay()');
  });

  it('a decorator is allowed below the mark, or if it copies all metadata', async () => {
    @Controller()
    class PayController {
      @RequireMfa({ maxAgeSeconds: 300 })
      @Post('pay')
      @Timed()
      pay() {
        return { inside: true };
      }

      @Post('copied')
      @Timed('all')
      @RequireMfa({ maxAgeSeconds: 300 })
      copied() {
        return { inside: true };
      }
    }
    const host = await start([PayController]);
    try {
      const { client } = await enroll(host);
      for (const path of ['/pay', '/copied']) expectStatus(await client.post(path), 201);
      host.clock.advance(301_000);
      for (const path of ['/pay', '/copied']) expectStatus(await client.post(path), 401);
    } finally {
      await host.close();
    }
  });
});

describe('F81, SES-4: marks that contradict each other stop the start', () => {
  it('@SkipMfa() and @RequireMfa() on one handler or class', () => {
    const both =
      /@SkipMfa\(\) and @RequireMfa\(\) are both on (PayController\.pay\(\)|PayController), so their order would decide/;
    const skipAbove = () => {
      class PayController {
        @SkipMfa()
        @RequireMfa()
        pay() {}
      }
      return PayController;
    };
    const skipBelow = () => {
      class PayController {
        @RequireMfa()
        @Timed()
        @SkipMfa()
        pay() {}
      }
      return PayController;
    };
    const composed = () => {
      class PayController {
        @applyDecorators(SkipMfa(), Post('pay'), Sensitive())
        pay() {}
      }
      return PayController;
    };
    const onClass = () => {
      @SkipMfa()
      @RequireMfa()
      class PayController {}
      return PayController;
    };
    const onClassBelow = () => {
      @RequireMfa({ maxAgeSeconds: 300 })
      @SkipMfa()
      class PayController {}
      return PayController;
    };
    for (const load of [skipAbove, skipBelow, composed, onClass, onClassBelow]) expect(refused(load)).toMatch(both);
  });

  it('two @RequireMfa() that differ on one handler', () => {
    const load = () => {
      class PayController {
        @RequireMfa()
        @RequireMfa({ maxAgeSeconds: 300 })
        pay() {}
      }
      return PayController;
    };
    expect(refused(load)).toContain('Two @RequireMfa() with different requirements are on PayController.pay()');
  });

  it('@RequireMfa() on a class that inherits a handler with @SkipMfa()', async () => {
    class BaseController {
      @SkipMfa()
      @Get('export')
      export() {}
    }
    @RequireMfa()
    @Controller()
    class PayController extends BaseController {}
    const error: Error = await startHost({ platform: 'express', module: { controllers: [PayController] } }).then(
      (host) => host.close().then(() => expect.fail('started all the same')),
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ name: 'MfaError', code: 'host_setup' });
    expect(error.message).toContain('PayController has @RequireMfa(), but inherits export() with @SkipMfa() from BaseController');
  });

  it('a mark on a static method', () => {
    const load = () => {
      class PayController {
        @RequireMfa()
        static pay() {}

        @Get('cases')
        cases() {}
      }
      return PayController;
    };
    expect(refused(load)).toContain('which is a static method. Put it on a handler');
  });
});
