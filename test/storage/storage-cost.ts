import { randomUUID } from 'node:crypto';
import type { MfaStorage } from '../../packages/core/src/storage/storage.js';
import { createEnrolled, expectOk, loginPending, loginWithCode, MINUTE } from '../support/core-fixture.js';
import type { StorageCounts } from '../support/counting-storage.js';

export interface StorageCost {
  calls: StorageCounts;
  /** On the wire; 0 where nobody counts them. */
  roundTrips: number;
}

/** What one verification with a code and one login with a remembered device cost, on connections that are warm. */
export async function storageCosts(
  storage: MfaStorage,
  roundTrips: () => number = () => 0,
): Promise<{ verification: StorageCost; rememberedLogin: StorageCost }> {
  const user = { id: `cost-${randomUUID()}`, name: 'cost@example.com' };
  const fixture = await createEnrolled(user, { storage });
  const { mfa, clock, authenticator } = fixture;
  const session = await loginPending(mfa, user);
  let { token: deviceToken } = await loginWithCode(fixture, { user, rememberDevice: true });

  async function costOf(act: () => Promise<unknown>): Promise<StorageCost> {
    const costs: StorageCost[] = [];
    // Each connection of a pool has its statements to prepare first.
    for (let time = -12; time < 5; time++) {
      clock.advance(2 * MINUTE);
      fixture.resetCounts();
      const before = roundTrips();
      await act();
      if (time >= 0) costs.push({ calls: { ...fixture.counts }, roundTrips: roundTrips() - before });
    }
    // The median, since what a client does of its own, a look at the nodes of a cluster say, may fall into one of them.
    return costs.sort((a, b) => a.roundTrips - b.roundTrips)[2] as StorageCost;
  }

  return {
    verification: await costOf(async () =>
      expectOk(await mfa.verify({ user, session, proof: { kind: 'totp', code: authenticator.code(clock.now()) } })),
    ),
    rememberedLogin: await costOf(async () => {
      const { decision, device } = await mfa.beginLogin({ user, deviceToken });
      if (decision.access !== 'allow' || !device) throw new Error(`the device was not remembered: ${decision.access}`);
      deviceToken = device.token;
    }),
  };
}
