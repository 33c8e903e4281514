import type { MfaSession } from '../../assurance.js';
import { type Awaitable, andThen, isThenable } from '../../awaitable.js';
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

/** Who acts, in place of the session's user: what a pending token said. */
export interface ActingIdentity<User extends MfaUser> {
  user: User;
  session: MfaSession;
}

/** Who acts, as far as a guard asks. */
export interface RequestIdentity<User extends MfaUser> {
  user: User | null;
  /** The state of this user, or undefined. */
  session: MfaSession | undefined;
  /** Where the state is kept; null for bearer clients and pending tokens. */
  port: SessionPort | null;
  context: EventContext | undefined;
  /** A callback of the host did not answer in time, so it is not known who acts: every flow is unavailable. */
  late: boolean;
}

/** Who acts in one request, with which state and which device tokens; changes as the request's flows change it. */
export interface RequestState<User extends MfaUser> {
  user: User | null;
  /** The state of this user, or undefined. */
  session: MfaSession | undefined;
  /** The host's session takes the state; false for bearer clients and pending tokens. */
  readonly keepsState: boolean;
  /** What the session holds where the state of this user is missing. */
  readonly stored: StoredState;
  readonly context: EventContext | undefined;
  /** A callback of the host did not answer in time, so it is not known who acts: every flow is unavailable. */
  late: boolean;
  deviceTokens(): string[];
  /** What a proof says of the browser. */
  deviceInput(rememberDevice: boolean | undefined): Promise<DeviceInput>;
  /** Keeps the state in the host's session, if the request has one: a login is no use of a token. */
  useSession(): void;
  /** Replaces the state; false when the session store did not take it, and then nothing was granted. */
  keep(next: MfaSession | undefined, options: { renew: boolean }): Promise<boolean>;
  /** Hands a device token over, in a cookie; returned when the client keeps it itself. */
  handOver(grant: DeviceGrant | undefined): string | undefined;
  /** The way back that was kept for who acts now. */
  wayBack(): WayBack | undefined;
  /** The way back that was kept before anybody was logged in. */
  wayBackOfNobody(): WayBack | undefined;
  /** Keeps a way back for who acts, or for nobody. */
  keepWayBack(way: Pick<WayBack, 'path' | 'navigation'>): void;
  dropWayBack(): void;
}

const DEVICE_HEADER = 'mfa-device';

/** Reads who acts. Throws what the host's callbacks throw, as an MfaError: the request is then denied. */
export function readIdentity<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
): Awaitable<RequestIdentity<User>> {
  if (exchange.late) return lateIdentity(exchange, null);
  const user = askUser(kit, exchange);
  return isThenable(user) ? user.then((known) => identityOf(kit, exchange, known)) : identityOf(kit, exchange, user);
}

/** Reads who acts, for the flows of a request. `identity`: somebody else than the session's user. */
export function readRequestState<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  identity?: ActingIdentity<User>,
): Awaitable<RequestState<User>> {
  if (identity) return new StateOfRequest(kit, exchange, { ...identity, port: null, context: contextOf(exchange), late: false });
  return andThen(readIdentity(kit, exchange), (found) => new StateOfRequest(kit, exchange, found));
}

/** Like {@link callHost}, without a function for it that would be made at every guarded request. */
function askUser<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
): Awaitable<User | null | undefined | false | typeof LATE> {
  try {
    const given = exchange.user();
    return isThenable(given) ? awaitHost(kit, 'user', given, exchange.request) : given;
  } catch (cause) {
    return refuseHost(kit, 'user', cause, exchange.request);
  }
}

function identityOf<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  given: User | null | undefined | false | typeof LATE,
): Awaitable<RequestIdentity<User>> {
  if (given === LATE) return lateIdentity(exchange, null);
  const user = checkUser('user', given, kit);
  const found = identityOfSession(exchange, user);
  const { assurance } = exchange;
  // Where the session has state, no header or token that the client chose replaces it.
  if (!user || !assurance || found.session) return found;
  return andThen(callHost(kit, 'assurance', assurance, exchange.request), (proven) => {
    if (proven === LATE) return { ...found, late: true };
    if (proven) {
      checkAssuranceAnswer(proven);
      return { ...found, session: sessionOfToken(proven, user.id), port: null };
    }
    // Hosts written for release 1 also answer null where there is no token.
    const byToken = proven === null && exchange.header('authorization') !== undefined;
    return byToken ? { ...found, port: null } : found;
  });
}

function identityOfSession<User extends MfaUser, Request>(
  exchange: MfaExchange<User, Request>,
  user: User | null,
): RequestIdentity<User> {
  const { session: port } = exchange;
  const session = user ? readState(port, user.id) : undefined;
  return { user, session, port, context: contextOf(exchange), late: false };
}

/** Nothing is known of the session's state either: who acts is not known. */
function lateIdentity<User extends MfaUser, Request>(
  exchange: MfaExchange<User, Request>,
  user: User | null,
): RequestIdentity<User> {
  return { user, session: undefined, port: exchange.session, context: contextOf(exchange), late: true };
}

function readState(port: SessionPort | null, userId: string): MfaSession | undefined {
  const given = port?.read();
  const state = readSessionState(given, userId);
  if (state === undefined && isThenable(given)) {
    abandon(given);
    throw new MfaError(
      'host_callback_failed',
      'The option "session": read() returned a promise; it must return the state at once.',
    );
  }
  return state;
}

