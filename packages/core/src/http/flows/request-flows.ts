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

/** What a proof bound to a request gives. */
export interface RequestProof {
  assurance: Assurance;
  /** Path to go on to. */
  returnTo: string;
  deviceToken?: string;
}

/** What a change gives; a bearer client needs a new token with this assurance. */
export type RequestChange = Result<{ assurance?: Assurance }>;

/**
 * The flows bound to one request: they know the user, read and write the session, renew it at each proof and set cookies.
 *
 * An answer says `ok` only once the session store has the new state. Made anew after a login: it is the user of one moment.
 */
export interface RequestFlows<User extends MfaUser = MfaUser> {
  readonly user: User | null;
  readonly session: MfaSession | undefined;
  /** What the session says it has proven; `checkAccess` tells whether that still counts. */
  readonly assurance: Assurance | undefined;
  /** The one line in the host's login, right after the first factor. `user` where the request does not show it yet. */
  beginLogin(input?: { user?: User | undefined; loggedInAt?: number | undefined }): Promise<RequestLogin>;
  checkAccess(requirement?: Requirement): Promise<AccessDecision>;
  startEnrollment<Kind extends EnrollableKind = DefaultKind>(input?: {
    kind?: Kind | undefined;
    name?: string | undefined;
  }): Promise<Result<{ enrollment: Enrollment<Kind> }>>;
  currentEnrollment(): Promise<Result<{ enrollment: Enrollment }>>;
  /** With the field of the first proof, such as `code`. */
  confirmEnrollment(
    input: FlatProof & { enrollmentId: string; rememberDevice?: boolean | undefined },
  ): Promise<Result<RequestProof & Pick<EnrollmentConfirmed, 'authenticator' | 'recoveryCodes' | 'recoveryCodesId'>>>;
  cancelEnrollment(input: { enrollmentId: string }): Promise<RequestChange>;
  /** With one field of a proof: `code`, or `recoveryCode`. */
  verify(
    input: FlatProof & { rememberDevice?: boolean | undefined },
  ): Promise<Result<RequestProof & Pick<Verified, 'recoveryCodesLeft' | 'recoveryCodesUnsaved'>>>;
  getStatus(): Promise<Result<{ status: MfaStatus }>>;
  renameAuthenticator(input: { authenticatorId: string; name: string }): Promise<RequestChange>;
  removeAuthenticator(input: { authenticatorId: string }): Promise<RequestChange>;
  regenerateRecoveryCodes(): Promise<Result<{ recoveryCodes: string[]; recoveryCodesId: string; assurance?: Assurance }>>;
  /** The user says that the codes are saved. `recoveryCodesId`: the set that was shown; refused where another one has followed it. */
  recoveryCodesSaved(input?: { recoveryCodesId?: string | undefined }): Promise<Result>;
  /** `endedOwnSession`: this session came from the device, so that a code is needed to go on. */
  revokeDevice(input: { deviceId: string }): Promise<Result<{ assurance?: Assurance; endedOwnSession?: true }>>;
  endAllSessions(): Promise<RequestChange>;
  /**
   * The password changes: other sessions end, this one goes on. Call it before the new password is stored, and again after. Throws
   * an MfaError `not_done` when that was not done: answer with an error then, and leave the password as it is.
   */
  passwordChanged(): Promise<{ ok: true; ended: boolean; assurance?: Assurance }>;
  /**
   * Ends what stays open, once access has ended: `await (await mfaFor(req, res)).whileAllowed(res)` in a route that sends events, or
   * with any stream of Node, or a socket of ws or socket.io. Asks now and every 30 seconds (`everySeconds`), one read each time, until
   * it closes; whatever cannot be found out ends it. Returns false when it was ended at once, or had ended already.
   */
  whileAllowed(open: object, options?: WhileAllowedOptions): Promise<boolean>;
  /** Keeps a path of this origin to go back to after the proof, in a cookie of ten minutes; anything else is ignored. */
  setReturnTo(path: string): Promise<void>;
  /**
   * Where the host's login sends the browser, before or after `beginLogin`: `res.redirect(flows.returnTo())`. The path whose guard sent
   * the person to the login, or the option `homeUrl`. Where a link of another site led there, it is the page of the kit that asks first.
   */
  returnTo(): string;
  /** Ids of the devices whose tokens came with the request, unverified: to mark "this device" in a list, no more. */
  shownDeviceIds(): string[];
  /** The host's session holds the state. False for bearer clients and pending tokens, which get it in the answer. */
  readonly hasSession: boolean;
}

