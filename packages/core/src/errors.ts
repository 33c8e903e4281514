/** Stable codes of {@link MfaError}; the message says what to fix. */
export type MfaErrorCode =
  /** An option given to a factory is missing, malformed or unsafe. Thrown at start. */
  | 'invalid_option'
  /** A method was called with an invalid argument. Fix the calling code. */
  | 'invalid_argument'
  /** A callback of the host (`policy`, `user`, `issuer`, ...) threw; the cause is attached. */
  | 'host_callback_failed'
  /**
   * The call that ends access failed, or was done only in part: the storage or `markEnrolled` did not answer, or the record does not open.
   * The cause is attached. Call again; until it returns, assume that nothing has changed.
   */
  | 'not_done'
  /** The host is set up wrongly: no session, a guard before the session, a missing parser. */
  | 'host_setup';

/**
 * An error that an operator or programmer caused. What a user can cause is a result with a reason, never a thrown error.
 *
 * The message names the option or step to fix and holds no secret.
 */
export class MfaError<Code extends MfaErrorCode = MfaErrorCode> extends Error {
  override readonly name = 'MfaError';
  readonly code: Code;

  constructor(code: Code, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
