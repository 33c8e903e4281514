import type { Mfa } from '@mfa-kit/core';
import {
  InjectMfa,
  MfaGuard,
  MfaModule,
  type MfaModuleOptions,
  type MfaOptionsFactory,
  RequireMfa,
  SkipMfa,
} from '@mfa-kit/nest';
import { mfaCoverage } from '@mfa-kit/nest/coverage';
import { Controller, Get, Global, Inject, Injectable, Module, UseGuards } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { afterEach, describe, expect, it } from 'vitest';
import { Client, enroll, expectStatus, logIn } from '../express/client.js';
import type { TestUser } from '../support/core-fixture.js';
import { type Host, type HostRequest, platforms, startHost } from './host.js';

type Options = MfaModuleOptions<TestUser, HostRequest>;

abstract class BaseController {
  @Get('inherited')
  inherited() {
    return 'inside';
  }
}

@RequireMfa({ maxAgeSeconds: 300 })
@Controller('strict')
class StrictController extends BaseController {
  constructor(@InjectMfa() readonly mfa: Mfa) {
    super();
  }

  @Get('own')
  own() {
    return 'inside';
  }

  @RequireMfa()
  @Get('plain')
  plain() {
    return 'inside';
  }

  @SkipMfa()
  @Get('skipped')
  skipped() {
    return typeof this.mfa.checkAccess;
  }
}

@SkipMfa()
@Controller('open')
class OpenController extends BaseController {
  @Get('own')
  own() {
    return 'inside';
  }

  @RequireMfa()
  @Get('guarded')
  guarded() {
    return 'inside';
  }
}

@UseGuards(MfaGuard)
@Controller('by-guard')
class ByGuardController extends BaseController {
  @UseGuards(MfaGuard)
  @Get('route')
  route() {
    return 'inside';
  }
}

/** The same base class without a mark. The mark of a subclass must not affect it. */
@Controller('unmarked')
class UnmarkedController extends BaseController {}

@RequireMfa()
class GuardedBase {
  @Get('kept')
  kept() {
    return 'inside';
  }
}

@Controller('derived')
class DerivedController extends GuardedBase {}

@SkipMfa()
class SkippedBase {
  @Get('inherited')
  inherited() {
    return 'inside';
  }

  @SkipMfa()
  @Get('marked')
  marked() {
    return 'inside';
  }
}

@Controller('below-skipped')
class BelowSkippedController extends SkippedBase {
  @Get('own')
  own() {
    return 'inside';
  }
}

@RequireMfa({ maxAgeSeconds: 300 })
class StrictBase extends SkippedBase {
  @Get('inherited')
  override inherited() {
    return 'inside';
  }

  @RequireMfa()
  @Get('marked')
  override marked() {
    return 'inside';
  }
}

/** Its `@SkipMfa()` opens handlers without a mark. */
@SkipMfa()
@Controller('skipped-again')
class SkippedAgainController extends StrictBase {}

@Controller('below-both')
class BelowBothController extends StrictBase {}

let host: Host;
afterEach(() => host.close());

describe.each(platforms)('decorators on Nest with $platform', (given) => {
  it('the mark of a method overrides that of its class, and without a mark the guard requires a proof', async () => {
    host = await startHost({
      ...given,
      module: { controllers: [StrictController, OpenController, ByGuardController, UnmarkedController, DerivedController] },
    });
    const { client } = await enroll(host);
    host.clock.advance(301_000);
    const pending = await logIn(host, 'ada');
    const statuses = async (one: Client, paths: string[]) =>
      Promise.all(paths.map(async (path) => [path, (await one.get(path)).status]));
    const strict = ['/strict/own', '/strict/inherited'];
    const plain = ['/strict/plain', '/open/guarded', '/by-guard/route', '/by-guard/inherited', '/derived/kept'];
    const open = ['/strict/skipped', '/open/own', '/open/inherited', '/unmarked/inherited'];
    expect(await statuses(client, strict)).toEqual(strict.map((path) => [path, 401]));
    expect(await statuses(client, [...plain, ...open])).toEqual([...plain, ...open].map((path) => [path, 200]));
    for (const one of [pending, new Client(host)]) {
      expect(await statuses(one, [...strict, ...plain])).toEqual([...strict, ...plain].map((path) => [path, 401]));
      expect(await statuses(one, open)).toEqual(open.map((path) => [path, 200]));
    }
  });

  it('reads the record once per guard', async () => {
    host = await startHost({ ...given, module: { controllers: [StrictController] } });
    const { client } = await enroll(host);
    host.resetCounts();
    for (const path of ['/strict/own', '/strict/inherited', '/strict/plain']) expectStatus(await client.get(path), 200);
    expect(host.counts).toMatchObject({ reads: 3, writes: 0 });
  });
});

