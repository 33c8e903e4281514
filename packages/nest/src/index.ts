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
  type VerifiedRequest,
  type WhileAllowedOptions,
} from '@mfa-kit/core/http';
export { assertMfaCoverage, mfaCoverage } from './coverage/coverage.js';
export { MFA, MFA_HOST } from './mfa.constants.js';
export { CurrentAssurance, InjectMfa, RequireMfa, SkipMfa } from './mfa.decorators.js';
export { MfaException } from './mfa.exception.js';
export { MfaGuard, type MfaRefusal } from './mfa.guard.js';
export { MfaModule } from './mfa.module.js';
export type {
  MfaCaller,
  MfaModuleAsyncOptions,
  MfaModuleExtras,
  MfaModuleOptions,
  MfaOptionsFactory,
  MfaRequest,
  MfaSessionFunctions,
} from './mfa.options.js';
export type { MfaHost } from './platform/host.js';
export { MfaHttp } from './platform/http.js';
export type { MfaSocketOptions, SocketMiddleware } from './platform/socket.js';
