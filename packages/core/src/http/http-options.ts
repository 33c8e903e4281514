import type { Assurance } from '../assurance.js';
import { MfaError } from '../errors.js';
import { checkFieldNames, describe, isFieldObject } from '../host-input.js';
import type { MfaUser } from '../options.js';
import type { MfaPage, PageFrame } from '../pages/page.js';
import type { MessageOverrides, Messages } from '../pages/texts.js';
import type { SameSite } from './device/cookies.js';
import { proxyPrefixes } from './paths/public-path.js';
import { isWithin, sameOriginPath } from './paths/return-to.js';

/** The argument of {@link HttpOptions.onVerified}. */
export interface VerifiedRequest<User extends MfaUser = MfaUser> {
  user: User;
  assurance: Assurance;
  /** `manage`: a bearer client changed something and needs a token with the new assurance. */
  endpoint: 'verify' | 'enroll' | 'manage';
}

/** Look and texts of the pages. */
export interface PagesOptions<Request> {
  /** Name of the application; default: the issuer. */
  brand?: string | undefined;
  logoUrl?: string | undefined;
  /** A style sheet that sets the pages' custom properties. */
  themeUrl?: string | undefined;
  /** Where a user without phone and without recovery codes gets help. */
  supportUrl?: string | undefined;
  /** Texts that replace the English ones. */
  messages?: ((request: Request) => MessageOverrides) | undefined;
  /** Hidden fields of every form, such as the host's CSRF token. */
  hiddenFields?: ((request: Request) => Record<string, string>) | undefined;
  /** Renders a page instead of the kit. Returns a complete HTML document, which is sent with the kit's Content-Security-Policy. */
  render?: ((page: MfaPage, frame: PageFrame, messages: Messages, request: Request) => string | Promise<string>) | undefined;
}

/** Options that all frameworks share. `Request` is the framework's own. */
export interface HttpOptions<User extends MfaUser = MfaUser, Request = unknown> {
  /** The host's login page: a path, or a URL. */
  loginUrl: string;
  /**
   * Where a user who is logged in confirms the password again: a path, or a URL. Default: `loginUrl`. Set it if your login page redirects
   * users who are logged in.
   */
  reauthUrl?: string | undefined;
  /** Where a proof leads if there is no page to return to. Default `/`. */
  homeUrl?: string | undefined;
  /** Path where the endpoints are mounted, as the server sees it. Default `/mfa`. */
  path?: string | undefined;
  /** The same path as the browser sees it, if a proxy strips or adds a prefix. Default: `path`. */
  publicPath?: string | undefined;
  /**
   * Other origins whose pages may change state here: `https://app.example`, `capacitor://localhost`, `chrome-extension://<id>`. Compared
   * with the header `Origin` byte for byte.
   */
  allowedOrigins?: readonly string[] | undefined;
  /**
   * The header `Cross-Origin-Opener-Policy` of every answer. Default `same-origin`: no page of another origin keeps a handle to the window.
   * Change it only if the login runs in a pop-up that must reach its opener: `same-origin-allow-popups` if your own pages send that value,
   * `unsafe-none` if they send none or the opener is a page of another origin.
   */
  crossOriginOpenerPolicy?: CrossOriginOpenerPolicy | undefined;
  /** Loads the user of a pending token. Without it pending tokens are refused. */
  userById?: ((userId: string) => Promise<User | null | undefined> | User | null | undefined) | undefined;
  /** Called after a proof was saved and before the answer. Its result is added to a JSON answer (a new access token, for example). */
  onVerified?: ((request: Request, verified: VerifiedRequest<User>) => HostFields | Promise<HostFields>) | undefined;
  /** Return `false` to exclude a path from redirects after a proof. */
  returnTo?: ((path: string, request: Request) => boolean) | undefined;
  deviceCookie?:
    | {
        /** Default `lax`. Use `none` only if a page of another site sends cookies. */
        sameSite?: SameSite | undefined;
        /** Device cookies without `Secure` on local hosts, for browsers that require https even there. Refused in production. */
        insecureHttpForDevelopment?: boolean | undefined;
      }
    | undefined;
  pages?: PagesOptions<Request> | undefined;
}

const OPENER_POLICIES = ['same-origin', 'same-origin-allow-popups', 'unsafe-none'] as const;

/** A value of {@link HttpOptions.crossOriginOpenerPolicy}. */
export type CrossOriginOpenerPolicy = (typeof OPENER_POLICIES)[number];

/** Fields that the host adds to an answer, or nothing. */
export type HostFields = Record<string, unknown> | void;

/** Validated options with their defaults. */
export interface ResolvedHttpOptions<User extends MfaUser, Request>
  extends Pick<HttpOptions<User, Request>, 'userById' | 'onVerified' | 'returnTo'> {
  loginUrl: string;
  reauthUrl: string;
  homeUrl: string;
  path: string;
  publicPath: string;
  /** What a proxy strips from public paths. */
  publicPrefix: string;
  /** What a proxy adds to public paths. */
  addedPrefix: string;
  allowedOrigins: readonly string[];
  crossOriginOpenerPolicy: CrossOriginOpenerPolicy;
  deviceCookie: { sameSite: SameSite; insecureHttpForDevelopment: boolean };
  pages: PagesOptions<Request>;
}

