import { describe, expect, it } from 'vitest';
import {
  type Device,
  isLiveToken,
  isRemembered,
  newDevice,
  putDevice,
  rotateToken,
  unrememberDevices,
} from '../../../../packages/core/src/profile/device.js';
import { fc } from '../../../support/fast-check.js';

const T0 = 1_800_000_000_000;
const SECOND = 1000;
const DAY = 24 * 3600 * SECOND;

describe('the rotation of device tokens', () => {
  /** What the rules say about one token. */
  interface Token {
    mintedAt: number;
    killed: boolean;
    successor?: string;
    /** When the successor was first shown; until then the token stays valid. */
    successorShownAt?: number;
    parent?: string;
  }

  const step = fc.record({
    wait: fc.constantFrom(0, 0, 1, 29, 59, 60, 61, 3600, 86_400).map((seconds) => seconds * SECOND),
    /** Which token is shown, counted from the newest. */
    back: fc.oneof({ weight: 4, arbitrary: fc.nat(1) }, { weight: 1, arbitrary: fc.nat(5) }),
  });

  it('T28: gives the specified result for any history of shown tokens: parallel, lost responses, stolen old tokens', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (history) => {
        let device = newDevice({ id: 'd', label: 'Firefox', tokenId: 't0' }, T0);
        let now = T0;
        const tokens = new Map<string, Token>([['t0', { mintedAt: T0, killed: false }]]);
        for (const [index, { wait, back }] of history.entries()) {
          now += wait;
          const ids = [...tokens.keys()];
          const id = ids[Math.max(ids.length - 1 - back, 0)] ?? 't0';
          const freshId = `t${index + 1}`;
          const expected = expectShown(tokens, id, freshId, now);
          expect(isLiveToken(device, id, now)).toBe(expected.live);
          const shown = rotateToken(device, id, freshId, now);
          expect({ step: index, live: shown.live, minted: shown.live ? shown.minted : undefined }).toEqual({
            step: index,
            ...expected,
          });
          if (!shown.live) return;
          device = shown.device;
          expect(JSON.stringify(device).length).toBeLessThan(500);
        }
      }),
      { numRuns: 2000 },
    );
  });

  function expectShown(tokens: Map<string, Token>, id: string, freshId: string, now: number): { live: boolean; minted?: string } {
    const token = tokens.get(id);
    if (!token || token.killed) return { live: false };
    if (token.successorShownAt !== undefined) return { live: now - token.successorShownAt <= 60 * SECOND };
    const parent = tokens.get(token.parent ?? '');
    if (parent) parent.successorShownAt ??= now;
    const successor = token.successor === undefined ? undefined : tokens.get(token.successor);
    if (successor && now - successor.mintedAt <= 60 * SECOND) return { live: true };
    if (successor) successor.killed = true;
    token.successor = freshId;
    tokens.set(freshId, { mintedAt: now, killed: false, parent: id });
    return { live: true, minted: freshId };
  }

  const device = newDevice({ id: 'd', label: 'Firefox', tokenId: 'one' }, T0);

  it('creates a successor at the first use, and none for the same token within a minute', () => {
    const next = { id: 'two', mintedAt: T0 };
    const first = rotateToken(device, 'one', 'two', T0);
    expect(first).toStrictEqual({ live: true, device: { ...device, next }, minted: 'two' });
    for (const now of [T0 + 60_000, T0 - 60_000]) {
      expect(rotateToken({ ...device, next }, 'one', 'three', now)).toStrictEqual({ live: true, device: { ...device, next } });
    }
    for (const now of [T0 + 60_001, T0 - 60_001]) {
      expect(rotateToken({ ...device, next }, 'one', 'three', now)).toStrictEqual({
        live: true,
        device: { ...device, next: { id: 'three', mintedAt: now } },
        minted: 'three',
      });
    }
  });

  it('T28: replaces a token when its successor is shown, and accepts the old one for one more minute', () => {
    const rotated = rotateToken({ ...device, next: { id: 'two', mintedAt: T0 } }, 'two', 'three', T0 + 5);
    const retiring = [{ id: 'one', successorShownAt: T0 + 5 }];
    const after = { ...device, current: 'two', retiring, next: { id: 'three', mintedAt: T0 + 5 } };
    expect(rotated).toStrictEqual({ live: true, device: after, minted: 'three' });
    expect(rotateToken(after, 'one', 'four', T0 + 60_005)).toStrictEqual({ live: true, device: after });
    expect(rotateToken(after, 'one', 'four', T0 + 60_006)).toStrictEqual({ live: false });
    expect(isLiveToken(after, 'other', T0 + 5)).toBe(false);
  });

  it('I10: keeps four retired tokens at most, the newest first', () => {
    let now = T0;
    let shown = device;
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) {
      now += SECOND;
      const step = rotateToken(shown, shown.next?.id ?? shown.current, name, now);
      if (step.live) shown = step.device;
    }
    expect(shown.retiring?.map(({ id }) => id)).toEqual(['e', 'd', 'c', 'b']);
    const later = rotateToken(shown, shown.next?.id ?? '', 'h', now + 60_000 - 1500);
    expect(later.live && later.device.retiring?.map(({ id }) => id)).toEqual(['f', 'e', 'd']);
  });

  it('does not accept a token that was never created', () => {
    const device = newDevice({ id: 'd', label: '', tokenId: 'a' }, T0);
    for (const id of ['', 'b', 'A', 'undefined']) expect(isLiveToken(device, id, T0)).toBe(false);
  });

  it('FLT-5: keeps the browser’s token valid after a clock jumped', () => {
    for (const jump of [-3650 * DAY, -61 * SECOND, 61 * SECOND, 3650 * DAY]) {
      let device = newDevice({ id: 'd', label: '', tokenId: 'a' }, T0);
      device = use(device, 'a', 'b', T0 + jump);
      device = use(device, 'b', 'c', T0);
      device = use(device, 'c', 'd', T0 + jump);
      expect(isLiveToken(device, 'd', T0)).toBe(true);
    }
  });
});

