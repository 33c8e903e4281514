import { euros, matters } from './cases.js';
import { type Html, html } from './html.js';
import { layout } from './layout.js';
import type { DemoUser } from './users.js';

/** `GET /`. */
export function homePage({ user }: { user?: DemoUser | undefined }): string {
  const content = html`<section class="hero">
<p class="kicker">Case management for small firms</p>
<h1>Every matter, in&nbsp;good&nbsp;order.</h1>
<p class="lead">Deadlines, documents and client money in one place, open only to the people who work on them.</p>
<p>${user ? html`<a class="button" href="/cases">Open your cases</a>` : html`<a class="button" href="/login">Log in</a>`}</p>
</section>
<ul class="points">
<li><h2>A second proof at login</h2><p>A password alone opens nothing here. A code from your phone does the rest.</p></li>
<li><h2>Once in 30 days, if you like</h2><p>Let your own browser be remembered; a borrowed one is asked each time.</p></li>
<li><h2>Fresh for what matters</h2><p>Before client money moves, we ask again, whoever is logged in.</p></li>
</ul>`;
  return layout({ title: 'Welcome', user, current: '/' }, content);
}

/** `GET /login`. */
export function loginPage({ username = '', failed = false }: { username?: string; failed?: boolean } = {}): string {
  const content = html`<section class="card narrow">
<h1>Log in</h1>
<form method="post" action="/login" class="fields">
<label for="username">Username</label>
<input id="username" name="username" value="${username}" autocomplete="username" autocapitalize="none" spellcheck="false" required${username ? '' : html` autofocus`}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${username ? html` autofocus` : ''}>
<button>Log in</button>
</form>
<p class="hint">The demo’s users are <strong>ada</strong>, <strong>grace</strong> and <strong>alan</strong>. The password is in the terminal.</p>
</section>`;
  return layout(
    { title: 'Log in', notice: failed ? { tone: 'error', text: 'Username or password is wrong.' } : undefined },
    content,
  );
}

/** `GET /cases`, which the kit guards. */
export function casesPage({ user, paid }: { user: DemoUser; paid: boolean }): string {
  const content = html`<h1>Cases</h1>
${user.enrolled ? '' : invitation(user)}
<ul class="matters">${matters.map(
    (matter) => html`<li>
<div><span class="reference">${matter.reference}</span><h2>${matter.title}</h2><p>${matter.client}</p></div>
<dl><div><dt>Next</dt><dd>${matter.nextStep}</dd></div><div><dt>Held</dt><dd class="money">${euros(matter.heldCents)}</dd></div></dl>
</li>`,
  )}</ul>
<section class="card" aria-labelledby="payout">
<h2 id="payout">Release a payment</h2>
<p>Needs a code that is not older than five minutes, also in a remembered browser.</p>
<form method="post" action="/payouts" class="fields row">
<div><label for="reference">Matter</label><select id="reference" name="reference">${matters.map(
    (matter) => html`<option value="${matter.reference}">${matter.reference} · ${matter.title}</option>`,
  )}</select></div>
<div><label for="amount">Amount in euros</label><input id="amount" name="amount" inputmode="decimal" value="250.00" required></div>
<button>Release payment</button>
</form>
</section>`;
  return layout(
    {
      title: 'Cases',
      user,
      current: '/cases',
      notice: paid ? { tone: 'success', text: 'The payment was released.' } : undefined,
    },
    content,
  );
}

/** `GET /account`. */
export function accountPage({ user, changed }: { user: DemoUser; changed: boolean }): string {
  const content = html`<h1>Account</h1>
<section class="card narrow">
<h2>Change password</h2>
<p>Other sessions end, and remembered browsers are asked for a code again.</p>
<form method="post" action="/password" class="fields">
<input class="unseen" name="username" value="${user.username}" autocomplete="username" readonly tabindex="-1" aria-hidden="true">
<label for="current">Current password</label>
<input id="current" name="current" type="password" autocomplete="current-password" required>
<label for="next">New password</label>
<input id="next" name="next" type="password" autocomplete="new-password" minlength="10" required aria-describedby="rule">
<p class="hint" id="rule">At least 10 characters.</p>
<button>Change password</button>
</form>
</section>`;
  return layout(
    {
      title: 'Account',
      user,
      current: '/account',
      notice: changed ? { tone: 'success', text: 'Your password was changed.' } : undefined,
    },
    content,
  );
}

/** A page with only a message. */
export function messagePage({ heading, text, user }: { heading: string; text: string; user?: DemoUser | undefined }): string {
  return layout(
    { title: heading, user },
    html`<section class="card narrow"><h1>${heading}</h1><p>${text}</p><p><a href="/">Go to the start</a></p></section>`,
  );
}

function invitation(user: DemoUser): Html {
  const until =
    user.enrollBy === undefined ? undefined : new Date(user.enrollBy).toLocaleDateString('en-GB', { dateStyle: 'long' });
  return html`<div class="notice info"><p>${
    until ? `Please set up multi-factor authentication by ${until}.` : 'Protect your account with a code from your phone.'
  }</p><a class="button small" href="/mfa/enroll">Set it up</a></div>`;
}
