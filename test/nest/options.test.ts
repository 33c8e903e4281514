import { createMfa } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { MFA } from '@mfa-kit/nest';
import { Inject, Injectable } from '@nestjs/common';
import { expect, it } from 'vitest';
import { KEY } from '../support/core-fixture.js';
import { startHost } from './host.js';

it('accepts the flows of another createMfa', async () => {
  const mfa = createMfa({ issuer: 'Acme', keys: [KEY], storage: memoryStorage() });
  @Injectable()
  class Reader {
    constructor(@Inject(MFA) readonly given: unknown) {}
  }
  const host = await startHost({ platform: 'express', kit: { mfa: mfa as never }, module: { providers: [Reader] } });
  expect(host.app.get(Reader).given).toBe(mfa);
  await host.close();
});
