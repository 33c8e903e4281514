import type { VerifiedSession } from '../assurance.js';
import { MfaError } from '../errors.js';
import type { Mfa } from '../mfa.js';
import type { MfaUser } from '../options.js';
import { createAuthenticator, type VirtualAuthenticator } from './authenticator.js';

/**
 * Enrolls a user through the real flows, and returns what the host's own tests need: the session's MFA state, the authenticator for step-
 * ups, and the recovery codes. Use it with the storage of the tests.
 */
export async function verifiedSession<User extends MfaUser>(
  mfa: Mfa<User>,
  user: User,
): Promise<{ session: VerifiedSession; authenticator: VirtualAuthenticator; recoveryCodes: string[] }> {
  const begun = await mfa.beginLogin({ user });
  const started = await mfa.startEnrollment({ user, session: begun.session });
  if (!started.ok) throw notEnrolled(started.reason);
  const authenticator = createAuthenticator(started.enrollment.uri);
  const confirmed = await mfa.confirmEnrollment({
    user,
    session: started.session,
    enrollmentId: started.enrollment.id,
    proof: { kind: 'totp', code: authenticator.code(mfa.settings.now()) },
  });
  if (!confirmed.ok) throw notEnrolled(confirmed.reason);
  // Confirm the codes as a user does on their page, so that the next login does not ask about them.
  if (confirmed.recoveryCodes) await mfa.recoveryCodesSaved({ user, session: confirmed.session });
  return { session: confirmed.session, authenticator, recoveryCodes: confirmed.recoveryCodes ?? [] };
}

function notEnrolled(reason: string): MfaError {
  return new MfaError('invalid_argument', `The user was not enrolled: ${reason}. Use a user without authenticators.`);
}