/** Where the endpoints are mounted by default. */
export const DEFAULT_PATH = '/mfa';

/** Reads one option. */
interface OptionReader<Value> {
  /** Returns the default of an option, which may depend on options that come before it. */
  default?(before: { loginUrl: string; path: string }): unknown;
  /** Returns the checked value. `options`: the object that the host's functions are bound to. */
  read(name: string, given: unknown, options: object): Value;
}

/** Every option, after those that its default depends on. */
const OPTIONS = {
  loginUrl: { read: readUrl },
  reauthUrl: { default: ({ loginUrl }) => loginUrl, read: readUrl },
  homeUrl: { default: () => '/', read: readUrl },
  path: { default: () => DEFAULT_PATH, read: readMountPath },
  publicPath: { default: ({ path }) => path, read: readMountPath },
  allowedOrigins: { default: () => [], read: readOrigins },
  crossOriginOpenerPolicy: { default: () => 'same-origin', read: readOpenerPolicy },
  userById: { read: readFunction },
  onVerified: { read: readFunction },
  returnTo: { read: readFunction },
  deviceCookie: { default: () => ({}), read: readDeviceCookie },
  pages: { default: () => ({}), read: readPages },
} satisfies { [Name in keyof HttpOptions]-?: OptionReader<ResolvedHttpOptions<MfaUser, unknown>[Name]> };

type ReadOptions<User extends MfaUser, Request> = Omit<ResolvedHttpOptions<User, Request>, 'publicPrefix' | 'addedPrefix'>;

/** Validates the options once. Throws an MfaError that names the option and how to fix it. */
export function resolveHttpOptions<User extends MfaUser, Request>(
  options: HttpOptions<User, Request>,
): ResolvedHttpOptions<User, Request> {
  const read = readOptions<User, Request>(options);
  const { loginUrl, reauthUrl, homeUrl, path, publicPath } = read;
  for (const [name, url] of [
    ['loginUrl', loginUrl],
    ['reauthUrl', reauthUrl],
  ] as const) {
    if (sameOriginPath(url) !== undefined && isWithin(url, publicPath)) {
      invalid(`${name} is below ${publicPath}, where the kit answers. Set it to the path of your own login page.`);
    }
  }
  if (homeUrl !== publicPath && sameOriginPath(homeUrl) !== undefined && isWithin(homeUrl, publicPath)) {
    invalid(
      `homeUrl is below ${publicPath}, where the kit asks for proofs. Set it to a page of your application, or to ${publicPath}.`,
    );
  }
  return { ...read, ...proxyPrefixes({ path, publicPath }) };
}

function readOptions<User extends MfaUser, Request>(options: object): ReadOptions<User, Request> {
  const read: Partial<ReadOptions<User, Request>> & { loginUrl: string; path: string } = { loginUrl: '', path: '' };
  for (const [name, option] of Object.entries<OptionReader<unknown>>(OPTIONS)) {
    const { [name]: given = option.default?.(read) } = options as Partial<Record<string, unknown>>;
    Object.assign(read, { [name]: option.read(name, given, options) });
  }
  return read as ReadOptions<User, Request>;
}

/** Throws the error for an invalid option; the sentence says how to fix it. */
export function invalid(sentence: string): never {
  throw new MfaError('invalid_option', sentence);
}

/** Throws if an option's name is unknown, because a misspelled option would be ignored. */
export function checkNames(options: unknown, frameworkNames: readonly string[]): asserts options is object {
  if (typeof options !== 'object' || options === null) invalid('The options are missing. Pass at least { user, loginUrl }.');
  const known = [...Object.keys(OPTIONS), ...frameworkNames];
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) invalid(`Unknown option "${name}". Known options: ${known.join(', ')}.`);
  }
}

/** Throws unless the fields are functions or absent. */
export function checkFunctions(options: object, names: readonly string[]): void {
  const fields = options as Record<string, unknown>;
  for (const name of names) {
    const value = fields[name];
    if (value !== undefined && typeof value !== 'function') invalid(`${name} must be a function, if it is set.`);
  }
}

/** Returns the host's function, bound to the options because it may be one of their methods. */
function readFunction<Callback>(name: string, given: unknown, options: object): Callback | undefined {
  checkFunctions({ [name]: given }, [name]);
  return typeof given === 'function' ? given.bind(options) : undefined;
}

function readOrigins(_name: string, origins: unknown): readonly string[] {
  if (!Array.isArray(origins)) invalid('allowedOrigins must be a list of origins.');
  for (const origin of origins) checkOrigin(origin);
  return origins;
}

function readOpenerPolicy(_name: string, given: unknown): CrossOriginOpenerPolicy {
  const policy = OPENER_POLICIES.find((known) => known === given);
  return policy ?? invalid("crossOriginOpenerPolicy must be 'same-origin', 'same-origin-allow-popups' or 'unsafe-none'.");
}

