import { expect } from 'vitest';
import { DAY, HOUR, MINUTE, SECOND } from '../support/core-fixture.js';
import { fc } from '../support/fast-check.js';
import { accessOf } from './access.js';
import { isRemembered } from './browsers.js';
import { waitFor } from './guesses.js';
import { seenInModel } from './perform.js';
import { apply } from './rules.js';
import { type Answer, type Facts, NOBODY, type Session, type State, type Step, type Token } from './state.js';
import type { Status, World } from './world.js';

/** What a browser stores: the state of its session, and every device token that it ever had, the newest last. */
interface Browser {
  session?: Session | undefined;
  tokens: readonly Token[];
}

/** The state that core must have. */
export interface Model {
  mfa: 'required' | 'optional';
  state: State;
  browsers: Browser[];
  /** Every issued session state, including those that a browser no longer has, because an old cookie can be sent again. */
  given: Session[];
  /** The names of started enrollments and of shown sets of codes. */
  enrollments: string[];
  sets: string[];
  /** The number of operations so far, and of those that proved a factor. */
  count: number;
  proofs: number;
}

export type ModelCommand = fc.AsyncCommand<Model, World>;

/** A command with one operation, which can start while others are in progress. */
export interface OneStep extends ModelCommand {
  process: number;
  /** The step of the command in the current state of the model. */
  stepOf(model: Model, world: World): Step;
}

export const BROWSERS = 3;
const STEP = 30 * SECOND;

export function createModel(mfa: Model['mfa']): Model {
  const browsers = Array.from({ length: BROWSERS }, (): Browser => ({ tokens: [] }));
  return { mfa, state: NOBODY, browsers, given: [], enrollments: [], sets: [], count: 0, proofs: 0 };
}

/** What a step needs to know. */
interface Situation {
  model: Model;
  browser: Browser;
  now: number;
  shows: World['shows'];
}

/** A command: the step, its browser and its process. */
function doing(label: string, browser: number, process: number, decide: (situation: Situation) => Step): OneStep {
  const browserOf = (model: Model) => model.browsers[browser] as Browser;
  const stepOf = (model: Model, world: World) =>
    decide({ model, browser: browserOf(model), now: world.clock.now(), shows: world.shows });
  return {
    process,
    stepOf,
    check: () => true,
    async run(model, world) {
      const step = stepOf(model, world);
      const name = `${++model.count}`;
      const outcome = apply(model.state, step, factsOf(model, world, name));
      const real = await world.perform(step, process);
      expect(real.seen, `${name} ${label}`).toEqual(seenInModel(outcome.answer));
      world.bind(name, step, outcome.answer, real);
      model.state = outcome.state;
      note(model, browserOf(model), step, name, outcome.answer);
      await compare(model, world, `after ${name} ${label}`);
    },
    toString: () => `${label} [browser ${browser}, process ${process}]`,
  };
}

export function factsOf(model: Model, world: Pick<World, 'clock' | 'shows'>, name: string): Facts {
  return { name, now: world.clock.now(), mfa: model.mfa, shows: world.shows };
}

function note(model: Model, browser: Browser, step: Step, name: string, answer: Answer): void {
  if (answer.session && answer.session !== browser.session) model.given.push(answer.session);
  if (answer.session) browser.session = answer.session;
  if ((step.kind === 'verify' || step.kind === 'confirm') && answer.said === 'ok') model.proofs += 1;
  if (answer.minted) browser.tokens = [...browser.tokens, answer.minted];
  if (step.kind === 'start' && answer.said === 'ok') model.enrollments.push(name);
  if (answer.codes !== undefined) model.sets.push(answer.codes);
}

/** Compares everything that is observable with the model, for every session state that was ever issued. */
export async function compare(model: Model, world: World, when: string): Promise<void> {
  expect(await world.status(), when).toEqual(statusOf(model.state, world.clock.now()));
  const { mfa, state, given } = model;
  for (const session of given.slice(-5)) {
    expect(await world.access(session), `${when}: the guard`).toBe(accessOf(state, session, { mfa, now: world.clock.now() }));
  }
}

export function statusOf(state: State, now: number): Status {
  return {
    apps: state.apps.length,
    devices: state.devices.length,
    remembered: state.devices.flatMap((one) => (isRemembered(one, now) ? [one.remembered?.until ?? 0] : [])).sort(),
    codesLeft: state.codes?.left.size ?? 0,
    waitSeconds: Math.ceil(waitFor(state.budget, 'account', now) / SECOND),
  };
}

/** Which code is typed: the authenticator and the step relative to now, or a wrong one. */
export type Typed = { app: number; ahead: number } | 'wrong';

export function digitsOf({ model, now, shows }: Omit<Situation, 'browser'>, typed: Typed, names?: readonly string[]): string {
  const apps = names ?? model.state.apps.map(({ name }) => name);
  const step = Math.floor(now / STEP);
  if (typed !== 'wrong') {
    const app = pick(apps, typed.app);
    return app === undefined ? '123456' : shows(app, step + typed.ahead);
  }
  const near = new Set(apps.flatMap((app) => [-1, 0, 1].map((ahead) => shows(app, step + ahead))));
  for (let code = 0; ; code++) {
    const digits = String(code).padStart(6, '0');
    if (!near.has(digits)) return digits;
  }
}

