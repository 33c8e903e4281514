/** Injects the flows that `createMfa()` made; `@InjectMfa()` is the short form. */
export const MFA = Symbol.for('@mfa-kit/nest/mfa');

/** Injects the options of the module, checked. */
export const MFA_OPTIONS = Symbol.for('@mfa-kit/nest/options');

/** Injects what the module's own parts share; a guard that extends `MfaGuard` hands it on. */
export const MFA_HOST = Symbol.for('@mfa-kit/nest/host');
