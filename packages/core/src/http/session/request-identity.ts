import type { MfaSession } from '../../assurance.js';
import { type Awaitable, isThenable } from '../../awaitable.js';
import { MfaError } from '../../errors.js';
import type { EventContext } from '../../events.js';
import { abandon, checkUserAnswer, describe, instantFault, isFieldObject, isInstant } from '../../host-input.js';
import type { DeviceGrant, DeviceInput } from '../../mfa.js';
import type { MfaUser } from '../../options.js';
import { valuesOfRequest } from '../../warnings/values.js';
import { type DeviceCookieStyle, deviceCookieLines, readDeviceTokens } from '../device/device-cookies.js';
import { nameBrowser } from '../device/device-label.js';
import type { MfaExchange, SessionPort } from '../exchange.js';
import type { HttpKit } from '../http-kit.js';
import { droppedWayBackLine, isWayBackSent, readWayBack, type WayBack, wayBackLine } from '../paths/way-back.js';
import { describeStored, readAssurance, readSessionState, type StoredState } from './session-schema.js';

/** Who acts instead of the session's user, because a pending token says so. */
export interface ActingIdentity<User extends MfaUser> {
  user: User;
  session: MfaSession;
}

/** Who acts in one request, as far as a guard needs to know. */
export interface RequestIdentity<User extends MfaUser> {
  user: User | null;
  /** The state of this user, or undefined. */
  session: MfaSession | undefined;
  /** Where the state is kept; null for bearer clients and pending tokens. */
  port: SessionPort | null;
  context: EventContext | undefined;
  /** A callback of the host did not answer in time. The user is unknown, and every flow is unavailable. */
  late: boolean;
}

const DEVICE_HEADER = 'mfa-device';

/** Reads who acts. If a callback of the host throws, it rethrows as an MfaError and the request is denied. */
export async function readIdentity<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
): Promise<RequestIdentity<User>> {
  return identify(kit, exchange, askUser(kit, exchange));
}

/** Reads who acts, for the flows of a request. `identity`: another user than the session's. */
export async function readRequestState<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  identity?: ActingIdentity<User>,
): Promise<RequestState<User, Request>> {
  const found = identity
    ? { user: identity.user, session: identity.session, port: null, context: contextOf(exchange), late: false }
    : await readIdentity(kit, exchange);
  return new RequestState(kit, exchange, found);
}

/** Asks the host who is logged in. Unlike {@link callHost} it returns no promise if the host answers at once. */
export function askUser<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
): Awaitable<User | null | typeof LATE> {
  if (exchange.late) return LATE;
  let given: Awaitable<User | null | undefined | false>;
  try {
    given = exchange.user();
    if (isThenable(given)) return awaitUser(kit, given, exchange.request);
  } catch (cause) {
    return refuseHost(kit, 'user', cause, exchange.request);
  }
  return checkUser('user', given, kit);
}

async function awaitUser<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  given: PromiseLike<User | null | undefined | false>,
  request: unknown,
): Promise<User | null | typeof LATE> {
  const user = await awaitHost(kit, 'user', given, request);
  return user === LATE ? LATE : checkUser('user', user, kit);
}

/** Identifies the user after {@link askUser} was called. */
export async function identify<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  given: Awaitable<User | null | typeof LATE>,
): Promise<RequestIdentity<User>> {
  const user = await given;
  if (user === LATE) return lateIdentity(exchange);
  if (!user) return { user, session: undefined, port: exchange.session, context: contextOf(exchange), late: false };
  return identityOfSession(exchange, user) ?? identityOfToken(kit, exchange, user);
}

/** Identifies the user by the session; undefined if the host must be asked for the assurance of a token. */
export function identityOfSession<User extends MfaUser, Request>(
  exchange: MfaExchange<User, Request>,
  user: User,
): RequestIdentity<User> | undefined {
  const { session: port } = exchange;
  const session = readState(port, user.id);
  // If the session has state, no header or token that the client chose replaces it.
  if (!session && exchange.assurance) return undefined;
  return { user, session, port, context: contextOf(exchange), late: false };
}

