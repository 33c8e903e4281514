export {
  type CoverageOptions,
  type CoverageReport,
  type CoverageStatus,
  type CoveredRoute,
  formatCoverage,
  type MessageOverrides,
  type Messages,
  type MfaPage,
  type PageFrame,
  type PageNotice,
  type PagesOptions,
  type RequestFlows,
  type RequestLogin,
  type VerifiedRequest,
} from '@mfa-kit/core/http';
export { requestLogin } from './begin-login.js';
export { assertMfaCoverage, mfaCoverage } from './coverage/coverage.js';
export { type ExpressMfa, expressMfa } from './express-mfa.js';
export type { ExpressMfaOptions, ExpressSession } from './express-options.js';
export { type RequestMfa, requestMfa } from './require-mfa.js';
export type { MfaStrategy, MfaStrategyInfo } from './strategy.js';
