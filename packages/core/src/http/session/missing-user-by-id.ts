import type { HttpKit } from '../http-kit.js';

/** Tells the operator, when the first pending token is handed out or comes back, that it will be refused. */
export function warnOfMissingUserById({ options, warn }: Pick<HttpKit, 'warn'> & { options: { userById?: unknown } }): void {
  if (options.userById) return;
  warn(
    'MFA_KIT_NO_USER_BY_ID',
    'A client without a session acts by a pending token, and the option userById is missing, so every such token is refused with 401. ' +
      'Give userById: (id) => the user of this id, or null. A client with a session needs no pending token.',
  );
}