/** Identifies the user if the host says what the token of a bearer client proves. */
export async function identityOfToken<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  user: User,
): Promise<RequestIdentity<User>> {
  const found = { user, session: undefined, port: exchange.session, context: contextOf(exchange), late: false };
  const proven = await callHost(kit, 'assurance', () => exchange.assurance?.(), exchange.request);
  if (proven === LATE) return { ...found, late: true };
  if (proven) {
    checkAssuranceAnswer(proven);
    return { ...found, session: sessionOfToken(proven, user.id), port: null };
  }
  // Hosts written for release 1 also answer null if there is no token.
  const byToken = proven === null && exchange.header('authorization') !== undefined;
  return byToken ? { ...found, port: null } : found;
}

/** Unknown user, so the session's state is unknown as well. */
function lateIdentity<User extends MfaUser, Request>(exchange: MfaExchange<User, Request>): RequestIdentity<User> {
  return { user: null, session: undefined, port: exchange.session, context: contextOf(exchange), late: true };
}

function readState(port: SessionPort | null, userId: string): MfaSession | undefined {
  const given = port?.read();
  const state = readSessionState(given, userId);
  if (state === undefined && isThenable(given)) {
    abandon(given);
    throw new MfaError(
      'host_callback_failed',
      'The option "session": read() returned a promise; it must return the state itself.',
    );
  }
  return state;
}

/** The host's facts about the request, for its audit trail and its policy. */
function contextOf<User extends MfaUser, Request>(exchange: MfaExchange<User, Request>): EventContext | undefined {
  const context: unknown = exchange.eventContext();
  if (context === undefined || context === null) return undefined;
  if (isFieldObject(context)) return context;
  throw new MfaError(
    'host_callback_failed',
    `The option "eventContext" must return an object of facts (not a promise) or nothing; it returned ${describe(context)}.`,
  );
}

/**
 * Who acts in one request, with which state and which device tokens. The request's flows change it.
 *
 * Created only if flows are needed, because a guard runs for every request and allows most of them.
 */
export class RequestState<User extends MfaUser, Request> {
  readonly context: EventContext | undefined;
  user: User | null;
  /** The state of this user, or undefined. */
  session: MfaSession | undefined;
  /** A callback of the host did not answer in time. The user is unknown, and every flow is unavailable. */
  late: boolean;
  readonly #kit: HttpKit<User, Request>;
  readonly #exchange: MfaExchange<User, Request>;
  #port: SessionPort | null;
  /** The way back that this request set; null if it dropped the one that came with it. */
  #newWay: WayBack | null | undefined;

  constructor(
    kit: HttpKit<User, Request>,
    exchange: MfaExchange<User, Request>,
    { user, session, port, context, late }: RequestIdentity<User>,
  ) {
    this.user = user;
    this.session = session;
    this.context = context;
    this.late = late;
    this.#kit = kit;
    this.#exchange = exchange;
    this.#port = port;
  }

