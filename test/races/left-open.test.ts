import type { AccessDecision } from '@mfa-kit/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEnrolled, type Enrolled, loginPending, reasonOf, type TestUser } from '../support/core-fixture.js';
import { describeWith } from '../support/requires.js';
import { openPlace, sharedStores } from '../support/shared-stores.js';
import type { OpenedStore } from './open-store.mjs';
import { compileCore, type Order, type RaceProcess, startProcess } from './processes.js';

type Answer = { ok: true } | { ok: false; reason: string };

for (const { name, open } of sharedStores.slice(0, 2)) {
  describeWith(
    await open(),
    `two processes on ${name}, whose application leaves transactions open in its pools`,
    ({ url, drop }) => {
      const processes: RaceProcess[] = [];
      let opened: OpenedStore;
      let users = 0;

      beforeAll(async () => {
        opened = await openPlace({ url });
        const core = await compileCore('left-open');
        processes.push(...(await Promise.all([startProcess(core, url), startProcess(core, url)])));
      }, 120_000);

      afterAll(async () => {
        for (const child of processes) child.stop();
        await opened?.close();
        await drop();
      });

      const enrolled = (user: TestUser): Promise<Enrolled> => createEnrolled(user, { storage: opened.storage });
      const freshUser = (): TestUser => ({ id: `left-${++users}`, name: `left-${users}@example.com` });

      it('F13: one code that is sent repeatedly to both has one success', async () => {
        for (let round = 0; round < 5; round++) {
          const user = freshUser();
          const { mfa, clock, authenticator } = await enrolled(user);
          const input = {
            user,
            session: await loginPending(mfa, user),
            proof: { kind: 'totp', code: authenticator.code(clock.now()) },
          };
          const order: Order = { method: 'verify', inputs: [input], now: clock.now() };
          const reasons: string[] = [];
          for (let time = 0; time < 12; time++) {
            const child = processes[time % 2] as RaceProcess;
            // Only the first process has open transactions, and it is asked first. The second must see each write that returned true.
            const told = await child.run<Answer>({ ...order, leaveOpen: time === 0 || time === 4 });
            reasons.push(...(told?.answers ?? []).map(reasonOf));
          }
          expect(reasons.filter((reason) => reason === 'ok')).toHaveLength(1);
        }
      }, 120_000);

      it('F14: after passwordChanged() in one, the guard of the other never lets the old session in', async () => {
        for (let round = 0; round < 5; round++) {
          const user = freshUser();
          const { clock, session } = await enrolled(user);
          const [poisoned, other] = processes as [RaceProcess, RaceProcess];
          const ask: Order = { method: 'checkAccess', inputs: [{ user, session }], now: clock.now() };
          const accessNow = async () => (await poisoned.run<AccessDecision>(ask))?.answers[0]?.access;
          // Transactions from an earlier round fail one call for each connection.
          await expect.poll(accessNow, { interval: 1, timeout: 10_000 }).toBe('allow');
          await poisoned.run<AccessDecision>({ ...ask, leaveOpen: true });
          const ended: Order = { method: 'passwordChanged', inputs: [{ userId: user.id }], now: clock.now() };
          expect(await other.run(ended)).not.toBeNull();
          const access: (string | undefined)[] = [];
          for (let time = 0; time < 20; time++) {
            access.push(await accessNow());
          }
          expect(access).not.toContain('allow');
          expect(access.at(-1)).not.toBe('unavailable');
        }
      }, 120_000);
    },
  );
}