describe('F60, SES-4: inheritance of marks', () => {
  it('a subclass inherits a requirement of its base class, but never a @SkipMfa()', async () => {
    const warnings: unknown[] = [];
    host = await startHost({
      platform: 'express',
      module: {
        controllers: [BelowSkippedController, SkippedAgainController, BelowBothController],
        providers: [{ provide: APP_GUARD, useExisting: MfaGuard }],
      },
      configure: (app) =>
        app.useLogger({ log: () => {}, error: () => {}, warn: (...what: unknown[]) => void warnings.push(what[0]) }),
    });
    const { client } = await enroll(host);
    host.clock.advance(301_000);
    const someone = new Client(host);
    const status = async (one: Client, path: string) => (await one.get(path)).status;
    for (const path of ['/below-skipped/own', '/below-skipped/inherited']) {
      expect([path, await status(someone, path), await status(client, path)]).toEqual([path, 401, 200]);
    }
    expect(await status(someone, '/below-skipped/marked')).toBe(200);
    expect(await status(someone, '/skipped-again/inherited')).toBe(200);
    expect(await status(someone, '/skipped-again/marked')).toBe(401);
    expect([await status(someone, '/below-both/inherited'), await status(client, '/below-both/inherited')]).toEqual([401, 401]);
    const report = mfaCoverage(host.app).routes;
    const statusOf = (route: string) => report.find((row) => row.route === route)?.status;
    expect(statusOf('GET /below-skipped/inherited')).toBe('guarded');
    expect(statusOf('GET /below-skipped/marked')).toBe('skipped');
    expect(statusOf('GET /skipped-again/inherited')).toBe('skipped');
    expect(statusOf('GET /skipped-again/marked')).toBe('guarded');
    const whyOf = (route: string) => report.find((row) => row.route === route)?.why;
    expect(whyOf('GET /below-skipped/marked')).toBe('@SkipMfa() on BelowSkippedController.marked');
    expect(whyOf('GET /skipped-again/inherited')).toBe('@SkipMfa() on SkippedAgainController');
    expect(report.find(({ route }) => route === 'GET /below-both/inherited')?.requirement).toEqual({ maxAgeSeconds: 300 });
    expect(warnings).toEqual([expect.stringContaining('BelowSkippedController inherits from SkippedBase, which has @SkipMfa()')]);
  });
});

describe('options of forRootAsync', () => {
  it.each(['useFactory', 'useClass', 'useExisting', 'a module of its own'])('%s', async (way) => {
    let options: Options | undefined;
    @Injectable()
    class Making implements MfaOptionsFactory<TestUser, HostRequest> {
      constructor(@Inject('GIVEN') private readonly given: { options: () => Options }) {}

      async createMfaOptions() {
        return this.given.options();
      }
    }
    const given = { provide: 'GIVEN', useValue: { options: () => options } };
    @Global()
    @Module({ providers: [given, Making], exports: ['GIVEN', Making] })
    class GivenModule {}

    const register = (all: Options & { isGlobal?: boolean }) => {
      const { isGlobal: _, ...rest } = all;
      options = rest;
      const extras = { isGlobal: true, path: '/second-factor', imports: [GivenModule] };
      if (way === 'useClass') return MfaModule.forRootAsync<TestUser, HostRequest>({ ...extras, useClass: Making });
      if (way === 'useExisting') return MfaModule.forRootAsync<TestUser, HostRequest>({ ...extras, useExisting: Making });
      const useFactory = async (holder: { options: () => Options }) => holder.options();
      return MfaModule.forRootAsync<TestUser, HostRequest>({ ...extras, inject: ['GIVEN'], useFactory });
    };
    host = await startHost({ platform: 'express', register });
    const client = await logIn(host);
    expect((await client.page('GET', '/cases')).headers.get('location')).toBe('/second-factor/enroll');
    expectStatus(await client.get('/second-factor/assets/page.css'), 200);
    expectStatus(await client.get('/mfa/assets/page.css'), 404);
  });
});
