import { compare, ratioOf } from '../measure.mjs';
import { createKit } from '../sides/kit.mjs';
import { atMost } from './goals.mjs';

/** The same verification with more records of other users, and with a larger record of this user. */
export async function* measureScale({ postgres, most, ...size }) {
  const { count } = size;
  const few = await createKit({ pool: postgres.pool(), count, table: 'few_users', others: 10_000 });
  const many = await createKit({ pool: postgres.pool(), count, table: 'many_users', others: most });
  const sides = [few.verify('10,000 users'), many.verify(`${most.toLocaleString('en')} users`)];
  const costs = await compare(sides, size);
  const [fewer, more] = sides.map(({ name }) => name);
  yield {
    id: 'scale.users',
    title: 'Verify a right code, by enrolled users',
    costs,
    goals: [atMost(`scale.users-${most}`, ratioOf(costs, more, fewer), 1.2)],
  };

  const devices = await createKit({ pool: postgres.pool(), count, table: 'many_devices', devices: 20 });
  const byDevices = await compare([few.verify('no device'), devices.verify('20 devices')], size);
  yield {
    id: 'scale.devices',
    title: 'Verify a right code, by devices of the user',
    costs: byDevices,
    goals: [atMost('scale.devices-20', ratioOf(byDevices, '20 devices', 'no device'), 1.5)],
  };

  const authenticators = await createKit({ pool: postgres.pool(), count, table: 'many_authenticators', authenticators: 10 });
  const byAuthenticators = await compare([few.verify('1 authenticator'), authenticators.verify('10 authenticators')], size);
  yield {
    id: 'scale.authenticators',
    title: 'Verify a right code, by authenticators of the user',
    costs: byAuthenticators,
    goals: [atMost('scale.authenticators-10', ratioOf(byAuthenticators, '10 authenticators', '1 authenticator'), 3)],
  };
}
