/** A possible mistake in core: `find` occurs once in the file and is replaced with `put`. */
export interface SeededBug {
  name: string;
  /** The path below packages/core/src. */
  file: string;
  find: string;
  put: string;
}

/** Mistakes of other libraries (docs/threat-model.md) and possible mistakes of a refactoring. Each breaks a promise of one flow. */
export const seededBugs: readonly SeededBug[] = [
  {
    name: 'accepting a step does not close the ones before it',
    file: 'factors/totp/closed-steps.ts',
    find: 'const sorted = [...ranges, closing]',
    put: 'const sorted = [...ranges, { from: closing.to, to: closing.to }]',
  },
  {
    name: 'only the last step that was accepted is remembered',
    file: 'factors/totp/closed-steps.ts',
    find: 'return ranges.some((range) => range.from <= step && step <= range.to);',
    put: 'return ranges.at(-1)?.to === step;',
  },
  {
    name: 'used steps are forgotten when the clock has gone on',
    file: 'factors/totp/closed-steps.ts',
    find: 'const sorted = [...ranges, closing]',
    put: 'const sorted = [...ranges.filter((range) => range.to >= closing.from), closing]',
  },
  {
    name: 'the code that confirmed an enrollment is not used up',
    file: 'flows/confirm-enrollment.ts',
    find: '{ pending, proof, data: checked.data, profile: elsewhere.profile, shown }',
    put: '{ pending, proof, data: pending.data, profile: elsewhere.profile, shown }',
  },
  {
    name: 'a confirmation leaves the other pending enrollments',
    file: 'flows/confirm-enrollment.ts',
    find: 'enrollments: [],',
    put: 'enrollments: profile.enrollments,',
  },
  {
    name: 'anybody who knows its id confirms an enrollment',
    file: 'flows/enroll.ts',
    find: 'if (session.enrollmentIds?.includes(pending.id)) return true;',
    put: 'return true;',
  },
  {
    name: 'a pending enrollment never ends',
    file: 'flows/enroll.ts',
    find: 'return now < pending.expiresAt && pending.expiresAt - now <= PENDING_MS + CLOCK_TOLERANCE_MS;',
    put: 'return true;',
  },
  {
    name: 'the password alone adds an authenticator',
    file: 'flows/enroll.ts',
    find: 'return fresh ? gate : { open: false, refusal: assuranceRequired() };',
    put: 'return gate;',
  },
  {
    name: 'managing needs no fresh proof',
    file: 'flows/steps/gate.ts',
    find: "const fresh = session.state === 'verified' && isFresh(session.assurance, gate.profile, MANAGEMENT_MAX_AGE_SECONDS, now);",
    put: "const fresh = session.state === 'verified';",
  },
  {
    name: 'a pending token counts twice',
    file: 'flows/steps/gate.ts',
    find: "if (session.state !== 'pending' || !session.token) return profile;",
    put: 'if (session) return profile;',
  },
  {
    name: 'the wait after wrong codes is not looked at',
    file: 'flows/steps/guess.ts',
    find: 'if (waitMs === 0) return null;',
    put: 'if (waitMs >= 0) return null;',
  },
  {
    name: 'known browsers share the budget of unknown ones',
    file: 'flows/steps/guess.ts',
    find: "if (known.state !== 'live') {",
    put: 'if (known.state) {',
  },
  {
    name: 'a clock that is set back drains a budget',
    file: 'limits/guess-budget.ts',
    find: 'return Math.max(highWaterAt, lastWrongAt, levelAt);',
    put: 'return Math.min(highWaterAt, lastWrongAt, levelAt);',
  },
  {
    name: 'wrong codes of others block an enrollment',
    file: 'flows/confirm-enrollment.ts',
    find: 'throttleGuess(budgetOfEnrollment(pending), {',
    put: 'throttleGuess({ ...budgetOfEnrollment(pending), budget: profile.budget }, {',
  },
  {
    name: 'a race that was lost costs a try',
    file: 'flows/steps/check-proof.ts',
    find: "used = used === 'replayed' || !isSameMoment(authenticator, context.now) ? 'replayed' : 'repeated';",
    put: "used = isSameMoment(authenticator, context.now) ? 'replayed' : 'replayed';",
  },
  {
    name: 'a remembrance that lies ahead is kept',
    file: 'profile/tidy.ts',
    find: 'const kept = rememberedAt > latest ?',
    put: 'const kept = rememberedAt < 0 ?',
  },
  {
    name: 'a success gives the whole budget back',
    file: 'limits/guess-budget.ts',
    find: 'return { ...settle(stored, now), quick: 0 };',
    put: 'return UNTOUCHED;',
  },
  {
    name: 'a guess costs more than one try',
    file: 'limits/guess-budget.ts',
    find: 'level: budget.level + 1,',
    put: 'level: budget.level + 2,',
  },
  {
    name: 'the wait does not double',
    file: 'limits/guess-budget.ts',
    find: 'FIRST_WAIT * 2 ** Math.min(budget.quick - QUICK_TRIES, 10)',
    put: 'FIRST_WAIT',
  },
  {
    name: 'a recovery code is not used up',
    file: 'flows/steps/check-proof.ts',
    find: "profile: outcome === 'accepted' ? store.write(profile, checked.data) : profile",
    put: 'profile',
  },
  {
    name: 'after a recovery code browsers stay remembered',
    file: 'flows/verify.ts',
    find: 'endsRememberedDevices ? withoutRememberedDevices(profile) : profile',
    put: 'profile',
  },
  {
    name: 'a login begun before a security change is remembered',
    file: 'flows/verify.ts',
    find: '&& session.deviceEpoch === profile.deviceEpoch;',
    put: ';',
  },
  {
    name: 'the browser of a recovery code is remembered',
    file: 'flows/verify.ts',
    find: '{ ...input, rememberDevice: false }, null, now)',
    put: 'input, input.rememberDevice ? now + 30 * 24 * 3_600_000 : null, now)',
  },
  {
    name: 'signing out everywhere leaves sessions as they are',
    file: 'flows/devices.ts',
    find: 'next: withNewEpoch(profile),',
    put: 'next: profile,',
  },
  {
    name: 'a revoked device stays',
    file: 'flows/devices.ts',
    find: 'const next = endDevice(profile, deviceId);',
    put: 'const next = { ...profile };',
  },
  {
    name: 'a new epoch leaves browsers remembered',
    file: 'profile/profile.ts',
    find: 'const { endedDevices: _, enrollByExtension: extension, ...rest } = withoutRememberedDevices(profile);',
    put: 'const { endedDevices: _, enrollByExtension: extension, ...rest } = profile;',
  },
  {
    name: 'the removal of an authenticator ends no session',
    file: 'flows/authenticators.ts',
    find: 'const remaining = { ...withNewEpoch(profile), authenticators };',
    put: 'const remaining = { ...profile, authenticators };',
  },
  {
    name: 'the last authenticator can be removed',
    file: 'policy/enforcement.ts',
    find: "return remaining.length > 0 || policy.mfa !== 'required';",
    put: 'return remaining.length >= 0;',
  },
  {
    name: 'new recovery codes leave the old ones',
    file: 'flows/authenticators.ts',
    find: 'next: { ...profile, recoveryCodes: set },',
    put: 'next: { ...profile, recoveryCodes: profile.recoveryCodes ?? set },',
  },
  {
    name: 'a reset leaves sessions as they are',
    file: 'flows/account.ts',
    find: 'const { enrollByExtension: _extension, unenrolledToldAt: _toldAt, ...rest } = withNewEpoch(profile);',
    put: 'const { enrollByExtension: _extension, unenrolledToldAt: _toldAt, ...rest } = profile;',
  },
  {
    name: 'each use prolongs a remembrance',
    file: 'flows/login.ts',
    find: 'const used = rotateDevice(profile, known, now);',
    put: `const until = now + 30 * 24 * 3_600_000;
      const used = rotateDevice(profile, known, now, (one) => ({ ...one, rememberedUntil: until, rememberedAt: now }));`,
  },
  {
    name: 'a retired device token still works',
    file: 'profile/device.ts',
    find: 'return (device.retiring ?? []).filter(({ successorShownAt }) => isRecent(successorShownAt, now));',
    put: 'return device.retiring ?? [];',
  },
  {
    name: 'a repeated request makes a second set of recovery codes',
    file: 'flows/authenticators.ts',
    find: 'if (createdAt <= now && session.assurance.verifiedAt < createdAt) return { refusal: assuranceRequired() };',
    put: '',
  },
  {
    name: 'a remembrance dated ahead of the clock counts',
    file: 'profile/device.ts',
    find: 'return rememberedAt <= now + CLOCK_TOLERANCE_MS && now < end ? end : undefined;',
    put: 'return now < end ? end : undefined;',
  },
  {
    name: 'a proof dated ahead of the clock counts',
    file: 'policy/requirement.ts',
    find: 'return Number.isFinite(assurance.verifiedAt) && assurance.verifiedAt <= now + CLOCK_TOLERANCE_MS;',
    put: 'return Number.isFinite(assurance.verifiedAt);',
  },
  {
    name: 'a write that was not applied is taken for one that was',
    file: 'store/profile-store.ts',
    find: 'if (written.done && written.value === true) return finish(decision, report);',
    put: 'if (written.done) return finish(decision, report);',
  },
  {
    name: 'the answer leaves before its cost is written',
    file: 'store/profile-store.ts',
    find: 'attempts.push({ minted: sealed?.version ?? null, decision });',
    put: `attempts.push({ minted: sealed?.version ?? null, decision });
      if (sealed) {
        void storage.write(userId, sealed, expected?.version ?? null);
        return finish(decision, report);
      }`,
  },
  {
    name: 'a guard goes by the record that it opened before',
    file: 'store/cache.ts',
    find: 'return last?.version === version && last.value === value ? last.profile : undefined;',
    put: 'return last?.profile;',
  },
];
