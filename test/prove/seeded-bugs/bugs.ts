import type { Device } from '../../../packages/core/src/profile/device.js';
import type { Profile } from '../../../packages/core/src/profile/profile.js';
import type { Decide } from '../../../packages/core/src/store/profile-store.js';
import { type Replacement, replaceExport } from './replace-export.js';

/** A possible mistake in core, put in by replacing exports of its modules. */
export interface SeededBug {
  name: string;
  replacements: Replacement[];
}

const THIRTY_DAYS = 30 * 24 * 3_600_000;

/** Mistakes of other libraries (docs/threat-model.md) and possible mistakes of a refactoring. Each breaks a promise of one flow. */
export const seededBugs: readonly SeededBug[] = [
  bug(
    'accepting a step does not close the ones before it',
    replaceExport(
      'factors/totp/closed-steps',
      'closeSteps',
      (closeSteps) =>
        (ranges, { to }) =>
          closeSteps(ranges, { from: to, to }),
    ),
  ),
  bug(
    'only the last step that was accepted is remembered',
    replaceExport('factors/totp/closed-steps', 'isClosed', () => (ranges, step) => ranges.at(-1)?.to === step),
  ),
  bug(
    'used steps are forgotten when the clock has gone on',
    replaceExport('factors/totp/closed-steps', 'closeSteps', (closeSteps) => (ranges, closing) => {
      const kept = ranges.filter((range) => range.to >= closing.from);
      return closeSteps(kept, closing);
    }),
  ),
  bug(
    'the code that confirmed an enrollment is not used up',
    replaceExport('factors/totp/totp', 'totpFactor', (factor) => ({
      ...factor,
      enroll: {
        ...factor.enroll,
        confirm: (pending, ...proof) => ({ ...factor.enroll.confirm(pending, ...proof), data: pending }),
      },
    })),
  ),
  bug(
    'a confirmation leaves the other pending enrollments',
    changeDecisions((decide) => async (profile, ...facts) => {
      const decision = await decide(profile, ...facts);
      const { next } = decision;
      if (!profile || !next || next === 'remove') return decision;
      const isConfirmed = next.authenticators.length > profile.authenticators.length;
      return isConfirmed ? { ...decision, next: { ...next, enrollments: profile.enrollments } } : decision;
    }),
  ),
  bug(
    'anybody who knows its id confirms an enrollment',
    replaceExport('flows/enroll', 'isOwn', () => () => true),
  ),
  bug(
    'a pending enrollment never ends',
    replaceExport('flows/enroll', 'isOpen', () => () => true),
  ),
  bug(
    'the password alone adds an authenticator',
    replaceExport(
      'flows/steps/acting-flow',
      'actingFlow',
      (actingFlow) => (flow, input, name, start) =>
        actingFlow(flow, input, name, (begun) => {
          const steps = start(begun);
          if (name !== 'start_enrollment' || !('gate' in steps)) return steps;
          return {
            ...steps,
            gate(at) {
              const gate = steps.gate(at);
              // This flow needs no more of an open gate than every gate has.
              const opened = { open: true, profile: at.profile } as Extract<typeof gate, { open: true }>;
              return !gate.open && gate.refusal.reason === 'assurance_required' ? opened : gate;
            },
          };
        }),
    ),
  ),
  bug(
    'managing needs no fresh proof',
    replaceExport('flows/steps/gate', 'managementGate', (managementGate) => (at) => {
      const gate = managementGate(at);
      if (gate.open || gate.refusal.reason !== 'assurance_required') return gate;
      return at.profile && at.session.state === 'verified' ? { open: true, profile: at.profile, session: at.session } : gate;
    }),
  ),
  bug(
    'a pending token counts twice',
    replaceExport('flows/steps/gate', 'useUpToken', () => (profile) => profile),
  ),
  bug(
    'the wait after wrong codes is not looked at',
    replaceExport('flows/steps/guess', 'throttleGuess', () => () => null),
  ),
  bug(
    'known browsers share the budget of unknown ones',
    replaceExport(
      'flows/steps/guess',
      'budgetOfBrowser',
      (budgetOfBrowser) => (profile) => budgetOfBrowser(profile, { state: 'unknown' }),
    ),
  ),
  bug(
    'a clock that is set back drains a budget',
    replaceExport(
      'limits/guess-budget',
      'budgetAt',
      (budgetAt) => (stored, now, owner) => budgetAt(datedBack(stored, now), now, owner),
    ),
    replaceExport(
      'limits/guess-budget',
      'chargeGuess',
      (chargeGuess) => (stored, now) => chargeGuess(datedBack(stored, now), now),
    ),
  ),
  bug(
    'wrong codes of others block an enrollment',
    changeDecisions((decide) => (profile, ...facts) => {
      const budget = profile?.budget;
      return decide(profile && { ...profile, enrollments: profile.enrollments.map((one) => ({ ...one, budget })) }, ...facts);
    }),
  ),
  bug(
    'a race that was lost costs a try',
    replaceExport('flows/steps/check-proof', 'checkProof', (checkProof) => async (...proof) => {
      const checked = await checkProof(...proof);
      return checked.outcome === 'repeated' ? { ...checked, outcome: 'replayed' } : checked;
    }),
  ),
  bug(
    'a remembrance that lies ahead is kept',
    replaceExport('profile/tidy', 'tidyProfile', (tidyProfile) => (profile, how) => {
      const tidied = tidyProfile(profile, how);
      const devices = tidied.profile.devices.map((device, index) => ({ ...device, ...remembranceOf(profile.devices[index]) }));
      return { ...tidied, profile: { ...tidied.profile, devices } };
    }),
  ),
  bug(
    'a success gives the whole budget back',
    replaceExport('limits/guess-budget', 'afterSuccess', () => () => ({
      quick: 0,
      lastWrongAt: 0,
      level: 0,
      levelAt: 0,
      highWaterAt: 0,
    })),
  ),
  bug(
    'a guess costs more than one try',
    replaceExport('limits/guess-budget', 'chargeGuess', (chargeGuess) => (...guess) => {
      const charged = chargeGuess(...guess);
      return { ...charged, level: charged.level + 1 };
    }),
  ),
  bug(
    'the wait does not double',
    replaceExport(
      'limits/guess-budget',
      'budgetAt',
      (budgetAt) =>
        (stored, ...at) =>
          budgetAt({ ...stored, quick: Math.min(stored.quick, 5) }, ...at),
    ),
  ),
  bug(
    'a recovery code is not used up',
    replaceExport('flows/steps/check-proof', 'checkProof', (checkProof) => async (profile, proof, context) => {
      const checked = await checkProof(profile, proof, context);
      return proof.factor.kind === 'recovery-code' ? { ...checked, profile } : checked;
    }),
  ),
  bug(
    'after a recovery code browsers stay remembered',
    replaceExport('flows/steps/prove', 'readProof', (readProof) => (given) => {
      const { factor, value } = readProof(given);
      return { factor: { ...factor, traits: { ...factor.traits, endsRememberedDevices: false } }, value };
    }),
  ),
  bug(
    'a login begun before a security change is remembered',
    replaceExport('flows/steps/presented-device', 'admitDevice', (admitDevice) => (profile, known, input, remember, now) => {
      const asked = remember === null && input.rememberDevice === true;
      return admitDevice(profile, known, input, asked ? { until: now + THIRTY_DAYS, via: 'otp' } : remember, now);
    }),
  ),
  bug(
    'the browser of a recovery code is remembered',
    replaceExport('assurance', 'letsRemember', () => () => true),
  ),
  bug(
    'signing out everywhere leaves sessions as they are',
    changeTo('end_all_sessions', (_next, before) => before),
  ),
  bug(
    'a revoked device stays',
    changeTo('revoke_device', (_next, before) => before),
  ),
  bug(
    'a new epoch leaves browsers remembered',
    replaceExport('profile/profile', 'withNewEpoch', (withNewEpoch) => (profile) => {
      const { deviceEpoch, devices } = profile;
      return { ...withNewEpoch(profile), deviceEpoch, devices };
    }),
  ),
  bug(
    'the removal of an authenticator ends no session',
    changeTo('remove_authenticator', (next, { epoch, deviceEpoch, enrollments }) => ({
      ...next,
      epoch,
      deviceEpoch,
      enrollments,
    })),
  ),
  bug(
    'the last authenticator can be removed',
    replaceExport('policy/enforcement', 'mayRemove', () => () => true),
  ),
  bug(
    'new recovery codes leave the old ones',
    changeTo('regenerate_recovery_codes', (next, before) => ({
      ...next,
      recoveryCodes: before.recoveryCodes ?? next.recoveryCodes,
    })),
  ),
  bug(
    'a reset leaves sessions as they are',
    replaceExport('flows/steps/ending', 'beginEnding', (beginEnding) => (flow, method, ...rest) => {
      const ending = beginEnding(flow, method, ...rest);
      if (method !== 'resetMfa') return ending;
      return {
        ...ending,
        change: (decide, ...how) =>
          ending.change(
            async (profile, ...facts) => {
              const decision = await decide(profile, ...facts);
              if (!profile || !decision.next || decision.next === 'remove') return decision;
              const { epoch, deviceEpoch } = profile;
              return { ...decision, next: { ...decision.next, epoch, deviceEpoch } };
            },
            ...how,
          ),
      };
    }),
  ),
  bug(
    'each use prolongs a remembrance',
    replaceExport(
      'flows/steps/presented-device',
      'rotateDevice',
      (rotateDevice) => (profile, known, now) =>
        rotateDevice(profile, known, now, (device) => ({ ...device, rememberedUntil: now + THIRTY_DAYS, rememberedAt: now })),
    ),
  ),
  bug(
    'a retired device token still works',
    replaceExport(
      'profile/device',
      'isLiveToken',
      (isLiveToken) => (device, tokenId, now) =>
        isLiveToken(device, tokenId, now) || device.retiring?.some(({ id }) => id === tokenId) === true,
    ),
  ),
  bug(
    'a repeated request makes a second set of recovery codes',
    replaceExport(
      'flows/steps/manage',
      'manage',
      (manage) => (flow, input, name, steps) =>
        manage(flow, input, name, {
          ...steps,
          change(facts) {
            const { session, profile } = facts;
            const verifiedAt = Math.max(session.assurance.verifiedAt, profile.recoveryCodes?.createdAt ?? 0);
            return steps.change({ ...facts, session: { ...session, assurance: { ...session.assurance, verifiedAt } } });
          },
        }),
    ),
  ),
  bug(
    'a remembrance dated ahead of the clock counts',
    replaceExport(
      'profile/device',
      'isRemembered',
      (isRemembered) => (device, rememberDays, now) =>
        isRemembered(device, rememberDays, Math.max(now, device.rememberedAt ?? 0)),
    ),
    replaceExport(
      'profile/device',
      'rememberedEnd',
      (rememberedEnd) => (device, rememberDays, now) =>
        rememberedEnd(device, rememberDays, Math.max(now, device.rememberedAt ?? 0)),
    ),
  ),
  bug(
    'a proof dated ahead of the clock counts',
    replaceExport(
      'policy/requirement',
      'isFresh',
      (isFresh) => (assurance, profile, maxAgeSeconds, now) =>
        isFresh(assurance, profile, maxAgeSeconds, Math.max(now, assurance.verifiedAt)),
    ),
    replaceExport('policy/requirement', 'decideAccess', (decideAccess) => (facts) => {
      const verifiedAt = facts.session?.state === 'verified' ? facts.session.assurance.verifiedAt : 0;
      return decideAccess({ ...facts, now: Math.max(facts.now, verifiedAt) });
    }),
  ),
  bug(
    'a write that was not applied is taken for one that was',
    replaceExport('store/profile-store', 'createProfileStore', (createProfileStore) => ({ storage, ...options }) => {
      const write: typeof storage.write = async (...record) => {
        await storage.write(...record);
        return true;
      };
      return createProfileStore({ ...options, storage: { ...storage, write } });
    }),
  ),
  bug(
    'the answer leaves before its cost is written',
    replaceExport('store/profile-store', 'createProfileStore', (createProfileStore) => ({ storage, ...options }) => {
      const write: typeof storage.write = async (...record) => {
        void storage.write(...record);
        return true;
      };
      return createProfileStore({ ...options, storage: { ...storage, write } });
    }),
  ),
  bug(
    'a guard goes by the record that it opened before',
    replaceExport('store/cache', 'createProfileCache', (createProfileCache) => () => {
      const cache = createProfileCache();
      const opened = new Map<string, Profile>();
      return {
        find: (userId) => opened.get(userId),
        keep(userId, ...record) {
          const kept = cache.keep(userId, ...record);
          opened.set(userId, kept);
          return kept;
        },
      };
    }),
  ),
];

