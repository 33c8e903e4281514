import type { FactorKind } from '../assurance.js';
import type { EnrollableKind, ShownEnrollment } from '../factors/registry.js';
import type { AuthenticatorSummary, DeviceSummary } from '../mfa.js';

/** A message to the user, at the top of a page or at the input that it names. */
export interface PageNotice {
  tone: 'error' | 'success' | 'info';
  text: string;
  /** What to try if it happens again. */
  hint?: string | undefined;
  /** The notice is about the code or recovery code that was entered, so it belongs to that input. */
  field?: 'code' | undefined;
}

/** Set-up of an authenticator. `kind` says which fields show it: for `totp` they are `uri`, `manualKey` and `qrSvg`. */
export type EnrollPage = {
  [Kind in EnrollableKind]: {
    name: 'enroll';
    enrollmentId: string;
    kind: Kind;
    /** Epoch milliseconds. */
    expiresAt: number;
    /** Another authenticator exists, so there is an overview to return to. */
    additional: boolean;
    /** Days that the checkbox offers; 0: no checkbox. */
    rememberDays: number;
  } & ShownEnrollment<Kind>;
}[EnrollableKind];

/** What one page shows, as data. A host that renders its own pages gets it in `render(page, ...)`. */
export type MfaPage =
  | EnrollPage
  /**
   * The codes, shown once. "I have saved them" posts `id` (the {@link recoveryCodesId}) and `continueTo` to `/recovery-codes/saved` below
   * the mount. If a page continues in another way, the next login offers new codes.
   */
  | { name: 'recovery-codes'; recoveryCodes: string[]; recoveryCodesId: string; continueTo: string; fileName: string }
  /**
   * After a login: an answer that showed recovery codes may have been lost. The page offers new ones (POST `/recovery-codes`) and "I have
   * saved them" (POST `/recovery-codes/saved`, with `id`: the {@link recoveryCodesId}), both with the field `continueTo`, and a link to
   * continue.
   */
  | { name: 'recovery-codes-offer'; recoveryCodesId: string; continueTo: string }
  /** The prompt for a proof. */
  | {
      name: 'challenge';
      /** The kind that the prompt asks for. */
      kind: FactorKind;
      /** All kinds that the user can prove; a link leads to each of the others: `/challenge?use=recovery-code`. */
      factors: FactorKind[];
      because: 'missing' | 'expired' | 'revoked';
      rememberDays: number;
      /** Seconds until the next code is accepted; 0: now. */
      waitSeconds: number;
      /** The query with the route's requirement. The form and the links of the page keep it: `/verify?maxAge=300`. */
      asked?: string;
    }
  /** A proof was accepted, and this page leads on. */
  | {
      name: 'done';
      continueTo: string;
      /** `path`: the requested page, and the browser goes there by itself. `link`: the browser goes there only by a click. */
      leads: 'home' | 'path' | 'link';
      homeUrl: string;
    }
  /** Authenticators, devices, recovery codes. */
  | {
      name: 'overview';
      authenticators: AuthenticatorSummary[];
      /** `endsSession`: this session came from the device, and ends with it. */
      devices: (DeviceSummary & { current: boolean; endsSession?: true })[];
      recoveryCodesLeft: number;
      /** The user may not have seen the codes, because an answer was lost. */
      recoveryCodesUnsaved?: true;
      /** With `recoveryCodesUnsaved`: the set that "I have saved them" refers to. */
      recoveryCodesId?: string;
      recoveryCodesOffered: boolean;
      /** The last authenticator may be removed. */
      mayRemoveLast: boolean;
      mayEnroll: boolean;
      homeUrl: string;
    }
  /** A page with a message only: MFA is not allowed, the session is lost, the service is unavailable, the page is unknown. */
  | { name: 'message'; heading: string; text: string; action?: { href: string; text: string } };

/** What surrounds every page. */
export interface PageFrame {
  /** Public path under which the endpoints are mounted, without trailing slash: `/mfa`. */
  basePath: string;
  /** Name of the application. */
  brand: string;
  /** URL of a logo on the same origin, or on one that the host's CSP addition allows. */
  logoUrl?: string | undefined;
  /** A style sheet on the same origin, loaded after the kit's. It sets the custom properties that `assets/page.css` lists. */
  themeUrl?: string | undefined;
  /** Where a user without phone and without recovery codes gets help. */
  supportUrl?: string | undefined;
  /** Name of the account that the page belongs to. */
  account?: string | undefined;
  notice?: PageNotice | undefined;
  /** Hidden fields of every form, for example the host's CSRF token. */
  hiddenFields: Record<string, string>;
  /** Now, in epoch milliseconds, for dates and the countdown. */
  now: number;
}
