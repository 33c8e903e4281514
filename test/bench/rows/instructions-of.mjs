/** Runs in its own process under callgrind: prepares a number of calls and makes a number of them. */
import { createMfa } from '@mfa-kit/core';
import { memoryStorage } from '@mfa-kit/core/storage/memory';
import { verifiedSession } from '@mfa-kit/core/testing';
import { verifySync } from 'otplib';
import { KEY } from '../key.mjs';

const [side, prepared, calls] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const clock = { instant: Date.UTC(2026, 10, 1), now: () => clock.instant };
const user = { id: 'user-ada', name: 'ada@example.com' };
const newStorage = () => memoryStorage({ losesAllDataOnRestart: true });
let current = newStorage();
const mfa = createMfa({
  issuer: 'Acme',
  keys: [KEY],
  storage: {
    ...current,
    read: (id) => current.read(id),
    write: (id, next, expected) => current.write(id, next, expected),
  },
  clock: clock.now,
  revocationDelaySeconds: side === 'within' ? 300 : 0,
});
const { session, authenticator } = await verifiedSession(mfa, user);

// Each verification finds the same record, because another device in the profile would make the next one slower.
const storages = [];
const record = await current.read(user.id);
for (let number = 0; side === 'verify' && number < prepared; number++) {
  const storage = newStorage();
  await storage.write(user.id, record, null);
  storages.push(storage);
}
const { session: pending } = await mfa.beginLogin({ user });
clock.instant += 60_000;
const code = authenticator.code(clock.now());

for (let number = 0; number < calls; number++) {
  if (side === 'verify') {
    current = storages[number];
    const verified = await mfa.verify({
      user,
      session: pending,
      proof: { kind: 'totp', code },
      rememberDevice: true,
      deviceLabel: 'Firefox on Linux',
    });
    if (!verified.ok) throw new Error(`verify: ${verified.reason}`);
  } else if (side === 'otplib') {
    verifySync({ secret: SECRET, token: '000000', epoch: clock.instant / 1000, epochTolerance: 30 });
  } else {
    const decision = await mfa.checkAccess({ user, session });
    if (decision.access !== 'allow') throw new Error(`guard: ${decision.access}`);
  }
}
