import { MfaException, MfaGuard } from '@mfa-kit/nest';
import { type ExecutionContext, SetMetadata } from '@nestjs/common';
import { afterEach, describe, expect, it } from 'vitest';
import { createFixture } from '../support/core-fixture.js';
import { type Host, startHost } from './host.js';

let host: Host;
afterEach(() => host.close());

describe('a context that is not understood', () => {
  it('T32: is denied with an error that says how to fix it, unless the option request returns its request', async () => {
    host = await startHost({ platform: 'express' });
    const guard = host.app.get(MfaGuard);
    const context = (type: string, args: unknown[], handler: () => void = Handlers.prototype.handle) =>
      ({
        getType: () => type,
        getArgByIndex: (index: number) => args[index],
        getArgs: () => args,
        getHandler: () => handler,
        getClass: () => Handlers,
        switchToWs: () => ({ getClient: () => args[0] }),
        switchToHttp: () => ({ getRequest: () => args[0], getResponse: () => args[1] }),
      }) as unknown as ExecutionContext;
    for (const type of ['rpc', 'telegraf', 'necord', '']) {
      const refused = guard.canActivate(context(type, [{}, {}]));
      await expect(refused).rejects.toMatchObject({ code: 'host_setup', message: expect.stringContaining('request(context)') });
    }
    await expect(guard.canActivate(context('ws', [null]))).rejects.toMatchObject({ cause: expect.any(MfaException) });
    await expect(guard.canActivate(context('graphql', []))).rejects.toMatchObject({ problem: { reason: 'unavailable' } });
    SetMetadata('@mfa-kit/nest:mark', { kind: 'skip' })(Handlers.prototype, 'open', { value: Handlers.prototype.open });
    expect(guard.canActivate(context('rpc', [], Handlers.prototype.open))).toBe(true);
  });

  it('is read with the option request of the host', async () => {
    const { mfa } = createFixture();
    host = await startHost({
      platform: 'express',
      session: 'none',
      kit: {
        mfa,
        session: false,
        request: () => ({ method: '', url: '', headers: { 'x-user': 'user-grace' } }),
        user: ({ request, transport }) => {
          expect(transport).toBe('other');
          return { id: String(request.headers['x-user']), name: 'grace', mfa: 'optional' };
        },
      },
    });
    const context = {
      getType: () => 'rpc',
      getArgByIndex: () => ({}),
      getHandler: () => Handlers.prototype.handle,
      getClass: () => Handlers,
    } as unknown as ExecutionContext;
    await expect(host.app.get(MfaGuard).canActivate(context)).resolves.toBe(true);
  });
});

class Handlers {
  handle() {}
  open() {}
}
