import { DAY, HOUR, SECOND } from '../support/core-fixture.js';
import { accessOf, isFresh, isInForce, refusalOf, refusalToManage } from './access.js';
import {
  addDevice,
  budgetOf,
  change,
  isRemembered,
  type Known,
  recognize,
  tidy,
  unrememberDevices,
  use,
  withBudget,
  withoutDevice,
} from './browsers.js';
import { afterHelp, afterReplay, afterRight, afterWrong, waitFor } from './guesses.js';
import {
  type Answer,
  type App,
  type Budget,
  type Facts,
  NOBODY,
  type Owner,
  type Pending,
  type Session,
  type State,
  type Step,
  UNTOUCHED,
} from './state.js';

type Outcome = { state: State; answer: Answer };
type Of<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;

const MINUTE = 60 * SECOND;
const STEP = 30 * SECOND;
const REMEMBERED = 30 * DAY;

/** The result of an operation: the answer, and the new state of the user. */
export function apply(before: State, step: Step, facts: Facts): Outcome {
  const state = tidy(before, facts.now);
  const outcome = decide(state, step, facts);
  return outcome.state === state ? { ...outcome, state: before } : outcome;
}

function decide(state: State, step: Step, facts: Facts): Outcome {
  switch (step.kind) {
    case 'log in':
      return logIn(state, step, facts);
    case 'verify':
      return 'digits' in step.proof ? verifyCode(state, step, step.proof.digits, facts) : verifyRecovery(state, step, facts);
    case 'start':
      return start(state, step.session, facts);
    case 'confirm':
      return confirm(state, step, facts);
    case 'cancel': {
      const closed = refusalOf(state, step.session, facts.now);
      if (closed) return { state, answer: closed };
      const counts = step.session?.state !== 'verified' || isInForce(state, step.session);
      const pending = state.pending.filter((one) => one.name !== step.enrollment || !counts || !isOwn(one, step.session));
      return { state: { ...state, pending }, answer: { said: 'ok', session: step.session } };
    }
    case 'change the password':
      return changePassword(state, step.keep, facts);
    case 'reset': {
      const left = inNewEpoch({ ...state, exists: true, apps: [], codes: null, devices: [], starts: [] }, facts.name);
      return { state: left, answer: { said: 'ok' } };
    }
    case 'clear the lockout':
      return { state: state.exists ? helped(state, facts.now) : state, answer: { said: 'ok' } };
    case 'forget':
      return { state: NOBODY, answer: { said: 'ok' } };
    default:
      return manage(state, step, facts);
  }
}

function logIn(before: State, { tokens, byToken }: Of<'log in'>, facts: Facts): Outcome {
  const { name, now } = facts;
  const state = before.exists ? before : { ...NOBODY, exists: true, epoch: `${name}.epoch`, deviceEpoch: `${name}.devices` };
  const known: Known = state.apps.length === 0 ? { is: 'unknown' } : recognize(state, tokens, now);
  if (known.is === 'live' && isRemembered(known.device, now)) {
    const used = use(state, known, `${name}.token`, now);
    const session: Session = {
      state: 'verified',
      epoch: state.epoch,
      verifiedAt: now,
      via: 'remembered-device',
      device: known.device.name,
    };
    // A use that creates no token counts as one use with the others of the same minute.
    const next = used.minted ? used.state : state;
    return { state: next, answer: { said: accessOf(next, session, facts), session, minted: used.minted } };
  }
  const next = known.is === 'reused' ? withoutDevice(state, known.device.name) : state;
  const { epoch, deviceEpoch } = next;
  const token = byToken ? { token: { name: `${name}.pending`, expiresAt: now + 10 * MINUTE } } : {};
  const session: Session = { state: 'pending', epoch, deviceEpoch, since: now, enrollments: [], ...token };
  return { state: next, answer: { said: accessOf(next, session, facts), session } };
}