/** The tokens that a browser presents: the newest, or one whose successor was already presented, if it has one. */
export function tokensShown({ tokens }: Browser, which: Shown): readonly Token[] {
  if (which === 'none') return [];
  return which === 'newest' ? tokens.slice(-1) : tokens.slice(-3).slice(0, 1);
}

export type Shown = 'newest' | 'older' | 'none';

function sessionFor({ model, browser }: Situation, old: number | null): Session | undefined {
  return old === null ? browser.session : pick(model.given, old);
}

function pick<T>(list: readonly T[], index: number): T | undefined {
  return list.length === 0 ? undefined : list[index % list.length];
}

export function moveClock(milliseconds: number): ModelCommand {
  return {
    check: () => true,
    async run(model, world) {
      world.clock.advance(milliseconds);
      await compare(model, world, `after the clock moved by ${milliseconds / SECOND} seconds`);
    },
    toString: () => `move the clock by ${milliseconds / SECOND} s`,
  };
}

const browser = fc.nat(BROWSERS - 1);
const process = fc.nat(1);
const shown = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Shown>('newest') },
  fc.constant<Shown>('older'),
  fc.constant<Shown>('none'),
);
/** Usually the browser's current state, sometimes an old one. */
const old = fc.option(fc.nat(7), { freq: 6, nil: null });
const typed = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ app: fc.nat(2), ahead: fc.constantFrom(0, 0, 0, -1, 1, -2, 2) }) as fc.Arbitrary<Typed>,
  },
  { weight: 2, arbitrary: fc.constant<Typed>('wrong') },
);
export const logIn = (at: number, by: number, tokens: Shown, byToken: boolean) =>
  doing(`log in, showing ${tokens}${byToken ? ', by token' : ''}`, at, by, ({ browser: from }) => ({
    kind: 'log in',
    tokens: tokensShown(from, tokens),
    byToken,
  }));

interface BrowserInput {
  tokens: Shown;
  remember: boolean;
  label: boolean;
}

export const verify = (at: number, by: number, code: Typed, input: BrowserInput, before: number | null = null) =>
  doing(`verify ${JSON.stringify(code)} ${JSON.stringify(input)}${oldWord(before)}`, at, by, (situation) => ({
    kind: 'verify',
    session: sessionFor(situation, before),
    proof: { digits: digitsOf(situation, code) },
    ...input,
    tokens: tokensShown(situation.browser, input.tokens),
  }));

export const recover = (at: number, by: number, number: number, input: BrowserInput, set = 0, before: number | null = null) =>
  doing(`use recovery code ${number} of set ${set} ${JSON.stringify(input)}${oldWord(before)}`, at, by, (situation) => ({
    kind: 'verify',
    session: sessionFor(situation, before),
    proof: { set: pick(situation.model.sets.toReversed(), set) ?? 'none', number },
    ...input,
    tokens: tokensShown(situation.browser, input.tokens),
  }));

export const startEnrollment = (at: number, by: number, before: number | null = null) =>
  doing(`start an enrollment${oldWord(before)}`, at, by, (situation) => ({
    kind: 'start',
    session: sessionFor(situation, before),
  }));

export const confirm = (at: number, by: number, newest: number, code: Typed, input: BrowserInput, before: number | null = null) =>
  doing(
    `confirm enrollment ${newest} with ${JSON.stringify(code)} ${JSON.stringify(input)}${oldWord(before)}`,
    at,
    by,
    (situation) => {
      const enrollment = pick(situation.model.enrollments.toReversed(), newest) ?? 'none';
      return {
        kind: 'confirm',
        session: sessionFor(situation, before),
        enrollment,
        digits: digitsOf(situation, code, [enrollment]),
        ...input,
        tokens: tokensShown(situation.browser, input.tokens),
      };
    },
  );

export const cancel = (at: number, by: number, newest: number) =>
  doing(`cancel enrollment ${newest}`, at, by, (situation) => ({
    kind: 'cancel',
    session: situation.browser.session,
    enrollment: pick(situation.model.enrollments.toReversed(), newest) ?? 'none',
  }));

export const manageApp = (kind: 'rename' | 'remove', at: number, by: number, app: number, before: number | null = null) =>
  doing(`${kind} authenticator ${app}${oldWord(before)}`, at, by, (situation) => ({
    kind,
    session: sessionFor(situation, before),
    app: pick(situation.model.state.apps, app)?.name ?? 'none',
  }));

export const manageAll = (kind: 'regenerate' | 'end all sessions', at: number, by: number, before: number | null = null) =>
  doing(`${kind}${oldWord(before)}`, at, by, (situation) => ({ kind, session: sessionFor(situation, before) }));

export const revoke = (at: number, by: number, device: number) =>
  doing(`revoke device ${device}`, at, by, ({ model, browser: from }) => ({
    kind: 'revoke',
    session: from.session,
    device: pick(model.state.devices, device)?.name ?? 'none',
  }));

