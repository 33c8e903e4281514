export {
  type CoverageOptions,
  type CoverageReport,
  type CoverageStatus,
  type CoveredRoute,
  formatCoverage,
  type RequestFlows,
  type RequestLogin,
} from '@mfa-kit/core/http';
export { assertMfaCoverage, mfaCoverage } from './coverage.js';
export { type ExpressMfa, expressMfa } from './express-mfa.js';
export type { ExpressMfaOptions, ExpressSession } from './express-options.js';
export type { RequestMfa } from './require-mfa.js';
export type { MfaStrategy, MfaStrategyInfo } from './strategy.js';
