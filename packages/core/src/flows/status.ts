import type { EventContext } from '../events.js';
import { isUnsaved } from '../factors/recovery-code/recovery-code.js';
import { readUser } from '../host-input.js';
import { budgetAt } from '../limits/guess-budget.js';
import type { MfaUser } from '../options.js';
import { enrollmentDeadline, isProfileMissing } from '../policy/enforcement.js';
import { type Device, rememberedEnd } from '../profile/device.js';
import { type Authenticator, isEnrolled } from '../profile/profile.js';
import type { RecoveryCodeSet } from '../profile/recovery-code-set.js';
import { type AuthenticatorSummary, type DeviceSummary, type MfaStatus, type Result, refuse } from '../results.js';
import { CALLBACK_LATE } from './steps/host-callback.js';
import { beginOperation, type FlowContext, policyOf } from './steps/operation.js';

/** What is known about a user's MFA, without a secret. One read. */
export async function getStatus<User extends MfaUser>(
  flow: FlowContext<User>,
  { user: given, context }: { user: User; context?: EventContext | undefined },
): Promise<Result<{ status: MfaStatus }>> {
  const user = readUser(given, flow.options.warn);
  const operation = beginOperation(flow, { name: 'get_status', userId: user.id, context });
  const policy = await policyOf(flow.options, given, context, operation.left);
  if (!policy) return operation.end(CALLBACK_LATE);
  const read = await flow.profiles.read(user.id, operation.report, operation.left);
  if (!read.ok) return operation.end(read);
  const { profile } = read;
  const now = flow.options.clock();
  if (policy.mfa !== 'off' && isProfileMissing(user.enrolled, profile, now)) {
    operation.report({ name: 'profile_missing' });
    return operation.end(refuse('profile_missing'));
  }
  const enrollBy = enrollmentDeadline(policy, profile);
  const wait = profile ? budgetAt(profile.budget, now, 'account').waitMs : 0;
  const status: MfaStatus = {
    enrolled: isEnrolled(profile),
    mfa: policy.mfa,
    mayEnroll: policy.mayEnroll,
    ...(enrollBy === undefined ? {} : { enrollBy }),
    authenticators: (profile?.authenticators ?? []).map(summarizeAuthenticator),
    devices: (profile?.devices ?? []).map((device) => summarizeDevice(device, policy.rememberDays, now)),
    recoveryCodesLeft: profile?.recoveryCodes?.digests.length ?? 0,
    ...unsavedCodes(profile?.recoveryCodes ?? null),
    waitSeconds: Math.ceil(wait / 1000),
  };
  return { ok: true, status };
}

function unsavedCodes(set: RecoveryCodeSet | null): Pick<MfaStatus, 'recoveryCodesUnsaved' | 'recoveryCodesId'> {
  if (!isUnsaved(set)) return {};
  return { recoveryCodesUnsaved: true, ...(set?.id !== undefined && { recoveryCodesId: set.id }) };
}

/** An authenticator without what proves it. */
export function summarizeAuthenticator({ id, kind, name, createdAt, lastUsedAt }: Authenticator): AuthenticatorSummary {
  return { id, kind, name, createdAt, ...(lastUsedAt === undefined ? {} : { lastUsedAt }) };
}

function summarizeDevice(device: Device, rememberDays: number, now: number): DeviceSummary {
  const { id, label, firstUsedAt, lastUsedAt } = device;
  const rememberedUntil = rememberedEnd(device, rememberDays, now);
  return { id, label, firstUsedAt, lastUsedAt, ...(rememberedUntil === undefined ? {} : { rememberedUntil }) };
}
