import type { AccessDecision, Assurance, MfaSession, Requirement } from '../../assurance.js';
import { MfaError } from '../../errors.js';
import type { EventContext } from '../../events.js';
import { type DefaultKind, ENROLLABLE, type EnrollableKind, type FlatProof, proofOf } from '../../factors/registry.js';
import type { DeviceGrant, Enrollment, MfaStatus } from '../../mfa.js';
import type { MfaUser } from '../../options.js';
import { type EnrollmentConfirmed, type Result, refuse, type Verified } from '../../results.js';
import { claimedDeviceIds } from '../device/device-cookies.js';
import type { MfaExchange } from '../exchange.js';
import type { HttpKit } from '../http-kit.js';
import type { WayBack } from '../paths/way-back.js';
import { type ActingIdentity, type RequestState, readRequestState } from '../session/request-identity.js';
import { warnOfMissingUserById } from '../set-up-warnings.js';
import { beginAndSaveLogin, beginMissingLogin, checkAccess, LATE_RETRY_SECONDS, type RequestLogin } from './request-access.js';
import { allowedReturn } from './return-policy.js';
import { keepWhileAllowed, type WhileAllowedOptions } from './while-allowed.js';

/** The result of a proof bound to a request. */
export interface RequestProof {
  assurance: Assurance;
  /** The path to continue at. */
  returnTo: string;
  deviceToken?: string;
}

/** The result of a change. A bearer client needs a new token with this assurance. */
export type RequestChange = Result<{ assurance?: Assurance }>;

/**
 * The flows bound to one request: they know the user, read and write the session, renew it after each proof and set cookies.
 *
 * A result is `ok` only if the session store has the new state. Bind new flows after a login, because these belong to the user of one
 * moment.
 */
export interface RequestFlows<User extends MfaUser = MfaUser> {
  readonly user: User | null;
  readonly session: MfaSession | undefined;
  /** What the session says was proven; `checkAccess` says whether it still counts. */
  readonly assurance: Assurance | undefined;
  /** The one line in the host's login, right after the first factor. Pass `user` if the request does not show it yet. */
  beginLogin(input?: { user?: User | undefined; loggedInAt?: number | undefined }): Promise<RequestLogin>;
  checkAccess(requirement?: Requirement): Promise<AccessDecision>;
  startEnrollment<Kind extends EnrollableKind = DefaultKind>(input?: {
    kind?: Kind | undefined;
    name?: string | undefined;
  }): Promise<Result<{ enrollment: Enrollment<Kind> }>>;
  currentEnrollment(): Promise<Result<{ enrollment: Enrollment }>>;
  /** Takes the field of the first proof, such as `code`. */
  confirmEnrollment(
    input: FlatProof & { enrollmentId: string; rememberDevice?: boolean | undefined },
  ): Promise<Result<RequestProof & Pick<EnrollmentConfirmed, 'authenticator' | 'recoveryCodes' | 'recoveryCodesId'>>>;
  cancelEnrollment(input: { enrollmentId: string }): Promise<RequestChange>;
  /** Takes one field of a proof: `code` or `recoveryCode`. */
  verify(
    input: FlatProof & { rememberDevice?: boolean | undefined },
  ): Promise<Result<RequestProof & Pick<Verified, 'recoveryCodesLeft' | 'recoveryCodesUnsaved'>>>;
  getStatus(): Promise<Result<{ status: MfaStatus }>>;
  renameAuthenticator(input: { authenticatorId: string; name: string }): Promise<RequestChange>;
  removeAuthenticator(input: { authenticatorId: string }): Promise<RequestChange>;
  regenerateRecoveryCodes(): Promise<Result<{ recoveryCodes: string[]; recoveryCodesId: string; assurance?: Assurance }>>;
  /** The user says that the codes are saved. `recoveryCodesId`: the set that was shown; refused if a newer set has replaced it. */
  recoveryCodesSaved(input?: { recoveryCodesId?: string | undefined }): Promise<Result>;
  /** `endedOwnSession`: this session belongs to the device, so a code is needed to continue. */
  revokeDevice(input: { deviceId: string }): Promise<Result<{ assurance?: Assurance; endedOwnSession?: true }>>;
  endAllSessions(): Promise<RequestChange>;
  /**
   * The password changes: ends the other sessions and keeps this one. Call it before the new password is stored, and again after. Throws an
   * MfaError `not_done` if it failed: then answer with an error and do not change the password.
   */
  passwordChanged(): Promise<{ ok: true; ended: boolean; assurance?: Assurance }>;
  /**
   * Ends an open connection when access ends: `await (await mfaFor(req, res)).whileAllowed(res)` in a route that sends events, or with any
   * Node stream, or a socket of ws or socket.io. Checks now and every 30 seconds (`everySeconds`) with one read each time, until it closes.
   * If access cannot be checked, the connection ends. Returns false if it was ended at once, or had ended already.
   */
  whileAllowed(open: object, options?: WhileAllowedOptions): Promise<boolean>;
  /** Keeps a path of this origin to return to after the proof, in a cookie for ten minutes. Ignores anything else. */
  setReturnTo(path: string): Promise<void>;
  /**
   * Where the host's login sends the browser, before or after `beginLogin`: `res.redirect(flows.returnTo())`. It is the path whose guard
   * sent the person to the login, or the option `homeUrl`. If a link on another site led there, it is a page of the kit that asks first.
   */
  returnTo(): string;
  /** Ids of the devices whose tokens came with the request, unverified. Use them to mark "this device" in a list, and for nothing else. */
  shownDeviceIds(): string[];
  /** Whether the host's session holds the state. False for bearer clients and pending tokens, which get it in the answer. */
  readonly hasSession: boolean;
}

