import { budgetAt } from '../../limits/guess-budget.js';
import type { MfaUser } from '../../options.js';
import { isRemembered } from '../../profile/device.js';
import { isEnrolled, type Profile } from '../../profile/profile.js';
import type { FlowContext } from '../steps/flow-context.js';
import type { MfaReport, Walked } from './results.js';
import { checkWalkInput, type WalkOptions, walkUsers } from './walk.js';

interface Seen {
  keyId: string | undefined;
  enrolled: boolean;
  kinds: string[];
  recoveryCodesLeft: number;
  known: number;
  remembered: number;
  throttled: boolean;
}

/** The most ids of missing keys that are counted separately, because somebody who can write rows can invent more. */
const MISSING_KEYS = 20;
/** Cannot be the id of a key, because ids have no parentheses. */
const OTHERS = '(others)';

/** Counts all profiles and changes nothing. */
export async function report<User extends MfaUser>(
  flow: FlowContext<User>,
  input: WalkOptions<MfaReport> = {},
): Promise<MfaReport> {
  checkWalkInput('report', input, []);
  const { keyring, clock, recoveryCodesLowAt, rememberDays } = flow.options;
  const at = clock();
  const sums = { enrolled: 0, notEnrolled: 0, throttled: 0 };
  const recoveryCodes = { none: 0, few: 0, enough: 0 };
  const devices = { known: 0, remembered: 0 };
  const kinds = new Map<string, number>();
  const keys = new Map<string, number>(keyring.ids.map((id) => [id, 0]));

  function countKey(keyId: string | undefined): void {
    if (keyId === undefined) return;
    const id = keys.has(keyId) || keys.size < keyring.ids.length + MISSING_KEYS ? keyId : OTHERS;
    keys.set(id, (keys.get(id) ?? 0) + 1);
  }

  return walkUsers<User, Seen, Omit<MfaReport, keyof Walked>>(flow, input, {
    name: 'report',
    decide: (profile, { keyId, now }) => ({ answer: { keyId, ...look(profile, rememberDays, now) } }),
    count(seen) {
      countKey(seen.keyId);
      for (const kind of seen.kinds) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      devices.known += seen.known;
      devices.remembered += seen.remembered;
      sums.throttled += seen.throttled ? 1 : 0;
      sums[seen.enrolled ? 'enrolled' : 'notEnrolled'] += 1;
      const { recoveryCodesLeft: left } = seen;
      if (seen.enrolled) recoveryCodes[left === 0 ? 'none' : left <= recoveryCodesLowAt ? 'few' : 'enough'] += 1;
    },
    countUnreadable: countKey,
    sums: () => ({
      at,
      ...sums,
      authenticators: [...kinds].map(([kind, count]) => ({ kind, count })),
      recoveryCodes: { ...recoveryCodes },
      devices: { ...devices },
      keys: [...keys].map(([id, profiles]) => ({ id, inRing: keyring.ids.includes(id), profiles })),
    }),
  });
}

function look(profile: Profile, rememberDays: number, now: number): Omit<Seen, 'keyId'> {
  return {
    enrolled: isEnrolled(profile),
    kinds: profile.authenticators.map(({ kind }) => kind),
    recoveryCodesLeft: profile.recoveryCodes?.digests.length ?? 0,
    known: profile.devices.length,
    remembered: profile.devices.filter((device) => isRemembered(device, rememberDays, now)).length,
    throttled: budgetAt(profile.budget, now, 'account').waitMs > 0,
  };
}
