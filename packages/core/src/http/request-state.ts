import type { MfaSession } from '../assurance.js';
import { type Awaitable, andThen, isThenable, rescue } from '../awaitable.js';
import { MfaError } from '../errors.js';
import type { EventContext } from '../events.js';
import { checkUserAnswer } from '../host-input.js';
import type { DeviceGrant, DeviceInput } from '../mfa.js';
import type { MfaUser } from '../options.js';
import { type DeviceCookieStyle, deviceCookieLines, readDeviceTokens } from './device-cookies.js';
import { nameBrowser } from './device-label.js';
import type { MfaExchange, SessionPort } from './exchange.js';
import type { HttpKit } from './http-kit.js';
import { describeStored, readAssurance, readSessionState, type StoredState } from './session-state.js';

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
  deviceTokens(): string[];
  /** What a proof says of the browser. */
  deviceInput(rememberDevice: boolean | undefined): Promise<DeviceInput>;
  /** Replaces the state; false when the session store did not take it, and then nothing was granted. */
  keep(next: MfaSession | undefined, options: { renew: boolean }): Promise<boolean>;
  /** Hands a device token over, in a cookie; returned when the client keeps it itself. */
  handOver(grant: DeviceGrant | undefined): string | undefined;
}

const DEVICE_HEADER = 'mfa-device';

/** Reads who acts. Throws what the host's callbacks throw, as an MfaError: the request is then denied. */
export function readIdentity<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
): Awaitable<RequestIdentity<User>> {
  const user = askUser(kit, exchange);
  return isThenable(user) ? user.then((known) => identityOf(exchange, known)) : identityOf(exchange, user);
}

/** Reads who acts, for the flows of a request. `identity`: somebody else than the session's user. */
export function readRequestState<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  identity?: ActingIdentity<User>,
): Awaitable<RequestState<User>> {
  if (identity) return new StateOfRequest(kit, exchange, { ...identity, port: null, context: exchange.eventContext() });
  return andThen(readIdentity(kit, exchange), (found) => new StateOfRequest(kit, exchange, found));
}

function askUser<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
): Awaitable<User | null> {
  let given: ReturnType<typeof exchange.user>;
  try {
    given = exchange.user();
  } catch (cause) {
    return refuseHost('user', cause);
  }
  if (!isThenable(given)) return checkUser('user', given, kit);
  return Promise.resolve(given)
    .catch((cause) => refuseHost('user', cause))
    .then((user) => checkUser('user', user, kit));
}

function identityOf<User extends MfaUser, Request>(
  exchange: MfaExchange<User, Request>,
  user: User | null,
): Awaitable<RequestIdentity<User>> {
  const { assurance } = exchange;
  if (!user || !assurance) return identityOfSession(exchange, user);
  return andThen(callHost('assurance', assurance), (proven) =>
    proven
      ? { user, session: sessionOfToken(proven, user.id), port: null, context: exchange.eventContext() }
      : identityOfSession(exchange, user),
  );
}

function identityOfSession<User extends MfaUser, Request>(
  exchange: MfaExchange<User, Request>,
  user: User | null,
): RequestIdentity<User> {
  const { session: port } = exchange;
  const session = user ? readSessionState(port?.read(), user.id) : undefined;
  return { user, session, port, context: exchange.eventContext() };
}

/** Made from an identity only where a request's flows are needed: a guard asks at every request, and lets most through. */
export class StateOfRequest<User extends MfaUser, Request> implements RequestState<User> {
  readonly context: EventContext | undefined;
  user: User | null;
  session: MfaSession | undefined;
  readonly #kit: HttpKit<User, Request>;
  readonly #exchange: MfaExchange<User, Request>;
  readonly #port: SessionPort | null;

  constructor(
    kit: HttpKit<User, Request>,
    exchange: MfaExchange<User, Request>,
    { user, session, port, context }: RequestIdentity<User>,
  ) {
    this.user = user;
    this.session = session;
    this.context = context;
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

/** Calls the host; what it throws becomes an MfaError that names the option. */
export function callHost<Value>(option: string, call: () => Awaitable<Value>): Awaitable<Value> {
  return rescue(call, (cause) => refuseHost(option, cause));
}

function refuseHost(option: string, cause: unknown): never {
  if (cause instanceof MfaError) throw cause;
  throw new MfaError('host_callback_failed', `The option "${option}" threw, so the request is denied. Mend the cause.`, {
    cause,
  });
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
    await port.write(next, options);
    return true;
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