function readDeviceCookie(_name: string, given: unknown): ResolvedHttpOptions<MfaUser, unknown>['deviceCookie'] {
  checkFieldNames(given, ['sameSite', 'insecureHttpForDevelopment'], (what) => invalid(`deviceCookie ${what}`));
  const { sameSite = 'lax', insecureHttpForDevelopment = false }: NonNullable<HttpOptions['deviceCookie']> = given;
  if (!['lax', 'strict', 'none'].includes(sameSite)) invalid("deviceCookie.sameSite must be 'lax', 'strict' or 'none'.");
  if (typeof insecureHttpForDevelopment !== 'boolean') invalid('deviceCookie.insecureHttpForDevelopment must be true or false.');
  if (insecureHttpForDevelopment && process.env.NODE_ENV === 'production') {
    invalid('deviceCookie.insecureHttpForDevelopment is set while NODE_ENV is "production". Remove it there and serve https.');
  }
  if (insecureHttpForDevelopment && sameSite === 'none') {
    invalid("deviceCookie.sameSite 'none' needs https. Remove insecureHttpForDevelopment.");
  }
  return { sameSite, insecureHttpForDevelopment };
}

function readMountPath(name: string, path: unknown): string {
  if (typeof path === 'string' && /^(\/[A-Za-z0-9._~-]+)+$/.test(path) && !/\/\.{1,2}(\/|$)/.test(path)) return path;
  return invalid(
    `${name} must be a path such as "/mfa": a leading slash, no trailing slash, letters, digits, "-", "_", ".", "~".`,
  );
}

function readUrl(name: string, url: unknown): string {
  if (typeof url === 'string' && (sameOriginPath(url) !== undefined || isWebUrl(url))) return url;
  return invalid(`${name} must be a path such as "/login", or a URL that begins with https:// or http://.`);
}

/** Schemes that no browser sends as an origin, or whose origin it sends as `null`. */
const NO_ORIGIN_SCHEME = /^(file|data|blob|about|javascript|filesystem|ws|wss|ftp|view-source):/;
/** An origin of a webview or an extension. Browsers write it in lower case, except for the UUID of a Safari extension. */
const OTHER_ORIGIN = /^(?!https?:)[a-z][a-z0-9+.-]*:\/\/[a-z0-9._~-]+(:\d{1,5})?$|^safari-web-extension:\/\/[0-9A-Fa-f-]{36}$/;

function checkOrigin(origin: unknown): void {
  if (isWebUrl(origin) && new URL(origin).origin === origin && !origin.includes('*')) return;
  // The URL standard has no origin for other schemes, so the value that the browser sends is compared byte for byte.
  if (typeof origin === 'string' && OTHER_ORIGIN.test(origin) && !NO_ORIGIN_SCHEME.test(origin)) return;
  invalid(
    `allowedOrigins holds ${originShown(origin)}; an origin is scheme, host and port only, such as "https://app.example" or ` +
      '"capacitor://localhost". Write it as the browser sends it in the header Origin: in lower case, without a path, a trailing slash ' +
      'or a wildcard. "null" cannot be allowed, because pages of any site can send it.',
  );
}

function originShown(origin: unknown): string {
  return typeof origin === 'string' ? JSON.stringify(origin.slice(0, 200)) : describe(origin);
}

/** Checks each field of `pages` that is set. */
const PAGES_FIELDS = {
  brand: (_name, brand) => {
    if (typeof brand !== 'string' || brand.trim() === '') invalid('pages.brand must be a name.');
  },
  logoUrl: checkPageUrl,
  themeUrl: checkPageUrl,
  supportUrl: (name, url) => {
    if (typeof url !== 'string' || !/^mailto:[^\s]+$/.test(url)) checkPageUrl(name, url);
  },
  messages: checkFunction,
  hiddenFields: checkFunction,
  render: checkFunction,
} satisfies Record<keyof PagesOptions<unknown>, (name: string, given: unknown) => void>;

function readPages(_name: string, pages: unknown): PagesOptions<unknown> {
  if (!isFieldObject(pages)) invalid('pages must be an object, if it is set.');
  const fields = Object.entries<(name: string, given: unknown) => void>(PAGES_FIELDS);
  // An instance of a class may have other fields.
  if (Object.getPrototypeOf(pages) === Object.prototype) {
    checkFieldNames(
      pages,
      fields.map(([name]) => name),
      (what) => invalid(`pages ${what}`),
    );
  }
  for (const [name, check] of fields) {
    const { [name]: given } = pages as Partial<Record<string, unknown>>;
    if (given !== undefined) check(name, given);
  }
  return pages;
}

function checkPageUrl(name: string, url: unknown): void {
  readUrl(`pages.${name}`, url);
}

function checkFunction(name: string, given: unknown): void {
  checkFunctions({ [name]: given }, [name]);
}

function isWebUrl(url: unknown): url is string {
  if (typeof url !== 'string' || !/^https?:\/\/[\x21-\x7e]+$/.test(url) || !URL.canParse(url)) return false;
  const { username, password } = new URL(url);
  return username === '' && password === '';
}
