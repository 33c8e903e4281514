import type { MfaSession } from '../assurance.js';
import { MfaError } from '../errors.js';
import type { EventContext } from '../events.js';
import type { DeviceGrant, DeviceInput } from '../mfa.js';
import type { MfaUser } from '../options.js';
import { type DeviceCookieStyle, deviceCookieLines, readDeviceTokens } from './device-cookies.js';
import { nameBrowser } from './device-label.js';
import type { MfaExchange, SessionPort } from './exchange.js';
import type { HttpKit } from './http-kit.js';
import { readAssurance, readSessionState } from './session-state.js';

/** Who acts, in place of the session's user: what a pending token said. */
export interface ActingIdentity<User extends MfaUser> {
  user: User;
  session: MfaSession;
}

/** Who acts in one request, with which state and which device tokens; changes as the request's flows change it. */
export interface RequestState<User extends MfaUser> {
  user: User | null;
  /** The state of this user, or undefined. */
  session: MfaSession | undefined;
  /** The host's session takes the state; false for bearer clients and pending tokens. */
  readonly keepsState: boolean;
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
export async function readRequestState<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  identity?: ActingIdentity<User>,
): Promise<RequestState<User>> {
  const user = identity?.user ?? checkUser(await callHost('user', () => exchange.user()));
  const { assurance: read } = exchange;
  const assurance = identity || !user || !read ? null : await callHost('assurance', read);
  const port = identity || assurance ? null : exchange.session;
  const cookies = exchange.header('cookie');
  const ownToken = exchange.header(DEVICE_HEADER);
  const userCookies = (userId: string) => ({
    ...cookieStyle(kit, exchange),
    suffixes: kit.mfa.settings.deviceCookieSuffixes(userId),
  });

  const state: RequestState<User> = {
    user,
    session: identity?.session ?? readInitialSession(user, assurance, port),
    keepsState: port !== null,
    context: exchange.eventContext(),
    deviceTokens() {
      if (!state.user) return [];
      if (ownToken !== undefined) return ownToken === '' ? [] : [ownToken];
      return readDeviceTokens(cookies, userCookies(state.user.id));
    },
    async deviceInput(rememberDevice) {
      const deviceToken = state.deviceTokens();
      // A client that cannot keep a token would leave a new device behind at each proof, and push out the real ones.
      const keepsToken = port !== null || ownToken !== undefined || rememberDevice === true || deviceToken.length > 0;
      const deviceLabel = keepsToken ? { deviceLabel: await nameBrowser(exchange.header('user-agent')) } : {};
      return { deviceToken, ...deviceLabel, ...(rememberDevice !== undefined && { rememberDevice }) };
    },
    async keep(next, options) {
      if (port && !(await writeSession(kit, port, next, options))) return false;
      state.session = next;
      return true;
    },
    handOver(grant) {
      if (!grant || !state.user) return undefined;
      if (ownToken !== undefined) return grant.token;
      const lines = deviceCookieLines(cookies, { ...userCookies(state.user.id), grant, now: kit.mfa.settings.now() });
      for (const line of lines) exchange.setCookie(line);
      return undefined;
    },
  };
  return state;
}

/** Checks what the host's `user` gave; a value that is no user denies. */
export function checkUser<User extends MfaUser>(user: User | null | undefined | false): User | null {
  if (!user) return null;
  if (typeof user === 'object' && typeof user.id === 'string' && user.id !== '' && typeof user.name === 'string') return user;
  throw new MfaError(
    'host_callback_failed',
    'The option "user" must return { id, name } with texts, or null when nobody is logged in.',
  );
}

async function callHost<Value>(option: string, call: () => Value | Promise<Value>): Promise<Value> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof MfaError) throw cause;
    throw new MfaError('host_callback_failed', `The option "${option}" threw, so the request is denied. Mend the cause.`, {
      cause,
    });
  }
}

function readInitialSession(user: MfaUser | null, assurance: unknown, port: SessionPort | null): MfaSession | undefined {
  if (!user) return undefined;
  const proven = readAssurance(assurance);
  return readSessionState(proven ? { state: 'verified', assurance: proven } : port?.read(), user.id);
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