function verifyCode(state: State, step: Of<'verify'>, digits: string, facts: Facts): Outcome {
  const { now } = facts;
  const closed = refusalOf(state, step.session, now) ?? unenrolled(state);
  if (closed) return { state, answer: closed };
  const known = recognize(state, step.tokens, now);
  const purse = ownerOf(known);
  const throttled = throttle(state, budgetOf(state, known), purse, now);
  if (throttled) return throttled;
  const { apps, right, used } = checkCode(state.apps, digits, facts);
  // The loser of a race, or a form that was submitted twice, costs nothing.
  if (!right && used === 'a moment ago') return { state: { ...state }, answer: { said: 'invalid_code' } };
  const charged = (used ? afterReplay : afterWrong)(budgetOf(state, known), now);
  if (!right) return { state: withBudget(state, known, charged), answer: { said: 'invalid_code' } };

  const paid = withBudget({ ...state, apps }, known, afterRight(budgetOf(state, known), now));
  const spent = useUp(paid, step.session);
  const isLogin = step.session?.state === 'pending';
  const allowed = step.remember && step.session?.state === 'pending' && step.session.deviceEpoch === state.deviceEpoch;
  const remembered = allowed ? { at: now, until: now + REMEMBERED } : undefined;
  const passed = pass(spent, known, { ...step, remembered: isLogin ? remembered : 'as before' }, facts);
  const enrollments = step.session?.state === 'verified' ? step.session.enrollments : undefined;
  const device = deviceOf(step.session, passed);
  const session: Session = { state: 'verified', epoch: state.epoch, verifiedAt: now, via: 'otp', ...device, enrollments };
  return { state: passed.state, answer: { said: 'ok', session, minted: passed.minted } };
}

function verifyRecovery(state: State, step: Of<'verify'>, facts: Facts): Outcome {
  const { now, name } = facts;
  const closed = refusalOf(state, step.session, now) ?? unenrolled(state);
  if (closed) return { state, answer: closed };
  const proof = step.proof as { set: string; number: number };
  if (state.codes?.set !== proof.set || !state.codes.left.has(proof.number)) {
    return { state: { ...state }, answer: { said: 'invalid_code' } };
  }
  const left = new Set([...state.codes.left].filter((number) => number !== proof.number));
  const spent = useUp(unrememberDevices({ ...state, codes: { ...state.codes, left } }, `${name}.devices`), step.session);
  const known = recognize(spent, step.tokens, now);
  // A browser that used a recovery code is known, but not remembered.
  const passed = pass(spent, known, { ...step, remember: false, remembered: undefined }, facts);
  const enrollments = step.session?.state === 'verified' ? step.session.enrollments : undefined;
  const device = deviceOf(step.session, passed);
  const session: Session = {
    state: 'verified',
    epoch: state.epoch,
    verifiedAt: now,
    via: 'recovery-code',
    ...device,
    enrollments,
  };
  return { state: passed.state, answer: { said: 'ok', session, minted: passed.minted, left: left.size } };
}

function start(state: State, session: Session | undefined, { name, now }: Facts): Outcome {
  const closed = refusalOf(state, session, now);
  if (closed || !session) return { state, answer: closed ?? { said: 'login_again' } };
  if (state.apps.length > 0 && !isFresh(state, session, 5 * MINUTE, now))
    return { state, answer: { said: 'assurance_required' } };
  const fresh =
    session.state === 'verified'
      ? isFresh(state, session, 15 * MINUTE, now)
      : now - session.since <= 15 * MINUTE && now - session.since >= -MINUTE;
  if (state.apps.length === 0 && !fresh) return { state, answer: { said: 'login_again' } };
  const starts = state.starts.filter((instant) => instant > now - HOUR && instant <= now + MINUTE);
  if (state.apps.length >= 5) return { state, answer: { said: 'limit_reached' } };
  if (starts.length >= 10) {
    const retryAfterSeconds = Math.ceil((Math.min(...starts) + HOUR - now) / SECOND);
    return { state, answer: { said: 'limit_reached', retryAfterSeconds } };
  }
  const token = session.state === 'pending' ? session.token?.name : undefined;
  const pending: Pending = { name, startedAt: now, steppedUp: state.apps.length > 0, token, budget: UNTOUCHED };
  const others = state.pending.filter((one) => isOpen(one, now) && !isOwn(one, session));
  const enrollments = [...(session.enrollments ?? []).slice(-2), name];
  return {
    state: { ...state, pending: [...others.slice(-2), pending], starts: [...starts, now] },
    answer: { said: 'ok', session: { ...session, enrollments } },
  };
}

