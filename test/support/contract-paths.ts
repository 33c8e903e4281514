/** The endpoints that change something. Listed again here, so that the list of the sources is tested against another one. */
export const POSTS = [
  '/enroll',
  '/enroll/confirm',
  '/enroll/cancel',
  '/verify',
  '/recovery-codes',
  '/recovery-codes/saved',
  '/authenticators/rename',
  '/authenticators/remove',
  '/devices/revoke',
  '/sessions/end',
];
/** The endpoints that show something. */
export const GETS = ['', '/enroll', '/challenge', '/done', '/recovery-codes'];
