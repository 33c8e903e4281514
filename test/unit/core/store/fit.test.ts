import { describe, expect, it } from 'vitest';
import { createKeyring } from '../../../../packages/core/src/crypto/keyring.js';
import { type Device, newDevice } from '../../../../packages/core/src/profile/device.js';
import { newProfile, type Profile } from '../../../../packages/core/src/profile/profile.js';
import { open, seal } from '../../../../packages/core/src/store/seal.js';
import { KEY } from '../../../support/core-fixture.js';

const keyring = createKeyring([{ id: 'k'.repeat(32), secret: Buffer.from(KEY.secret, 'base64') }], 'mfa-kit');
const as = { realm: 'mfa-kit', userId: 'u', version: 'v1' };
const MOST = 48 * 1024;

const device = (index: number, lastUsedAt: number): Device => ({
  ...newDevice({ id: `device-${index}`, label: `label ${index} `.padEnd(64, 'ä'), tokenId: `token-${index}` }, 1000),
  lastUsedAt,
});

const authenticator = { id: 'a', kind: 'totp', name: 'n'.repeat(64), createdAt: 1, enrollmentId: 'e', data: { closedStep: 77 } };

/** A profile with this many bytes more than fit, with data that must not be dropped. */
function outgrown(devices: Device[], excess: number): Profile {
  const profile: Profile = {
    ...newProfile(),
    authenticators: [authenticator],
    endedDevices: ['ended-1', 'ended-2'],
    usedTokens: [{ id: 'used', until: 5 }] as never,
    devices,
    enrollBy: 42,
  };
  const padded = (length: number) => ({ ...profile, later: 'x'.repeat(length) });
  return padded(MOST + excess - Buffer.byteLength(JSON.stringify(padded(0))));
}

function stored(profile: Profile): Profile {
  const opened = open(seal(profile, as, keyring), as, keyring);
  if (!opened.readable) throw new Error(opened.why);
  return opened.profile;
}

describe('F34: a record stays within its size limit', () => {
  it('and a full record of 48 KB, sealed under the longest key id, fits into the port', () => {
    const value = seal(outgrown([], 0), as, keyring);
    expect(value.length).toBe(65_619);
    expect(value.length).toBeLessThanOrEqual(66_560);
  });

  it('and is stored unchanged if it fits', () => {
    const profile = outgrown([device(1, 5), device(2, 9)], 0);
    expect(stored(profile)).toEqual(profile);
  });

  it('by dropping the least recently used devices first, only as many as needed, and in no other order', () => {
    const devices = [device(1, 50), device(2, 10), device(3, 40), device(4, 20), device(5, 30)];
    const size = Buffer.byteLength(JSON.stringify(device(2, 10))) + 1;
    const left = (excess: number) => stored(outgrown(devices, excess)).devices.map(({ id }) => id);
    expect(left(1)).toEqual(['device-1', 'device-3', 'device-4', 'device-5']);
    expect(left(size + 1)).toEqual(['device-1', 'device-3', 'device-5']);
    expect(left(3 * size + 1)).toEqual(['device-1']);
    const profile = outgrown(devices, 1);
    expect(stored(profile)).toEqual(stored(profile));
  });

  it('and keeps the device that this write is about', () => {
    const devices = [device(1, 50), device(2, 50), device(3, 50)];
    expect(stored(outgrown(devices, 1)).devices[0]?.id).toBe('device-1');
  });

  it('then by shortening names, and drops nothing else: steps, budgets, ended devices, used tokens, fields of other versions', () => {
    const profile = outgrown([device(1, 50)], 40);
    const kept = stored(profile);
    expect(kept.authenticators).toEqual([{ ...authenticator, name: 'n'.repeat(16) }]);
    expect(kept.devices).toEqual([{ ...profile.devices[0], label: 'label 1 ääääääää' }]);
    expect({ ...kept, authenticators: [], devices: [] }).toEqual({ ...profile, authenticators: [], devices: [] });
  });

  it('and only then refuses the write', () => {
    expect(() => stored(outgrown([device(1, 50)], 500))).toThrow('48 KB');
  });
});