/** The flows as the kit's own endpoints use them. */
export interface KitFlows<User extends MfaUser = MfaUser> extends RequestFlows<User> {
  /** The way back, which is used by this. */
  takeWayBack(): WayBack | undefined;
  /**
   * Does for a login at the prompt what `beginLogin` would have done if the cookie of a remembered device had come with it. A login by
   * cross-site POST, as SAML has it, comes without that cookie. True: the login is complete.
   */
  rotateDevice(): Promise<boolean>;
}

/** How long after the password a remembered device may still complete the login. */
const LOGIN_WAITS_MS = 900_000;

interface FlowsOptions {
  /** A proof leads to the kit's own page, which leads on and uses the way back. A form of the kit's pages made it. */
  proofEndsAtDone?: boolean;
}

/** Binds the flows to one exchange. `identity`: who acts by a pending token, in place of the session's user. */
export async function bindFlows<User extends MfaUser, Request>(
  kit: HttpKit<User, Request>,
  exchange: MfaExchange<User, Request>,
  identity?: ActingIdentity<User>,
  how?: FlowsOptions,
): Promise<KitFlows<User>> {
  return bindState(kit, await readRequestState(kit, exchange, identity), exchange, how);
}

/** Binds the flows to who acts, once that was read. */
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

  /** A client of its own gets the path, if it may be followed; a browser goes by the page of the kit, which asks where it must. */
  function leadOn(way: WayBack | undefined, fromRelease1: string | undefined): string {
    if (!proofEndsAtDone) {
      state.dropWayBack();
      return way?.navigation === 'follow' ? way.path : options.homeUrl;
    }
    if (way && way.path === fromRelease1) state.keepWayBack(way);
    return `${options.publicPath}/done`;
  }

  /** A login ends the way back. One that is to be offered after the proof, kept while nobody was logged in, is now of this user. */
  function endWayBack(): void {
    const ofNobody = state.wayBackOfNobody();
    wayOfLogin = state.wayBack() ?? ofNobody;
    if (wayOfLogin !== undefined && wayOfLogin === ofNobody && ofNobody.navigation === 'offer') state.keepWayBack(ofNobody);
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

  /** A login that fails ends what the session had proven before, as one that succeeds does. */
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
        throw new MfaError('host_setup', 'beginLogin() found nobody logged in. Call it after req.logIn(), or give it { user }.');
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
          'passwordChanged() was not done: a callback of yours did not answer in time, so it is not known who acts, and nothing was ended. Answer with an error.',
        );
      }
      if (!user) {
        throw new MfaError(
          'host_setup',
          'passwordChanged() found nobody logged in, so nothing was ended. Call it where the user is known, or mfa.passwordChanged({ userId }).',
        );
      }
      const { ended, session: kept } = await mfa.passwordChanged({ userId: user.id, context, ...(session && { keep: session }) });
      // Nothing was ended, and a state that is not in force is left to be refused.
      if (!ended) return { ok: true, ended };
      if (!(await state.saveState(kept, { renew: false }))) {
        throw new MfaError(
          'not_done',
          'passwordChanged() ended all sessions, but the session store did not take the new state of this one, so that it has ended too. Answer with an error.',
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
      const way = wayOfLogin ?? state.wayBack() ?? state.wayBackOfNobody();
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
 * Nothing is kept for a client with bearer tokens, so that it shows by the id itself, 128 random bits told to nobody else, that it
 * began the enrollment. That the proof in its token is fresh is asked as of everybody.
 */
function startedHere<User extends MfaUser, Request>(
  state: RequestState<User, Request>,
  session: MfaSession | undefined,
  enrollmentId: string,
): MfaSession | undefined {
  if (state.hasSession || session?.state !== 'verified') return session;
  return { ...session, enrollmentIds: [enrollmentId] };
}