/** The flows as the kit's own endpoints use them. */
export interface KitFlows<User extends MfaUser = MfaUser> extends RequestFlows<User> {
  /** Returns the way back and uses it up. */
  takeWayBack(): WayBack | undefined;
  /**
   * Does for a login at the prompt what `beginLogin` would have done with the cookie of a remembered device. A login by cross-site POST, as
   * in SAML, arrives without that cookie. Returns true if the login is complete.
   */
  rotateDevice(): Promise<boolean>;
}

/** How long after the password a remembered device may still complete the login. */
const LOGIN_WAITS_MS = 900_000;

interface FlowsOptions {
  /** The proof came from a form of the kit's pages: it leads to the kit's own page, which redirects and uses up the way back. */
  proofEndsAtDone?: boolean;
}

/** Binds the flows to one exchange. `identity`: who acts by a pending token, instead of the session's user. */
export async function bindFlows<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  identity?: ActingIdentity<User>,
  how?: FlowsOptions,
): Promise<KitFlows<User>> {
  return bindState(kit, await readRequestState(kit, exchange, identity), exchange, how);
}

/** Binds the flows to a request state that was already read. */
export function bindState<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  state: RequestState<User, Request>,
  exchange: MfaExchange<User, Request>,
  { proofEndsAtDone = false }: FlowsOptions = {},
): KitFlows<User> {
  const { mfa, options } = kit;
  let wayOfLogin: WayBack | undefined;

  async function acting<Answer extends object>(
    flow: (input: { user: User; session: MfaSession | undefined; context: EventContext | undefined }) => Promise<Result<Answer>>,
    { reads = false }: { reads?: boolean } = {},
  ): Promise<Result<Answer>> {
    if (state.late) return refuse('unavailable', { retryAfterSeconds: LATE_RETRY_SECONDS });
    if (!state.user) return refuse('login_again');
    const begun = await beginMissingLogin(kit, state);
    if (begun && begun.access === 'unavailable') return refuse('unavailable', { retryAfterSeconds: begun.retryAfterSeconds });
    // MFA is off for this user: there is nothing to prove or to change.
    if (begun?.access === 'allow' && !state.session && !reads) return refuse('not_allowed');
    return flow({ user: state.user, session: state.session, context: state.context });
  }

  async function prove<Answer extends { session: MfaSession; assurance: Assurance; device?: DeviceGrant }>(
    result: Result<Answer>,
  ): Promise<Result<Omit<Answer, 'session' | 'device'> & RequestProof>> {
    if (!result.ok) return result;
    const { session, device, ...rest } = result;
    const way = state.wayBack();
    const fromRelease1 = state.session?.returnTo;
    const { returnTo: _, ...proven } = session;
    if (!(await state.saveState(proven, { renew: true }))) return refuse('unavailable');
    const deviceToken = state.sendDeviceToken(device);
    const returnTo = leadOn(way, fromRelease1);
    return { ...rest, returnTo, ...(deviceToken !== undefined && { deviceToken }) };
  }

  /**
   * A client without the kit's pages gets the path, if it may be followed. A browser goes by the page of the kit, which asks the person if
   * needed.
   */
  function leadOn(way: WayBack | undefined, fromRelease1: string | undefined): string {
    if (!proofEndsAtDone) {
      state.dropWayBack();
      return way?.navigation === 'follow' ? way.path : options.homeUrl;
    }
    if (way && way.path === fromRelease1) state.keepWayBack(way);
    return `${options.publicPath}/done`;
  }

  /**
   * A login uses up the way back. If it was kept while nobody was logged in and is to be offered after the proof, it now belongs to this
   * user.
   */
  function endWayBack(): void {
    const anonymous = state.anonymousWayBack();
    wayOfLogin = state.wayBack() ?? anonymous;
    if (wayOfLogin !== undefined && wayOfLogin === anonymous && anonymous.navigation === 'offer') state.keepWayBack(anonymous);
    else state.dropWayBack();
  }

  async function change<Answer extends { session?: MfaSession }>(
    result: Result<Answer>,
  ): Promise<Result<Omit<Answer, 'session'> & { assurance?: Assurance }>> {
    if (!result.ok) return result;
    const { session, ...rest } = result;
    if (!(await state.saveState(session, { renew: false }))) return refuse('unavailable');
    return { ...rest, ...(session?.state === 'verified' && { assurance: session.assurance }) };
  }

  /** A failed login ends what the session had proven before, just as a successful one does. */
  async function endProof(): Promise<void> {
    await state.saveState(undefined, { renew: true }).catch(() => false);
  }

  return {
    get user() {
      return state.user;
    },
    get session() {
      return state.session;
    },
    get assurance() {
      return state.session?.state === 'verified' ? state.session.assurance : undefined;
    },
    async beginLogin({ user, loggedInAt } = {}) {
      if (user) Object.assign(state, { user, late: false });
      if (state.late) {
        await endProof();
        return { decision: { access: 'unavailable', retryAfterSeconds: LATE_RETRY_SECONDS } };
      }
      if (!state.user) {
        await endProof();
        throw new MfaError(
          'host_setup',
          'beginLogin() found nobody logged in. Call it after req.logIn(), or pass { user }. If the login has saved its session, let the option "user" read that session, because a guard that sets request.user may not run for this route.',
        );
      }
      state.useSession();
      const login = await beginAndSaveLogin(state, {
        mfa,
        user: state.user,
        renew: true,
        ...(loggedInAt !== undefined && { loggedInAt }),
      }).catch(async (error: unknown) => {
        await endProof();
        throw error;
      });
      endWayBack();
      if (!state.hasSession && login.pendingToken !== undefined) warnOfMissingUserById(kit);
      return login;
    },
    async rotateDevice() {
      const { user, session } = state;
      if (!user || session?.state !== 'pending' || !state.hasSession) return false;
      const shown = claimedDeviceIds(state.deviceTokens());
      const loginMs = mfa.settings.now() - session.since;
      if (shown.length === 0 || loginMs > LOGIN_WAITS_MS || loginMs < 0) return false;
      const status = await mfa.getStatus({ user, context: state.context });
      const isRemembered =
        status.ok && status.status.devices.some(({ id, rememberedUntil }) => rememberedUntil && shown.includes(id));
      if (!isRemembered) return false;
      const login = await beginAndSaveLogin(state, { mfa, user, renew: true, loggedInAt: session.since });
      return login.decision.access === 'allow';
    },
    checkAccess: async (requirement = {}) => checkAccess(kit, state, requirement),
    startEnrollment: async (input = {}) => change(await acting((who) => mfa.startEnrollment({ ...who, ...input }))),
    currentEnrollment: () => acting((who) => mfa.currentEnrollment(who)),
    confirmEnrollment: async ({ enrollmentId, rememberDevice, ...fields }) =>
      prove(
        await acting(async (who) => {
          const session = startedHere(state, who.session, enrollmentId);
          const device = await state.deviceInput(rememberDevice);
          return mfa.confirmEnrollment({ ...who, session, ...device, enrollmentId, proof: proofOf(fields, ENROLLABLE) });
        }),
      ),
    cancelEnrollment: async ({ enrollmentId }) =>
      change(
        await acting((who) =>
          mfa.cancelEnrollment({ ...who, session: startedHere(state, who.session, enrollmentId), enrollmentId }),
        ),
      ),
    verify: async ({ rememberDevice, ...fields }) =>
      prove(
        await acting(async (who) => mfa.verify({ ...who, ...(await state.deviceInput(rememberDevice)), proof: proofOf(fields) })),
      ),
    getStatus: () => acting(({ user, context }) => mfa.getStatus({ user, context }), { reads: true }),
    renameAuthenticator: async (input) => change(await acting((who) => mfa.renameAuthenticator({ ...who, ...input }))),
    removeAuthenticator: async (input) => change(await acting((who) => mfa.removeAuthenticator({ ...who, ...input }))),
    regenerateRecoveryCodes: async () => change(await acting((who) => mfa.regenerateRecoveryCodes(who))),
    recoveryCodesSaved: (input = {}) => acting((who) => mfa.recoveryCodesSaved({ ...who, ...input })),
    revokeDevice: async (input) => change(await acting((who) => mfa.revokeDevice({ ...who, ...input }))),
    endAllSessions: async () => change(await acting((who) => mfa.endAllSessions(who))),
    async passwordChanged() {
      const { user, session, context, late } = state;
      if (late) {
        throw new MfaError(
          'not_done',
          'passwordChanged() ended nothing, because one of your callbacks did not answer in time and the user is unknown. Answer with an error.',
        );
      }
      if (!user) {
        throw new MfaError(
          'host_setup',
          'passwordChanged() found nobody logged in, so nothing was ended. Call it where the user is known, or mfa.passwordChanged({ userId }).',
        );
      }
      const { ended, session: kept } = await mfa.passwordChanged({ userId: user.id, context, ...(session && { keep: session }) });
      // No session ended. A state that is not in force is left for the guard to refuse.
      if (!ended) return { ok: true, ended };
      if (!(await state.saveState(kept, { renew: false }))) {
        throw new MfaError(
          'not_done',
          'passwordChanged() ended all sessions, this one included, because the session store did not take its new state. Answer with an error.',
        );
      }
      return { ok: true, ended, ...(kept?.state === 'verified' && { assurance: kept.assurance }) };
    },
    whileAllowed: (open, given) => keepWhileAllowed(kit, exchange, open, given),
    async setReturnTo(path) {
      const target = allowedReturn(options, path);
      if (target === undefined || !state.user) return;
      wayOfLogin = undefined;
      state.keepWayBack({ path: target, navigation: 'follow' });
    },
    returnTo() {
      const way = wayOfLogin ?? state.wayBack() ?? state.anonymousWayBack();
      if (!way) return options.homeUrl;
      return way.navigation === 'follow' ? way.path : `${options.publicPath}/done`;
    },
    takeWayBack() {
      const way = state.wayBack();
      state.dropWayBack();
      return way;
    },
    shownDeviceIds: () => claimedDeviceIds(state.deviceTokens()),
    get hasSession() {
      return state.hasSession;
    },
  };
}

/**
 * A bearer client has no session to remember what it started; knowing the id (128 random bits that only it received) is accepted as proof.
 * As for everybody, the proof in its token must be fresh.
 */
function startedHere<User extends MfaUser, Request>(
  state: RequestState<User, Request>,
  session: MfaSession | undefined,
  enrollmentId: string,
): MfaSession | undefined {
  if (state.hasSession || session?.state !== 'verified') return session;
  return { ...session, enrollmentIds: [enrollmentId] };
}
