export { type Answer, answer, failure, type Reply, refusal, textField } from './answer.js';
export { assets } from './assets.js';
export { matters, readPayout } from './cases.js';
export { printFindings } from './findings.js';
export { createDemoHost, type DemoHost, type DemoHostOptions } from './host.js';
export { createDemoMfa } from './mfa.js';
export {
  acceptLogin,
  confirmLogout,
  confirmPassword,
  payOut,
  refuseLogin,
  refuseOtherSite,
  refusePassword,
  refuseUnknown,
  showAccount,
  showCases,
  showHome,
  showLogin,
} from './replies.js';
export { resetUser } from './reset.js';
export { runDemo } from './run.js';
export { isSameOrigin } from './same-origin.js';
export type { SessionTable } from './sessions.js';
export type { DemoUser } from './users.js';