  /** Who acts now. */
  get identity(): RequestIdentity<User> {
    return { user: this.user, session: this.session, port: this.#port, context: this.context, late: this.late };
  }

  /** Whether the host's session stores the state; false for bearer clients and pending tokens. */
  get hasSession(): boolean {
    return this.#port !== null;
  }

  /** What the session holds if this user's state is missing. */
  get stored(): StoredState {
    return describeStored(this.#port?.read());
  }

  deviceTokens(): string[] {
    if (!this.user) return [];
    const ownToken = this.#ownToken();
    if (ownToken !== undefined) return ownToken === '' ? [] : [ownToken];
    return readDeviceTokens(this.#exchange.header('cookie'), this.#cookiesOf(this.user));
  }

  /** What a proof needs to know about the browser. */
  async deviceInput(rememberDevice: boolean | undefined): Promise<DeviceInput> {
    const deviceToken = this.deviceTokens();
    // A client that cannot keep a token would add a new device with each proof and push out the real ones.
    const keepsToken = this.hasSession || this.#ownToken() !== undefined || rememberDevice === true || deviceToken.length > 0;
    const deviceLabel = keepsToken ? { deviceLabel: await nameBrowser(this.#exchange.header('user-agent')) } : {};
    return { deviceToken, ...deviceLabel, ...(rememberDevice !== undefined && { rememberDevice }) };
  }

  /** Moves the state to the host's session, if the request has one, because a login does not use a token. */
  useSession(): void {
    if (!this.#exchange.session) return;
    this.#port = this.#exchange.session;
    this.session = undefined;
  }

  /** Replaces the state. Returns false if the session store did not take it, in which case nothing was granted. */
  async saveState(next: MfaSession | undefined, options: { renew: boolean }): Promise<boolean> {
    if (this.#port && !(await writeSession(this.#kit, this.#port, next, options))) return false;
    this.session = next;
    return true;
  }

  /** Sends a device token in a cookie, or returns it if the client keeps it itself. */
  sendDeviceToken(grant: DeviceGrant | undefined): string | undefined {
    if (!grant || !this.user) return undefined;
    if (this.#ownToken() !== undefined) return grant.token;
    const now = this.#kit.mfa.settings.now();
    const lines = deviceCookieLines(this.#exchange.header('cookie'), { ...this.#cookiesOf(this.user), grant, now });
    for (const line of lines) this.#exchange.setCookie(line);
    return undefined;
  }

  /** The way back that was kept for the current user. */
  wayBack(): WayBack | undefined {
    if (this.#newWay !== undefined) return this.#newWay ?? undefined;
    return this.user ? (this.#sentWay(this.user.id) ?? this.#wayOfRelease1()) : undefined;
  }

  /** The way back that was kept before anybody was logged in. */
  anonymousWayBack(): WayBack | undefined {
    return this.#newWay === undefined ? this.#sentWay(null) : undefined;
  }

  /** Keeps a way back for the current user, or for an anonymous one. */
  keepWayBack({ path, navigation }: Pick<WayBack, 'path' | 'navigation'>): void {
    const { settings } = this.#kit.mfa;
    const { secure } = cookieStyle(this.#kit, this.#exchange);
    this.#newWay = { path, navigation, since: settings.now() };
    this.#exchange.setCookie(wayBackLine(settings, { user: this.user?.id ?? null, path, navigation, secure }));
  }

  dropWayBack(): void {
    const { secure } = cookieStyle(this.#kit, this.#exchange);
    if (this.#newWay || isWayBackSent(this.#exchange.header('cookie'), { secure })) {
      this.#exchange.setCookie(droppedWayBackLine({ secure }));
    }
    this.#newWay = null;
  }

  #sentWay(user: string | null): WayBack | undefined {
    const { secure } = cookieStyle(this.#kit, this.#exchange);
    return readWayBack(this.#kit.mfa.settings, this.#exchange.header('cookie'), { user, secure });
  }

  /** Release 1 keeps the path in the session. */
  #wayOfRelease1(): WayBack | undefined {
    const path = this.session?.returnTo;
    return path === undefined ? undefined : { path, navigation: 'follow', since: 0 };
  }

  #ownToken(): string | undefined {
    return this.#exchange.header(DEVICE_HEADER);
  }

  #cookiesOf({ id }: User): DeviceCookieStyle & { suffixes: string[] } {
    return { ...cookieStyle(this.#kit, this.#exchange), suffixes: this.#kit.mfa.settings.deviceCookieSuffixes(id) };
  }
}

/** Checks the user that a callback of the host returned. Anything that is not a user denies the request. */
export function checkUser<User extends MfaUser>(
  option: 'user' | 'userById',
  user: User | null | undefined | false,
  kit: Pick<HttpKit, 'warn'>,
): User | null {
  if (!user) return null;
  checkUserAnswer(option, user, kit.warn);
  return user;
}

/** Stands for an answer of the host that did not arrive in time. */
export const LATE = Symbol('late');

/** Calls the host. An error that it throws becomes an MfaError that names the option. `request`: the argument of the callback. */
export async function callHost<User extends MfaUser, Request, Value>(
  kit: HttpKit<User, Request>,
  option: string,
  call: () => Awaitable<Value>,
  request?: unknown,
): Promise<Value | typeof LATE> {
  let given: Awaitable<Value>;
  try {
    given = call();
    if (!isThenable(given)) return given;
  } catch (cause) {
    return refuseHost(kit, option, cause, request);
  }
  return awaitHost(kit, option, given, request);
}

async function awaitHost<User extends MfaUser, Request, Value>(
  kit: HttpKit<User, Request>,
  option: string,
  given: PromiseLike<Value>,
  request: unknown,
): Promise<Value | typeof LATE> {
  const answer = await kit.mfa.settings.awaitCallback(option, given).catch((cause) => refuseHost(kit, option, cause, request));
  return answer.late ? LATE : answer.value;
}

/** `request`: the argument of the callback, so that the warning repeats none of it. */
function refuseHost<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  option: string,
  cause: unknown,
  request: unknown,
): never {
  if (cause instanceof MfaError) throw cause;
  kit.mfa.settings.callbackFailed({ option, why: 'error', cause, values: valuesOfRequest(request) });
  throw new MfaError('host_callback_failed', `The option "${option}" threw. The request was denied. Fix the cause below.`, {
    cause,
  });
}

/** Throws unless the host returned facts. Incomplete facts prove nothing, and a time in another unit would always be too old. */
function checkAssuranceAnswer(given: unknown): void {
  if (!isFieldObject(given)) {
    throw new MfaError(
      'host_callback_failed',
      `The option "assurance" must return what assuranceFromClaims() returns, or nothing; it returned ${describe(given)}.`,
    );
  }
  const { verifiedAt } = given;
  if (verifiedAt !== undefined && !isInstant(verifiedAt)) {
    throw new MfaError(
      'host_callback_failed',
      `The answer of the option "assurance" is wrong: "verifiedAt" ${instantFault(verifiedAt)} The claim auth_time is in seconds, and assuranceFromClaims() reads it.`,
    );
  }
}

/** What the access token of a bearer client proves, if it belongs to this user. */
function sessionOfToken(assurance: unknown, userId: string): MfaSession | undefined {
  const proven = readAssurance(assurance);
  return readSessionState(proven && { state: 'verified', assurance: proven }, userId);
}

async function writeSession<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  port: SessionPort,
  next: MfaSession | undefined,
  options: { renew: boolean },
): Promise<boolean> {
  try {
    // A store that never answers must not hold the request longer than an operation may take.
    const written = await kit.mfa.settings.awaitCallback('session', port.write(next, options));
    return !written.late;
  } catch (error) {
    if (error instanceof MfaError) throw error;
    const name = error instanceof Error ? error.name : typeof error;
    kit.warn('MFA_KIT_SESSION_STORE', name);
    return false;
  }
}

/** Cookies omit `Secure` only if the developer asked for it, and only on a local host name. */
function cookieStyle<User extends MfaUser, Request>(
  { options }: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
): DeviceCookieStyle {
  const { sameSite, insecureHttpForDevelopment } = options.deviceCookie;
  return { sameSite, secure: !(insecureHttpForDevelopment && isLocalHost(exchange.header('host') ?? '')) };
}

function isLocalHost(host: string): boolean {
  const name = host.toLowerCase().replace(/:\d+$/, '');
  if (name === '[::1]' || /^(.+\.)?localhost$/.test(name) || /\.(local|test|lan|internal)$/.test(name)) return true;
  return /^(127|10)(\.\d{1,3}){3}$|^192\.168(\.\d{1,3}){2}$|^172\.(1[6-9]|2\d|3[01])(\.\d{1,3}){2}$/.test(name);
}