function bug(name: string, ...replacements: Replacement[]): SeededBug {
  return { name, replacements };
}

/** Changes what every flow decides on a profile. */
function changeDecisions(change: <Answer>(decide: Decide<Answer>) => Decide<Answer>): Replacement {
  return replaceExport('store/profile-store', 'createProfileStore', (createProfileStore) => (options) => {
    const store = createProfileStore(options);
    return {
      ...store,
      change: (userId, report, decide, ...rest) => store.change(userId, report, change(decide), ...rest),
    };
  });
}

/** Changes what a flow of management stores: `next` is what it would store. */
function changeTo(flowName: string, change: (next: Profile, before: Profile) => Profile): Replacement {
  return replaceExport(
    'flows/steps/manage',
    'manage',
    (manage) => (flow, input, name, steps) =>
      manage(flow, input, name, {
        ...steps,
        change(facts) {
          const changed = steps.change(facts);
          if (name !== flowName || 'refusal' in changed) return changed;
          // A copy, because a flow that changes nothing returns the profile itself.
          return { ...changed, next: { ...change(changed.next, facts.profile) } };
        },
      }),
  );
}

/** The budget without the mark that a clock which was set back must not go below. */
function datedBack<Budget extends { lastWrongAt: number; levelAt: number }>(budget: Budget, now: number): Budget {
  const { lastWrongAt, levelAt } = budget;
  return { ...budget, lastWrongAt: Math.min(lastWrongAt, now), levelAt: Math.min(levelAt, now), highWaterAt: 0 };
}

function remembranceOf(device: Device | undefined): Partial<Device> {
  if (device?.rememberedUntil === undefined || device.rememberedAt === undefined) return {};
  const { rememberedUntil, rememberedAt, rememberedBy } = device;
  return { rememberedUntil, rememberedAt, ...(rememberedBy ? { rememberedBy } : {}) };
}
