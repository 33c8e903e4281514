/** Injects the flows that `createMfa()` made; `@InjectMfa()` is the short form. */
export const MFA = Symbol.for('@mfa-kit/nest/mfa');

/** Injects the validated options of the module. */
export const MFA_OPTIONS = Symbol.for('@mfa-kit/nest/options');

/** Injects what the module's own parts share. A guard that extends `MfaGuard` passes it to `super()`. */
export const MFA_HOST = Symbol.for('@mfa-kit/nest/host');
