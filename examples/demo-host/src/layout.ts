import { type Html, html } from './html.js';
import type { DemoUser } from './users.js';

/** The input of every page of the demo. */
export interface PageOptions {
  title: string;
  user?: DemoUser | undefined;
  /** Path of the page, to mark it in the navigation. */
  current?: string;
  notice?: { tone: 'error' | 'success' | 'info'; text: string } | undefined;
}

const LINKS = [
  { href: '/cases', text: 'Cases' },
  { href: '/account', text: 'Account' },
  { href: '/mfa', text: 'Security' },
];

/** A whole document. */
export function layout({ title, user, current, notice }: PageOptions, content: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Larkfield Legal</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/demo.css">
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
<header class="bar">
<a class="brand" href="/"><img src="/icon.svg" alt="" width="28" height="28"> Larkfield <span>Legal</span></a>
${user ? navigation(user, current) : ''}
</header>
<main id="content">
${notice ? html`<p class="notice ${notice.tone}" role="${notice.tone === 'error' ? 'alert' : 'status'}">${notice.text}</p>` : ''}
${content}
</main>
<footer><p>A demonstration of mfa-kit. The firm, its people and its matters are invented.</p></footer>
</body>
</html>
`.markup;
}

function navigation(user: DemoUser, current: string | undefined): Html {
  const links = LINKS.map(
    ({ href, text }) => html`<li><a href="${href}"${href === current ? html` aria-current="page"` : ''}>${text}</a></li>`,
  );
  return html`<nav aria-label="Main"><ul>${links}</ul></nav>
<form class="who" method="post" action="/logout"><span>${user.displayName}</span><button class="quiet">Log out</button></form>`;
}
