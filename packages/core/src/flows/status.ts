import type { EventContext } from '../events.js';
import { isUnsaved } from '../factors/recovery-code/recovery-code.js';
import { budgetAt } from '../limits/guess-budget.js';
import type { MfaUser } from '../options.js';
import { type EffectivePolicy, enrollmentDeadline, isProfileMissing } from '../policy/enforcement.js';
import { challengeFactors } from '../policy/requirement.js';
import { type Device, rememberedEnd } from '../profile/device.js';
import { type Authenticator, isEnrolled, type Profile } from '../profile/profile.js';
import type { RecoveryCodeSet } from '../profile/recovery-code-set.js';
import { type AuthenticatorSummary, type DeviceSummary, type MfaStatus, type Result, refuse } from '../results.js';
import { readingFlow } from './steps/acting-flow.js';
import type { FlowContext } from './steps/flow-context.js';

/** Returns the state of a user's MFA without secrets, with one read. */
export function getStatus<User extends MfaUser>(
  flow: FlowContext<User>,
  input: { user: User; context?: EventContext | undefined },
): Promise<Result<{ status: MfaStatus }>> {
  return readingFlow(flow, input, 'get_status', ({ user, operation }) => ({ policy, profile, now }) => {
    if (policy.mfa !== 'off' && isProfileMissing(user.enrolled, profile, now)) {
      operation.report({ name: 'profile_missing' });
      return refuse('profile_missing');
    }
    return { ok: true, status: statusOf(policy, profile, now) };
  });
}

function statusOf(policy: EffectivePolicy, profile: Profile | null, now: number): MfaStatus {
  const enrollBy = enrollmentDeadline(policy, profile);
  const wait = profile ? budgetAt(profile.budget, now, 'account').waitMs : 0;
  return {
    enrolled: isEnrolled(profile),
    mfa: policy.mfa,
    mayEnroll: policy.mayEnroll,
    ...(enrollBy === undefined ? {} : { enrollBy }),
    factors: profile ? challengeFactors(profile) : [],
    authenticators: (profile?.authenticators ?? []).map(summarizeAuthenticator),
    devices: (profile?.devices ?? []).map((device) => summarizeDevice(device, policy.rememberDays, now)),
    recoveryCodesLeft: profile?.recoveryCodes?.digests.length ?? 0,
    ...unsavedCodes(profile?.recoveryCodes ?? null),
    waitSeconds: Math.ceil(wait / 1000),
  };
}

function unsavedCodes(set: RecoveryCodeSet | null): Pick<MfaStatus, 'recoveryCodesUnsaved' | 'recoveryCodesId'> {
  if (!isUnsaved(set)) return {};
  return { recoveryCodesUnsaved: true, ...(set?.id !== undefined && { recoveryCodesId: set.id }) };
}

/** An authenticator without its secret. */
export function summarizeAuthenticator({ id, kind, name, createdAt, lastUsedAt }: Authenticator): AuthenticatorSummary {
  return { id, kind, name, createdAt, ...(lastUsedAt === undefined ? {} : { lastUsedAt }) };
}

function summarizeDevice(device: Device, rememberDays: number, now: number): DeviceSummary {
  const { id, label, firstUsedAt, lastUsedAt } = device;
  const rememberedUntil = rememberedEnd(device, rememberDays, now);
  return { id, label, firstUsedAt, lastUsedAt, ...(rememberedUntil === undefined ? {} : { rememberedUntil }) };
}
