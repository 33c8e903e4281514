export type { AllowDecision } from '../assurance.js';
export { type Awaitable, isThenable } from '../awaitable.js';
export type { MfaPage, PageFrame, PageNotice } from '../pages/page.js';
export type { MessageOverrides, Messages } from '../pages/texts.js';
export { checkRequirement, PLAIN_REQUIREMENT } from '../policy/requirement.js';
export type { Warn } from '../warnings/once.js';
export type { WarningCode, WarningFacts } from '../warnings/process-warnings.js';
export { answerEndpoint } from './endpoints/answer-endpoint.js';
export { BODY_LIMIT_BYTES, type HttpAnswer, type MfaExchange, pathAndQuery, type SessionPort } from './exchange.js';
export { endOpen } from './flows/open-connection.js';
export type { RequestLogin } from './flows/request-access.js';
export { bindFlows, type RequestChange, type RequestFlows, type RequestProof } from './flows/request-flows.js';
export { type RequestVerification, verifyRequest } from './flows/verify-request.js';
export { keepWhileAllowed, type WhileAllowedOptions } from './flows/while-allowed.js';
export { type AllowedOutcome, type DenyDecision, type GuardOutcome, guardMessage, guardRequest } from './guard/guard.js';
export { listOpenPaths, openPaths } from './guard/open-paths.js';
export { createHttpKit, type HttpKit } from './http-kit.js';
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
export { endpointPaths } from './paths/endpoint-paths.js';
export {
  decisionProblem,
  describeProblem,
  type Problem,
  type ProblemReason,
  problemExtensions,
  refusalProblem,
  SOCKET_CLOSE_CODE,
} from './problem.js';
export { readRequestBody } from './request/read-body.js';
export { refuseSocketOrigin } from './request/socket-origin.js';
export { problemAnswer } from './responses.js';
export { type LoginMessages, loginRequest, watchLogin } from './session/login-request.js';
export { type StoreSession, storeSessionPort } from './session/store-session.js';
