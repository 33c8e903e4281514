import { codeAt } from '../support/authenticator.js';
import { type DemoApp, STEP } from '../support/demo-app.js';
import type { JourneyPage } from './engines/journey-page.js';

/** A person with a phone and a browser, who finds everything on the pages by its text. */
export interface Person {
  username: string;
  /** The base32 key, after an authenticator was set up. */
  key: string;
  recoveryCodes: string[];
}

/** Fills in the login and sends it. */
export async function logIn(page: JourneyPage, app: DemoApp, username: string, password = app.password): Promise<void> {
  await page.goto(`${app.origin}/login`);
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

/** Logs out with the button of the application. */
export async function logOut(page: JourneyPage, app: DemoApp): Promise<void> {
  await page.goto(app.origin);
  await page.getByRole('button', { name: 'Log out' }).click();
}

/** Advances the clock to the next period and returns its code. */
export function nextCode(app: DemoApp, person: Pick<Person, 'key'>): Promise<string> {
  app.advance(STEP);
  return codeAt(person.key, app.now());
}

/** A code that is not valid now. */
export async function wrongCode(app: DemoApp, person: Pick<Person, 'key'>): Promise<string> {
  const right = await Promise.all([-2, -1, 0, 1, 2].map((step) => codeAt(person.key, app.now() + step * STEP)));
  return ['111111', '222222', '333333', '444444', '555555', '666666'].find((code) => !right.includes(code)) ?? '';
}

/** Types a code on the page of the challenge or of the enrollment, submits it, and follows where that leads. */
export async function answerWith(page: JourneyPage, code: string, { remember = false } = {}): Promise<void> {
  await sendCode(page, code, { remember });
  await leaveDone(page);
}

/** Types a code, submits it, and stays on the page that answers. */
export async function sendCode(page: JourneyPage, code: string, { remember = false } = {}): Promise<void> {
  await page.getByLabel('6-digit code').fill(code);
  if (remember) await page.getByLabel('Remember this device for 30 days').check();
  await page.getByRole('button', { name: /^(Continue|Finish set-up)$/ }).click();
}

/** Logs in for the first time and sets up an authenticator with the manual key. Ends on the cases. */
export async function enroll(page: JourneyPage, app: DemoApp, username: string): Promise<Person> {
  await logIn(page, app, username);
  if (!page.url().endsWith('/mfa/enroll')) await page.goto(`${app.origin}/mfa/enroll`);
  const key = await readManualKey(page);
  await answerWith(page, await codeAt(key, app.now()));
  const recoveryCodes = await readRecoveryCodes(page);
  await leaveRecoveryCodes(page);
  return { username, key, recoveryCodes };
}

/** Opens "Trouble scanning?" and reads the key. */
export async function readManualKey(page: JourneyPage): Promise<string> {
  await page.getByText('Trouble scanning?').click();
  return (await page.locator('#manual-key').innerText()).replace(/\s/g, '');
}

/** Reads the recovery codes, which are shown once. */
export async function readRecoveryCodes(page: JourneyPage): Promise<string[]> {
  await page.getByRole('heading', { name: 'Save your recovery codes' }).waitFor();
  return (await page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem').allInnerTexts()).map((text) =>
    text.replace(/\s/g, ''),
  );
}

/** Confirms that they are saved, and continues. */
export async function leaveRecoveryCodes(page: JourneyPage): Promise<void> {
  await page.getByLabel('I have saved them').check();
  await page.getByRole('button', { name: 'Continue' }).click();
  await leaveDone(page);
}

/** Follows the page after a proof, which redirects or offers a link to the requested address, and waits until it has loaded. */
export async function leaveDone(page: JourneyPage): Promise<void> {
  if (new URL(page.url()).pathname !== '/mfa/done') return;
  const offered = page.getByRole('link', { name: /^Continue to / });
  if ((await offered.count()) > 0) await offered.click();
  await page.waitForURL(({ pathname }) => pathname !== '/mfa/done');
}
