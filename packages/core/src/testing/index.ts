export { createAuthenticator, type VirtualAuthenticator } from './authenticator.js';
export { createClock, type TestClock } from './clock.js';
export { verifiedSession } from './verified-session.js';
