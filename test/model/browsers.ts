import { DAY, SECOND } from '../support/core-fixture.js';
import { type Budget, type Device, type Name, type State, type Token, UNTOUCHED } from './state.js';

const MINUTE = 60 * SECOND;
const TOKEN_LIFE = 90 * DAY;

/** The result of the tokens that a browser presents. */
export type Known = { is: 'live'; device: Device; token: Name } | { is: 'reused'; device: Device } | { is: 'unknown' };

export function recognize(state: State, tokens: readonly Token[], now: number): Known {
  const opened = tokens.filter(({ signedAt }) => signedAt - MINUTE <= now && now < signedAt + TOKEN_LIFE + MINUTE);
  const owned = opened.flatMap((token) => {
    const device = state.devices.find(({ name }) => name === token.device);
    return device ? [{ device, token: token.name }] : [];
  });
  const live = owned.find(({ device, token }) => isLive(device, token, now));
  if (live) return { is: 'live', ...live };
  const [reused] = owned;
  return reused ? { is: 'reused', device: reused.device } : { is: 'unknown' };
}

export function budgetOf(state: State, known: Known): Budget {
  return known.is === 'live' ? known.device.budget : state.budget;
}

export function withBudget(state: State, known: Known, budget: Budget): State {
  if (known.is !== 'live') return { ...state, budget };
  return { ...state, devices: state.devices.map((one) => (one.name === known.device.name ? { ...one, budget } : one)) };
}

/**
 * The next write drops dates from a clock that was ahead, because they would take effect later. They remember no device, retire no
 * token, keep no enrollment open, and make no browser the last one used.
 */
export function tidy(state: State, now: number): State {
  const isPast = (instant: number) => instant <= now + MINUTE;
  const dated = (instant: number) => (isPast(instant) ? instant : now);
  return {
    ...state,
    pending: state.pending.filter(({ startedAt }) => isPast(startedAt)),
    starts: state.starts.filter(isPast),
    devices: state.devices.map((one) => ({
      ...one,
      firstUsedAt: dated(one.firstUsedAt),
      lastUsedAt: dated(one.lastUsedAt),
      remembered: one.remembered && isPast(one.remembered.at) ? one.remembered : undefined,
      next: one.next && { ...one.next, mintedAt: dated(one.next.mintedAt) },
      retiring: one.retiring.filter(({ successorShownAt }) => isPast(successorShownAt)),
    })),
  };
}

export function isRemembered({ remembered }: Device, now: number): boolean {
  return remembered !== undefined && remembered.at <= now + MINUTE && now < remembered.until;
}

export function withoutDevice(state: State, gone: Name): State {
  if (!state.devices.some(({ name }) => name === gone)) return state;
  return { ...state, devices: state.devices.filter(({ name }) => name !== gone), ended: new Set([...state.ended, gone]) };
}

/** Ends all remembered devices. A login in progress does not remember one either. */
export function unrememberDevices(state: State, deviceEpoch: Name): State {
  return { ...state, deviceEpoch, devices: state.devices.map((one) => ({ ...one, remembered: undefined })) };
}

/** An active browser when it is used, with its new token if it gets one. */
export function use(state: State, known: { device: Device; token: Name }, fresh: Name, now: number) {
  const device = state.devices.find(({ name }) => name === known.device.name) ?? known.device;
  const { rotated, minted } = rotate(device, known.token, fresh, now);
  return {
    state: put(state, { ...rotated, lastUsedAt: now }),
    minted: minted ? { name: fresh, device: device.name, signedAt: now } : undefined,
  };
}

export function addDevice(state: State, name: Name, token: Name, remembered: Device['remembered'], now: number) {
  const device: Device = { name, firstUsedAt: now, lastUsedAt: now, remembered, budget: UNTOUCHED, current: token, retiring: [] };
  return { state: put(state, device), minted: { name: token, device: name, signedAt: now } };
}

export function change(state: State, name: Name, changed: Partial<Device>): State {
  return { ...state, devices: state.devices.map((one) => (one.name === name ? { ...one, ...changed } : one)) };
}

/**
 * A token retires a minute after its successor was first presented. Presented again within a minute after the successor was created
 * it creates nothing; later it creates another one, and the one that was never presented is invalid.
 */
function rotate(device: Device, token: Name, fresh: Name, now: number): { rotated: Device; minted: boolean } {
  const next = { name: fresh, mintedAt: now };
  if (token === device.current) {
    const again = device.next !== undefined && isNear(device.next.mintedAt, now);
    return again ? { rotated: device, minted: false } : { rotated: { ...device, next }, minted: true };
  }
  if (token === device.next?.name) {
    const still = device.retiring.filter(({ successorShownAt }) => isNear(successorShownAt, now));
    const retiring = [{ name: device.current, successorShownAt: now }, ...still].slice(0, 4);
    return { rotated: { ...device, current: token, retiring, next }, minted: true };
  }
  return { rotated: device, minted: false };
}

function isLive(device: Device, token: Name, now: number): boolean {
  if (token === device.current || token === device.next?.name) return true;
  return device.retiring.some(({ name, successorShownAt }) => name === token && isNear(successorShownAt, now));
}

function put(state: State, device: Device): State {
  const others = state.devices.filter(({ name }) => name !== device.name);
  const kept = others.sort((a, b) => b.lastUsedAt - a.lastUsedAt).slice(0, 19);
  return { ...state, devices: [device, ...kept] };
}

function isNear(instant: number, now: number): boolean {
  return Math.abs(now - instant) <= MINUTE;
}
