export type {
  MessageOverrides,
  Messages,
  MfaPage,
  PageFrame,
  PageNotice,
  PagesOptions,
  RequestFlows,
  RequestLogin,
  VerifiedRequest,
} from '@mfa-kit/core/http';
export { requestLogin } from './begin-login.js';
export { type ExpressMfa, expressMfa } from './express-mfa.js';
export type { ExpressMfaOptions, ExpressSession } from './express-options.js';
export { type RequestMfa, requestMfa } from './require-mfa.js';
export type { MfaStrategy, MfaStrategyInfo } from './strategy.js';
