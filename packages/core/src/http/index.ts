export { type Awaitable, andThen, isThenable, rescue } from '../awaitable.js';
export type { MessageOverrides, Messages } from '../pages/messages.js';
export type { MfaPage, PageFrame, PageNotice } from '../pages/page.js';
export { checkRequirement, PLAIN_REQUIREMENT } from '../policy/requirement.js';
export { problemAnswer } from './answers.js';
export {
  assertCoverage,
  buildCoverage,
  type CoverageOptions,
  type CoverageReport,
  type CoverageStatus,
  type CoveredRoute,
  formatCoverage,
} from './coverage.js';
export { endpointPaths } from './endpoint-paths.js';
export { answerEndpoint } from './endpoints/answer-endpoint.js';
export { BODY_LIMIT_BYTES, type HttpAnswer, type MfaExchange, type SessionPort } from './exchange.js';
export { type AllowDecision, type DenyDecision, type GuardOutcome, guardMessage, guardRequest } from './guard.js';
export { createHttpKit, type HttpKit, type HttpWarning } from './http-kit.js';
export {
  checkFunctions,
  checkNames,
  DEFAULT_PATH,
  type HostFields,
  type HttpOptions,
  type PagesOptions,
  type ResolvedHttpOptions,
  type VerifiedRequest,
} from './http-options.js';
export { watchLogin } from './late-login.js';
export { type LoginMessages, loginRequest } from './login-request.js';
export { endOpen } from './open-connection.js';
export { listOpenPaths, openPaths } from './open-paths.js';
export {
  decisionProblem,
  describeProblem,
  type Problem,
  type ProblemReason,
  problemExtensions,
  refusalProblem,
  SOCKET_CLOSE_CODE,
} from './problem.js';
export type { RequestLogin } from './request-access.js';
export { readRequestBody } from './request-body.js';
export { bindFlows, type RequestChange, type RequestFlows, type RequestProof } from './request-flows.js';
export { pathAndQuery } from './request-target.js';
export { refuseSocketOrigin } from './socket-origin.js';
export { type StoreSession, storeSessionPort } from './store-session.js';
export { type RequestVerification, verifyRequest } from './verify-request.js';
export { keepWhileAllowed, type WhileAllowedOptions } from './while-allowed.js';