function confirm(state: State, step: Of<'confirm'>, facts: Facts): Outcome {
  const { name, now } = facts;
  const { session } = step;
  if (!session) return { state, answer: { said: 'login_again' } };
  if (state.apps.some((app) => app.name === step.enrollment)) return { state, answer: { said: 'already_confirmed' } };
  const closed = refusalOf(state, session, now);
  if (closed) return { state, answer: closed };
  const pending = state.pending.find((one) => one.name === step.enrollment);
  if (!pending || !isOpen(pending, now) || !isOwn(pending, session)) return { state, answer: { said: 'enrollment_expired' } };
  const proven = pending.steppedUp && session.state === 'verified' && isInForce(state, session);
  if (state.apps.length > 0 && !proven) return { state, answer: { said: 'assurance_required' } };
  if (state.apps.length >= 5) return { state, answer: { said: 'limit_reached' } };
  const throttled = throttle(state, pending.budget, 'enrollment', now);
  if (throttled) return throttled;
  const checked = checkCode([{ name: pending.name, closed: new Set(), usedAt: 0 }], step.digits, facts);
  if (!checked.right) {
    const charged = { ...pending, budget: afterWrong(pending.budget, now) };
    const rest = state.pending.map((one) => (one.name === pending.name ? charged : one));
    return { state: { ...state, pending: rest }, answer: { said: 'invalid_code' } };
  }

  const apps = [...checkCode(state.apps, step.digits, facts).apps, ...checked.apps];
  const made = state.codes === null;
  const codes = state.codes ?? {
    set: `${name}.codes`,
    madeAt: now,
    left: new Set(Array.from({ length: 10 }, (_, number) => number)),
  };
  const budget = state.apps.length === 0 ? afterRight(state.budget, now) : state.budget;
  const enrolled = useUp(unrememberDevices({ ...state, apps, budget, pending: [], codes }, `${name}.devices`), session);
  const remembered = step.remember ? { at: now, until: now + REMEMBERED } : undefined;
  const passed = pass(enrolled, recognize(enrolled, step.tokens, now), { ...step, remembered }, facts);
  const proof: Session = { state: 'verified', epoch: state.epoch, verifiedAt: now, via: 'otp', ...deviceOf(session, passed) };
  return {
    state: passed.state,
    answer: { said: 'ok', session: proof, minted: passed.minted, ...(made ? { codes: codes.set } : {}) },
  };
}

type Managing = Of<'rename' | 'remove' | 'regenerate' | 'end all sessions' | 'revoke'>;

function manage(state: State, step: Managing, { name, now, mfa }: Facts): Outcome {
  const { session } = step;
  const closed = refusalToManage(state, session, now);
  if (closed || !session) return { state, answer: closed ?? { said: 'login_again' } };
  const done = (next: State, shown: Partial<Answer> = {}): Outcome => ({
    state: next,
    answer: { said: 'ok', session: { ...session, epoch: next.epoch }, ...shown },
  });
  switch (step.kind) {
    case 'end all sessions':
      return done(inNewEpoch(state, name));
    case 'regenerate': {
      const madeAt = state.codes?.madeAt ?? 0;
      const proven = session.state === 'verified' ? session.verifiedAt : 0;
      if (madeAt <= now && proven < madeAt) return { state, answer: { said: 'assurance_required' } };
      const left = new Set(Array.from({ length: 10 }, (_, number) => number));
      return done({ ...state, codes: { set: `${name}.codes`, madeAt: now, left } }, { codes: `${name}.codes` });
    }
    case 'revoke': {
      const next = withoutDevice(state, step.device);
      const isOwnDevice = next !== state && session.state === 'verified' && session.device === step.device;
      const { epoch, deviceEpoch } = next;
      return done(next, isOwnDevice ? { session: { state: 'pending', epoch, deviceEpoch, since: 0, enrollments: [] } } : {});
    }
    default: {
      if (!state.apps.some((app) => app.name === step.app)) return { state, answer: { said: 'not_enrolled' } };
      if (step.kind === 'rename') return done(state);
      const apps = state.apps.filter((app) => app.name !== step.app);
      if (apps.length === 0 && mfa === 'required') return { state, answer: { said: 'not_allowed' } };
      const left = inNewEpoch({ ...state, apps }, name);
      return done(apps.length > 0 ? left : { ...left, codes: null, devices: [] });
    }
  }
}