/** What the host wants to find in its audit trail, and what its policy is asked with. */
function contextOf<User extends MfaUser, Request>(exchange: MfaExchange<User, Request>): EventContext | undefined {
  const context: unknown = exchange.eventContext();
  if (context === undefined || context === null) return undefined;
  if (isFieldObject(context)) return context;
  throw new MfaError(
    'host_callback_failed',
    `The option "eventContext" must return an object of facts at once, or nothing; it returned ${describe(context)}.`,
  );
}

/** Made from an identity only where a request's flows are needed: a guard asks at every request, and lets most through. */
export class StateOfRequest<User extends MfaUser, Request> implements RequestState<User> {
  readonly context: EventContext | undefined;
  user: User | null;
  session: MfaSession | undefined;
  late: boolean;
  readonly #kit: HttpKit<User, Request>;
  readonly #exchange: MfaExchange<User, Request>;
  #port: SessionPort | null;
  /** What this request made of the way back that came with it; null: it was dropped. */
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

  get keepsState(): boolean {
    return this.#port !== null;
  }

  get stored(): StoredState {
    return describeStored(this.#port?.read());
  }

  deviceTokens(): string[] {
    if (!this.user) return [];
    const ownToken = this.#ownToken();
    if (ownToken !== undefined) return ownToken === '' ? [] : [ownToken];
    return readDeviceTokens(this.#exchange.header('cookie'), this.#cookiesOf(this.user));
  }

  async deviceInput(rememberDevice: boolean | undefined): Promise<DeviceInput> {
    const deviceToken = this.deviceTokens();
    // A client that cannot keep a token would leave a new device behind at each proof, and push out the real ones.
    const keepsToken = this.keepsState || this.#ownToken() !== undefined || rememberDevice === true || deviceToken.length > 0;
    const deviceLabel = keepsToken ? { deviceLabel: await nameBrowser(this.#exchange.header('user-agent')) } : {};
    return { deviceToken, ...deviceLabel, ...(rememberDevice !== undefined && { rememberDevice }) };
  }

  useSession(): void {
    if (!this.#exchange.session) return;
    this.#port = this.#exchange.session;
    this.session = undefined;
  }

  async keep(next: MfaSession | undefined, options: { renew: boolean }): Promise<boolean> {
    if (this.#port && !(await writeSession(this.#kit, this.#port, next, options))) return false;
    this.session = next;
    return true;
  }

  handOver(grant: DeviceGrant | undefined): string | undefined {
    if (!grant || !this.user) return undefined;
    if (this.#ownToken() !== undefined) return grant.token;
    const now = this.#kit.mfa.settings.now();
    const lines = deviceCookieLines(this.#exchange.header('cookie'), { ...this.#cookiesOf(this.user), grant, now });
    for (const line of lines) this.#exchange.setCookie(line);
    return undefined;
  }

  wayBack(): WayBack | undefined {
    if (this.#newWay !== undefined) return this.#newWay ?? undefined;
    return this.user ? (this.#sentWay(this.user.id) ?? this.#wayOfRelease1()) : undefined;
  }

  wayBackOfNobody(): WayBack | undefined {
    return this.#newWay === undefined ? this.#sentWay(null) : undefined;
  }

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

/** Checks what a callback of the host gave as the user; a value that is no user denies. */
export function checkUser<User extends MfaUser>(
  option: 'user' | 'userById',
  user: User | null | undefined | false,
  kit: Pick<HttpKit, 'warn'>,
): User | null {
  if (!user) return null;
  checkUserAnswer(option, user, kit.warn);
  return user;
}

/** Stands for the answer of a callback that did not come in time. */
export const LATE = Symbol('late');

/** Calls the host; what it throws becomes an MfaError that names the option. */
export function callHost<User extends MfaUser, Request, Value>(
  kit: HttpKit<User, Request>,
  option: string,
  call: () => Awaitable<Value>,
  request?: unknown,
): Awaitable<Value | typeof LATE> {
  try {
    const given = call();
    return isThenable(given) ? awaitHost(kit, option, given, request) : given;
  } catch (cause) {
    return refuseHost(kit, option, cause, request);
  }
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

/** `request`: what the callback was called with, so that the warning repeats none of it. */
function refuseHost<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  option: string,
  cause: unknown,
  request: unknown,
): never {
  if (cause instanceof MfaError) throw cause;
  kit.mfa.settings.callbackFailed({ option, why: 'error', cause, values: valuesOfRequest(request) });
  throw new MfaError('host_callback_failed', `The option "${option}" threw, so the request is denied. Fix the cause.`, {
    cause,
  });
}

/** Throws unless the host gave facts. Those that lack something prove nothing; a time in another unit would be too old for ever. */
function checkAssuranceAnswer(given: unknown): void {
  if (!isFieldObject(given)) {
    throw new MfaError(
      'host_callback_failed',
      `The option "assurance" must return what assuranceFromClaims() gives, or nothing; it returned ${describe(given)}.`,
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

/** What the access token of a bearer client says is proven, if it speaks of this user. */
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
    // Also within the time of an operation: a store that never answers must not hold the request for ever.
    const written = await kit.mfa.settings.awaitCallback('session', port.write(next, options));
    return !written.late;
  } catch (error) {
    if (error instanceof MfaError) throw error;
    const name = error instanceof Error ? error.name : typeof error;
    kit.warn(
      'MFA_KIT_SESSION_STORE',
      `The session store did not take the MFA state (${name}); the request was answered as unavailable.`,
    );
    return false;
  }
}

/** Cookies go without `Secure` only where the developer asked for it, and only on a local host's name. */
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
