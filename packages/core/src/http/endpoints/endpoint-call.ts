import type { MfaUser } from '../../options.js';
import type { HttpAnswer, MfaExchange } from '../exchange.js';
import type { KitFlows } from '../flows/request-flows.js';
import type { HttpKit } from '../http-kit.js';
import type { BodyFields } from '../request/body-fields.js';

/** One request to one endpoint: already read, and bound to the user who acts. */
export interface EndpointCall<User extends MfaUser = MfaUser, Request = unknown> {
  kit: HttpKit<User, Request>;
  exchange: MfaExchange<User, Request>;
  flows: KitFlows<User>;
  fields: BodyFields;
  query: URLSearchParams;
  html: boolean;
}

/** An endpoint for one method. */
export type Handler = <User extends MfaUser, Request>(call: EndpointCall<User, Request>) => Promise<HttpAnswer>;

/** Notices that a redirect to the overview may carry in its URL: names, never texts. */
export type OverviewNotice =
  | 'authenticator_added'
  | 'authenticator_removed'
  | 'authenticator_renamed'
  | 'device_revoked'
  | 'recovery_codes_saved'
  | 'sessions_ended'
  | 'already_confirmed';