function changePassword(state: State, keep: Session | undefined, { name }: Facts): Outcome {
  if (!state.exists) return { state, answer: { said: 'ok' } };
  const next = inNewEpoch(state, name);
  if (keep?.epoch !== state.epoch || (keep.state === 'verified' && !isInForce(state, keep)))
    return { state: next, answer: { said: 'ok' } };
  const own: Session =
    keep.state === 'pending' ? { ...keep, epoch: next.epoch, deviceEpoch: next.deviceEpoch } : { ...keep, epoch: next.epoch };
  return { state: next, answer: { said: 'ok', session: own } };
}

/** Finds the steps of the window with this code. If one is used, the code is refused; otherwise the latest one is used up. */
function checkCode(apps: readonly App[], digits: string, { now, shows }: Facts) {
  const clockStep = Math.floor(now / STEP);
  let right = false;
  let used: 'before' | 'a moment ago' | undefined;
  const checked = apps.map((app): App => {
    const matching = [clockStep - 1, clockStep, clockStep + 1].filter((step) => shows(app.name, step) === digits);
    const last = matching.at(-1);
    if (last === undefined) return app;
    if (matching.some((step) => app.closed.has(step))) {
      used = used === 'before' || Math.abs(now - app.usedAt) > 10 * SECOND ? 'before' : 'a moment ago';
      return app;
    }
    right = true;
    const steps = [clockStep - 1, clockStep, clockStep + 1].filter((step) => step <= last);
    return { ...app, closed: new Set([...app.closed, ...steps]), usedAt: now };
  });
  return { apps: checked, right, used };
}

function ownerOf(known: Known): Owner {
  return known.is === 'live' ? 'device' : 'account';
}

function throttle(state: State, budget: Budget, owner: Owner, now: number): Outcome | null {
  const wait = waitFor(budget, owner, now);
  return wait === 0 ? null : { state, answer: { said: 'throttled', retryAfterSeconds: Math.ceil(wait / SECOND) } };
}

/** The browser of a right proof, which becomes known if it has a label, and remembered if that was requested and is allowed. */
function pass(
  state: State,
  known: Known,
  input: { remember: boolean; label: boolean; remembered: State['devices'][number]['remembered'] | 'as before' },
  { name, now }: Facts,
) {
  const remembered = input.remembered === 'as before' ? {} : { remembered: input.remembered };
  if (known.is === 'live') {
    const device = state.devices.find((one) => one.name === known.device.name) ?? known.device;
    const passed = change(state, device.name, { ...remembered, budget: afterRight(device.budget, now) });
    return { ...use(passed, known, `${name}.token`, now), device: device.name };
  }
  const ended = known.is === 'reused' ? withoutDevice(state, known.device.name) : state;
  if (!input.label && !input.remember) return { state: ended, minted: undefined, device: undefined };
  const until = input.remembered === 'as before' ? undefined : input.remembered;
  return { ...addDevice(ended, `${name}.device`, `${name}.token`, until, now), device: `${name}.device` };
}

/** The device of a proof: its own, otherwise that of the session while it is known. */
function deviceOf(session: Session | undefined, passed: { state: State; device?: string | undefined }): { device?: string } {
  const before = session?.state === 'verified' ? session.device : undefined;
  const kept = passed.state.devices.some(({ name }) => name === before) ? before : undefined;
  const device = passed.device ?? kept;
  return device === undefined ? {} : { device };
}

function helped(state: State, now: number): State {
  const devices = state.devices.map((device) => ({ ...device, budget: afterHelp(device.budget, now) }));
  const pending = state.pending.map((one) => ({ ...one, budget: UNTOUCHED }));
  return { ...state, devices, pending, budget: afterHelp(state.budget, now) };
}

function inNewEpoch(state: State, name: string): State {
  return { ...unrememberDevices(state, `${name}.devices`), epoch: `${name}.epoch`, pending: [], ended: new Set() };
}

function useUp(state: State, session: Session | undefined): State {
  if (session?.state !== 'pending' || !session.token) return state;
  return { ...state, usedTokens: new Set([...state.usedTokens, session.token.name]) };
}

function unenrolled(state: State): Answer | null {
  return state.apps.length === 0 ? { said: 'not_enrolled' } : null;
}

function isOpen({ startedAt }: Pending, now: number): boolean {
  return now < startedAt + 10 * MINUTE && startedAt <= now + MINUTE;
}

function isOwn({ name, token }: Pending, session: Session | undefined): boolean {
  if (session?.enrollments?.includes(name)) return true;
  return session?.state === 'pending' && session.token !== undefined && session.token.name === token;
}