describe('the end of a remembered device', () => {
  const device: Device = {
    ...newDevice({ id: 'd', label: '', tokenId: 'a' }, T0),
    rememberedUntil: T0 + 30 * DAY,
    rememberedAt: T0,
  };
  const rows: [string, number, number, boolean][] = [
    ['at once', 0, 30, true],
    ['a millisecond before its end', 30 * DAY - 1, 30, true],
    ['at its end', 30 * DAY, 30, false],
    ['after it', 31 * DAY, 30, false],
    ['by a clock ten years behind', -3650 * DAY, 30, false],
    ['by a clock 60 s behind', -60 * SECOND, 30, true],
    ['by a clock 61 s behind', -61 * SECOND, 30, false],
    ['where remembering is switched off', 0, 0, false],
    ['where it is switched off, by a clock 30 s behind', -30 * SECOND, 0, false],
    ['under a policy of fewer days, within them', 7 * DAY - 1, 7, true],
    ['under a policy of fewer days, after them', 7 * DAY, 7, false],
    ['under a policy of fewer days, at the end of the old ones', 29 * DAY, 7, false],
  ];

  it.each(rows)('DEV-6, FLT-5: %s', (_, after, days, remembered) => {
    expect(isRemembered(device, days, T0 + after)).toBe(remembered);
  });

  it('is not reached by a device that was never remembered', () => {
    expect(isRemembered(newDevice({ id: 'd', label: '', tokenId: 'a' }, T0), 30, T0)).toBe(false);
  });
});

describe('the list of devices', () => {
  it('holds at most twenty: the least recently used is dropped', () => {
    let devices: Device[] = [];
    for (let index = 0; index < 25; index++) {
      devices = putDevice(devices, newDevice({ id: `d${index}`, label: '', tokenId: `t${index}` }, T0 + index));
    }
    expect(devices.map((device) => device.id)).toEqual(Array.from({ length: 20 }, (_, index) => `d${24 - index}`));
    const used = { ...(devices.at(-1) as Device), lastUsedAt: T0 + 1000 };
    devices = putDevice(putDevice(devices, used), newDevice({ id: 'new', label: '', tokenId: 'n' }, T0 + 2000));
    expect(devices).toHaveLength(20);
    expect(devices.map((device) => device.id)).toContain('d5');
    expect(devices.map((device) => device.id)).not.toContain('d6');
  });

  it('holds a device once, in its newest state, before the others', () => {
    const [first, second] = ['d1', 'd2'].map((id) => newDevice({ id, label: '', tokenId: 't' }, T0)) as [Device, Device];
    const renamed = { ...second, label: 'Firefox' };
    expect(putDevice([first, second], renamed)).toEqual([renamed, first]);
    expect(putDevice([first], first)).toEqual([first]);
  });

  it('I10: drops the least recently used one, wherever a clock that jumped has left it in the list', () => {
    const used = [4, 9, 1, 16, 11, 7, 2, 19, 13, 5, 18, 3, 10, 15, 6, 12, 17, 8, 14, 20];
    const devices = used.map((n) => newDevice({ id: `d${n}`, label: '', tokenId: 't' }, T0 + n * SECOND));
    const kept = putDevice(devices, newDevice({ id: 'new', label: '', tokenId: 't' }, T0)).map(({ id }) => id);
    expect(kept).toHaveLength(20);
    expect(new Set(kept)).toEqual(new Set(['new', ...used.filter((n) => n !== 1).map((n) => `d${n}`)]));
  });

  it('keeps all devices when it forgets that they are remembered', () => {
    const devices = [0, 1].map((n) => ({
      ...newDevice({ id: `d${n}`, label: '', tokenId: 't' }, T0),
      rememberedUntil: T0 + n + 1,
      rememberedAt: T0,
    }));
    expect(unrememberDevices(devices)).toEqual(
      devices.map(({ rememberedUntil: _until, rememberedAt: _at, ...device }) => device),
    );
  });
});

function use(device: Device, tokenId: string, freshId: string, now: number): Device {
  const shown = rotateToken(device, tokenId, freshId, now);
  if (!shown.live) throw new Error(`${tokenId} is not live`);
  return shown.device;
}
