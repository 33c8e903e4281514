/** The endpoints of the contract that change something; said here a second time, so that no list of the sources vouches for itself. */
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
/** Those that show something. */
export const GETS = ['', '/enroll', '/challenge', '/done', '/recovery-codes'];
