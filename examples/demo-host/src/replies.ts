import { type Reply, refusal, textField } from './answer.js';
import { matters, readPayout } from './cases.js';
import { accountPage, casesPage, homePage, loginPage } from './pages.js';
import type { DemoUser } from './users.js';

/** The part of a URL behind `?`, as the frameworks parse it. */
type Query = Record<string, unknown>;

/** `GET /`. */
export function showHome(user: DemoUser | null | undefined): Reply {
  return { status: 200, json: { name: 'Larkfield Legal' }, page: homePage({ user: user ?? undefined }) };
}

/** `GET /login`. */
export function showLogin(): Reply {
  return { status: 200, json: { post: ['username', 'password'] }, page: loginPage() };
}

/** `POST /login` without the right password. */
export function refuseLogin(body: unknown): Reply {
  const page = loginPage({ username: textField(body, 'username'), failed: true });
  return { ...refusal(401, 'Login failed', 'Username or password is wrong.'), page };
}

/** `POST /login` with the right password. Redirects a person to the cases, where the guard may redirect further. */
export function acceptLogin(access: string): Reply {
  return { status: 200, json: { access }, to: '/cases' };
}

/** `POST /logout`. */
export function confirmLogout(): Reply {
  return { status: 200, json: { ok: true }, to: '/' };
}

/** `GET /cases`. */
export function showCases(user: DemoUser, query: Query): Reply {
  return { status: 200, json: { matters }, page: casesPage({ user, paid: 'paid' in query }) };
}

/** `POST /payouts`. */
export function payOut(user: DemoUser | undefined, body: unknown): Reply {
  const payout = readPayout(body);
  if (payout) return { status: 201, json: { payout }, to: '/cases?paid' };
  return refusal(400, 'No payment', 'Name a matter and an amount that is held for it.', user);
}

/** `GET /account`. */
export function showAccount(user: DemoUser, query: Query): Reply {
  return { status: 200, json: { username: user.username }, page: accountPage({ user, changed: 'changed' in query }) };
}

/** `POST /password`, after the password was changed. */
export function confirmPassword(): Reply {
  return { status: 200, json: { ok: true }, to: '/account?changed' };
}

/** `POST /password`, if the password was not changed. */
export function refusePassword(user: DemoUser, why: string): Reply {
  return refusal(403, 'Password not changed', why, user);
}

/** The answer for unknown paths. */
export function refuseUnknown(user: DemoUser | null | undefined): Reply {
  return refusal(404, 'Not found', 'There is no such page.', user ?? undefined);
}

/** The answer for requests that `isSameOrigin` denies. */
export function refuseOtherSite(): Reply {
  return refusal(403, 'Refused', 'The request came from another site.');
}
