import { codeAt } from '../support/authenticator.js';
import { type DemoApp, SECOND } from '../support/demo-app.js';
import type { JourneyPage } from './engines/journey-page.js';
import {
  answerWith,
  leaveRecoveryCodes,
  logIn,
  logOut,
  nextCode,
  readManualKey,
  readRecoveryCodes,
  sendCode,
  wrongCode,
} from './person.js';

const MINUTE = 60 * SECOND;

/** Visits every page of the demo and of the kit, and stops at each state that looks different. */
export async function tour(page: JourneyPage, app: DemoApp, stop: (name: string) => Promise<void>): Promise<void> {
  const at = async (path: string, name: string): Promise<void> => {
    await page.goto(app.origin + path);
    await stop(name);
  };
  await at('/', 'demo-home');
  await at('/login', 'demo-login');
  await logIn(page, app, 'ada', 'wrong');
  await stop('demo-login-refused');
  await logIn(page, app, 'alan');
  await stop('demo-cases-grace');
  await at('/account', 'demo-account');
  await at('/mfa', 'overview-empty');
  await logOut(page, app);

  await logIn(page, app, 'ada');
  await stop('enroll');
  const key = await readManualKey(page);
  await stop('enroll-manual-key');
  await answerWith(page, await wrongCode(app, { key }));
  await stop('enroll-wrong-code');
  app.advance(10 * MINUTE + SECOND);
  await answerWith(page, await codeAt(key, app.now()));
  await stop('enroll-expired');
  await page.goto(`${app.origin}/mfa/enroll`);
  const ada = { key: await readManualKey(page) };
  await answerWith(page, await codeAt(ada.key, app.now()), { remember: true });
  const recoveryCodes = await readRecoveryCodes(page);
  await stop('recovery-codes');
  await leaveRecoveryCodes(page);
  await stop('demo-cases');

  // Adds another authenticator, so that the overview has something to show.
  await page.goto(`${app.origin}/mfa`);
  await page.getByText('Add authenticator', { exact: true }).click();
  await page.getByLabel('Name (optional)').fill('Spare phone');
  await page.getByRole('button', { name: 'Show QR code' }).click();
  await stop('enroll-additional');
  await answerWith(page, await codeAt(await readManualKey(page), app.now()));
  await stop('overview-added');
  for (const summary of await page.locator('summary').all()) await summary.click();
  await stop('overview-opened');
  await at('/mfa/no-such-page', 'message-not-found');

  app.advance(6 * MINUTE);
  await page.goto(`${app.origin}/cases`);
  await page.getByRole('button', { name: 'Release payment' }).click();
  await stop('challenge-step-up');
  await logOut(page, app);
  await page.context().clearCookies();
  await logIn(page, app, 'ada');
  await stop('challenge');
  await answerWith(page, await wrongCode(app, ada));
  await stop('challenge-wrong-code');
  await at('/mfa/challenge?use=recovery-code', 'challenge-recovery-code');
  await page.getByLabel('Recovery code').fill('AAAA-AAAA-AAAA-AAAA-AAAA-AAAA');
  await page.getByRole('button', { name: 'Continue' }).click();
  await stop('challenge-recovery-code-wrong');
  await page.goto(`${app.origin}/mfa/challenge`);
  for (let guess = 0; guess < 4; guess += 1) await answerWith(page, await wrongCode(app, ada));
  await stop('challenge-fifth-wrong-code');
  await at('/mfa/challenge', 'challenge-throttled');
  app.advance(MINUTE);
  // A typed address is offered after the code, not followed.
  await page.goto(`${app.origin}/account`);
  await sendCode(page, await nextCode(app, ada), { remember: true });
  await stop('done');
  await at('/mfa', 'overview');

  // The session ends while the page is open.
  await page.goto(`${app.origin}/mfa`);
  await page.context().clearCookies();
  await page.getByText('Create new codes', { exact: true }).click();
  await page.getByRole('button', { name: 'Yes, create new codes' }).click();
  await stop('message-session-lost');
  if (recoveryCodes.length === 0) throw new Error('The tour found no recovery codes');
}