export const changePassword = (at: number, by: number, keep: boolean) =>
  doing(`change the password${keep ? ', keeping the session' : ''}`, at, by, ({ browser: from }) => ({
    kind: 'change the password',
    keep: keep ? from.session : undefined,
  }));

export const support = (kind: 'reset' | 'clear the lockout' | 'forget', by: number) => doing(kind, 0, by, () => ({ kind }));

/** Several steps in a row, as people do them, so that a history makes progress. */
export function inARow(label: string, commands: readonly ModelCommand[]): ModelCommand {
  return {
    check: () => true,
    async run(model, world) {
      for (const command of commands) await command.run(model, world);
    },
    toString: () => `${label}: { ${commands.join('; ')} }`,
  };
}

const USUAL: BrowserInput = { tokens: 'newest', remember: false, label: true };

export const enroll = (at: number, by: number, input: BrowserInput = USUAL) =>
  inARow('enroll', [logIn(at, by, 'none', false), startEnrollment(at, by), confirm(at, by, 0, { app: 0, ahead: 0 }, input)]);

export const logInWithCode = (at: number, by: number, app: number, input: BrowserInput = USUAL) =>
  inARow('log in with a code', [
    moveClock(61 * SECOND),
    logIn(at, by, input.tokens, false),
    verify(at, by, { app, ahead: 0 }, input),
  ]);

export const addApp = (at: number, by: number, app: number) =>
  inARow('add an authenticator', [
    logInWithCode(at, by, app),
    startEnrollment(at, by),
    confirm(at, by, 0, { app: 0, ahead: 0 }, { ...USUAL, remember: true }),
  ]);

export const guess = (at: number, by: number, times: number, tokens: Shown) =>
  inARow('guess', [
    logIn(at, by, tokens, false),
    ...Array.from({ length: times }, () => verify(at, by, 'wrong', { ...USUAL, tokens })),
  ]);

/** Waits between guesses, so that only the bucket limits them. */
export const guessSlowly = (at: number, by: number, times: number, tokens: Shown) =>
  inARow('guess slowly', [
    logIn(at, by, tokens, false),
    ...Array.from({ length: times }, () => [moveClock(HOUR), verify(at, by, 'wrong', { ...USUAL, tokens })]).flat(),
  ]);

const often = [SECOND, 29 * SECOND, 30 * SECOND, 61 * SECOND];
const seldom = [2 * MINUTE, 5 * MINUTE, 16 * MINUTE, HOUR, 9 * HOUR, DAY, 31 * DAY];

/** All commands. */
export function anyCommand(jumps: readonly number[] = []): fc.Arbitrary<ModelCommand> {
  const input = fc.record({ tokens: shown, remember: fc.boolean(), label: fc.boolean() });
  const newest = fc.constantFrom(0, 0, 0, 1);
  const kinds: [number, fc.Arbitrary<ModelCommand>][] = [
    [6, fc.tuple(browser, process, shown, fc.boolean()).map((given) => logIn(...given))],
    [10, fc.tuple(browser, process, typed, input, old).map((given) => verify(...given))],
    [4, fc.tuple(browser, process, fc.nat(2), input, fc.constantFrom(0, 0, 1), old).map((given) => recover(...given))],
    [4, fc.tuple(browser, process, old).map((given) => startEnrollment(...given))],
    [5, fc.tuple(browser, process, newest, typed, input, old).map((given) => confirm(...given))],
    [1, fc.tuple(browser, process, newest).map((given) => cancel(...given))],
    [
      4,
      fc.tuple(fc.constantFrom('rename', 'remove', 'remove'), browser, process, fc.nat(2), old).map((one) => manageApp(...one)),
    ],
    [3, fc.tuple(fc.constantFrom('regenerate', 'end all sessions'), browser, process, old).map((given) => manageAll(...given))],
    [2, fc.tuple(browser, process, fc.nat(2)).map((given) => revoke(...given))],
    [1, fc.tuple(browser, process, fc.boolean()).map((given) => changePassword(...given))],
    [
      2,
      fc
        .tuple(fc.constantFrom('reset', 'clear the lockout', 'clear the lockout', 'forget'), process)
        .map((one) => support(...one)),
    ],
    [8, fc.constantFrom(...often).map(moveClock)],
    [3, fc.constantFrom(...seldom).map(moveClock)],
    [jumps.length > 0 ? 8 : 0, fc.constantFrom(...jumps, 0).map(moveClock)],
    [3, fc.tuple(browser, process, input).map((given) => enroll(...given))],
    [6, fc.tuple(browser, process, fc.nat(2), input).map((given) => logInWithCode(...given))],
    [3, fc.tuple(browser, process, fc.nat(2)).map((given) => addApp(...given))],
    [3, fc.tuple(browser, process, fc.integer({ min: 2, max: 6 }), shown).map((given) => guess(...given))],
    [1, fc.tuple(browser, process, fc.integer({ min: 8, max: 24 }), shown).map((given) => guessSlowly(...given))],
  ];
  return fc.oneof(...kinds.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

function oldWord(before: number | null): string {
  return before === null ? '' : `, with old state ${before}`;
}
