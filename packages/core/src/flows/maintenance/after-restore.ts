import { MfaError } from '../../errors.js';
import type { EventDetail } from '../../events.js';
import { checkInstant } from '../../host-input.js';
import type { MfaUser } from '../../options.js';
import { type Profile, withNewEpoch } from '../../profile/profile.js';
import { CLOCK_TOLERANCE_MS } from '../../time.js';
import { useUpCurrentProofs } from '../steps/check-proof.js';
import type { FlowContext } from '../steps/flow-context.js';
import type { RestoreHandled } from './results.js';
import { checkWalkInput, type WalkOptions, walkUsers } from './walk.js';

/** `dryRun` counts what would change, and stores nothing. */
export interface AfterRestoreInput extends WalkOptions<RestoreHandled> {
  dryRun?: boolean | undefined;
  /**
   * When the restored database went into service, in epoch milliseconds; default: now. Profiles that are marked with this time or a
   * later one are skipped, so that a repeated walk does not end newer sessions and recovery codes.
   */
  restoredAt?: number | undefined;
}

interface Seen {
  already: boolean;
  devices: number;
  hadRecoveryCodes: boolean;
}

/**
 * Call after restoring a backup, so that nothing that was used or ended since the backup works again.
 *
 * The database no longer knows what that was. So this ends every session, device and recovery code, and marks every code that an app
 * shows now as used. Authenticators stay, and users log in with their next code.
 */
export async function afterRestore<User extends MfaUser>(
  flow: FlowContext<User>,
  input: AfterRestoreInput = {},
): Promise<RestoreHandled> {
  checkWalkInput('afterRestore', input, ['dryRun', 'restoredAt']);
  const { options } = flow;
  const { clock } = options;
  const { dryRun = false, restoredAt = clock() } = input;
  checkRestoredAt(restoredAt, clock());
  const counts = { handled: 0, already: 0, devicesRemoved: 0, recoveryCodesRevoked: 0 };
  return walkUsers<User, Seen, Pick<RestoreHandled, 'dryRun' | 'restoredAt' | keyof typeof counts>>(flow, input, {
    name: 'after_restore',
    decide(profile, { now }) {
      const hadRecoveryCodes = (profile.recoveryCodes?.digests.length ?? 0) > 0;
      const { restoredAt: marked } = profile;
      // A mark in the future was made by a wrong clock, so it does not mean that this restore was done.
      const already = marked !== undefined && marked >= restoredAt && marked <= now + CLOCK_TOLERANCE_MS;
      const answer: Seen = { already, devices: profile.devices.length, hadRecoveryCodes };
      if (already || dryRun) return { answer };
      const revoked: EventDetail[] = hadRecoveryCodes ? [{ name: 'recovery_codes_revoked', because: 'restored' }] : [];
      return {
        answer,
        next: { ...withNothingGivenOut(useUpCurrentProofs(profile, { now, options })), restoredAt },
        events: [{ name: 'restore_handled', devicesRemoved: answer.devices }, ...revoked],
      };
    },
    count({ already, devices, hadRecoveryCodes }) {
      if (already) {
        counts.already += 1;
        return;
      }
      counts.handled += 1;
      counts.devicesRemoved += devices;
      counts.recoveryCodesRevoked += hadRecoveryCodes ? 1 : 0;
    },
    sums: () => ({ dryRun, restoredAt, ...counts }),
  });
}

/**
 * Ends all sessions, devices and codes. Drops `unenrolledAt` too, because the user may have enrolled again after the backup, and an empty
 * record with that note would let anybody with the password enroll.
 */
function withNothingGivenOut(profile: Profile): Profile {
  const { unenrolledAt: _at, unenrolledToldAt: _toldAt, ...rest } = withNewEpoch(profile);
  return { ...rest, devices: [], recoveryCodes: null };
}

function checkRestoredAt(restoredAt: unknown, now: number): void {
  checkInstant('restoredAt', restoredAt);
  if (restoredAt <= now + CLOCK_TOLERANCE_MS) return;
  throw new MfaError('invalid_argument', 'afterRestore: "restoredAt" must be an instant that has been, in epoch milliseconds.');
}
