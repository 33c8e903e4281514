export type {
  MessageOverrides,
  Messages,
  MfaPage,
  PageFrame,
  PageNotice,
  PagesOptions,
  RequestFlows,
  VerifiedRequest,
  WhileAllowedOptions,
} from '@mfa-kit/core/http';
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
