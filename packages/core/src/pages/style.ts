import { componentStyle } from './style-components.js';

/**
 * The style sheet of all pages. A host changes it through custom properties on `:root`, set in a sheet of its own:
 * `--mfa-accent`, `--mfa-on-accent` (text on it), `--mfa-background`, `--mfa-surface` (panels), `--mfa-text`, `--mfa-muted`,
 * `--mfa-line` (hairlines), `--mfa-field-line` (edges of inputs, 3:1 on the surface), `--mfa-danger`, `--mfa-radius`,
 * `--mfa-font`, `--mfa-mono`. The dark values stand under `prefers-color-scheme: dark`.
 */
export function pageStyle(): string {
  return foundation + componentStyle + printStyle;
}

// The dial behind the page: 120 ticks, each tenth one strong. Seconds are what these pages are about.
const DIAL = `url("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 400 400' fill='none' stroke='%23000'%3E%3Ccircle cx='200' cy='200' r='194' stroke-width='8' pathLength='120' stroke-dasharray='.1 .9'/%3E%3Ccircle cx='200' cy='200' r='190' stroke-width='16' pathLength='12' stroke-dasharray='.016 .984'/%3E%3C/svg%3E")`;

const foundation = `
:root {
  color-scheme: light dark;
  --mfa-accent: #0a6b57;
  --mfa-on-accent: #ffffff;
  --mfa-background: #f2f4f1;
  --mfa-surface: #ffffff;
  --mfa-text: #13201b;
  --mfa-muted: #54645d;
  --mfa-line: #dde3de;
  --mfa-field-line: #7b8a83;
  --mfa-danger: #b0281f;
  --mfa-radius: 14px;
  --mfa-font: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif;
  --mfa-mono: "SF Mono", SFMono-Regular, "Cascadia Mono", "Segoe UI Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --mfa-accent: #62d1af;
    --mfa-on-accent: #04231a;
    --mfa-background: #0c110f;
    --mfa-surface: #131a17;
    --mfa-text: #e7eeea;
    --mfa-muted: #9bada4;
    --mfa-line: #27322d;
    --mfa-field-line: #6c7d75;
    --mfa-danger: #ff978c;
  }
}
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--mfa-background); color: var(--mfa-text); font: 1rem/1.55 var(--mfa-font); overflow-wrap: anywhere; }
h1, h2, h3, p, ol, ul, dl, dd { margin: 0; padding: 0; }
ol, ul { list-style: none; }
h1 { font-size: clamp(1.5rem, 1.3rem + 1vw, 1.75rem); line-height: 1.2; letter-spacing: -.022em; font-weight: 640; text-wrap: balance; }
h2 { font-size: 1.0625rem; line-height: 1.35; letter-spacing: -.01em; font-weight: 640; }
h3 { font-size: 1rem; line-height: 1.4; font-weight: 600; }
a { color: var(--mfa-accent); text-underline-offset: .2em; text-decoration-thickness: 1px; }
a:hover { text-decoration-thickness: 2px; }
code { font-family: var(--mfa-mono); }
bdi { unicode-bidi: isolate; }
:focus-visible { outline: 2px solid var(--mfa-accent); outline-offset: 3px; border-radius: 6px; }
.sr { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.print-only { display: none; }

.page { position: relative; isolation: isolate; display: flex; flex-direction: column; min-height: 100vh; min-height: 100dvh; margin-inline: auto; padding: clamp(1.5rem, 7vh, 5rem) 1.25rem 1.75rem; overflow-x: clip; }
.page::before { content: ""; position: absolute; z-index: -1; inset-block-start: -27rem; inset-inline-start: calc(50% - 31rem); width: 62rem; height: 62rem; --fade: linear-gradient(transparent 50%, color-mix(in srgb, var(--mfa-text) 22%, transparent)); background-image: var(--fade); -webkit-mask: ${DIAL} center / contain no-repeat; mask: ${DIAL} center / contain no-repeat; }
.page.wide::before { inset-block-start: -38rem; inset-inline-start: calc(50% - 38rem); width: 76rem; height: 76rem; background-image: var(--fade), var(--fade); background-size: 16% 100%; background-repeat: no-repeat; background-position: left, right; }
.top, main, .bottom { width: 100%; margin-inline: auto; }
.narrow > * { max-width: 27.5rem; }
.wide > * { max-width: 50rem; }
.top { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: .5rem 1.5rem; margin-block-end: 1.375rem; }
.brand { display: flex; align-items: center; gap: .5rem; font-weight: 640; letter-spacing: -.01em; }
.monogram { flex: none; display: grid; place-items: center; width: 1.875rem; height: 1.875rem; border-radius: 50%; background: var(--mfa-accent); color: var(--mfa-on-accent); font-size: .9375rem; line-height: 1; margin: 4px; box-shadow: 0 0 0 2.5px var(--mfa-background), 0 0 0 4px var(--mfa-accent); }
.logo { display: block; height: 2rem; max-width: 12rem; object-fit: contain; }
.account { color: var(--mfa-muted); font-size: .875rem; }
.account bdi { color: var(--mfa-text); font-weight: 550; }
main { display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr); }
.panel { background: var(--mfa-surface); border: 1px solid var(--mfa-line); border-radius: var(--mfa-radius); padding: clamp(1.5rem, 4vw, 2.25rem); box-shadow: 0 1px 2px rgb(10 30 22 / 4%), 0 12px 32px -16px rgb(10 30 22 / 14%); }
.lead { margin-block-start: .5rem; color: var(--mfa-muted); text-wrap: pretty; }
.hint { color: var(--mfa-muted); font-size: .875rem; line-height: 1.5; }
.bottom { padding-block-start: 1.25rem; font-size: .875rem; }
.bottom a { color: var(--mfa-muted); }
@media (max-width: 34rem) {
  .page { padding-block-start: 1.25rem; background: var(--mfa-surface); }
  .page:is(.narrow, .wide)::before { inset-block-start: -7rem; inset-inline: auto -7rem; width: 14rem; height: 14rem; background: color-mix(in srgb, var(--mfa-text) 13%, transparent) none; }
  .monogram { box-shadow: 0 0 0 2.5px var(--mfa-surface), 0 0 0 4px var(--mfa-accent); }
  .panel { background: none; border: 0; border-radius: 0; box-shadow: none; padding: 1rem 0; }
  .panel + .panel { border-block-start: 1px solid var(--mfa-line); padding-block-start: 1.5rem; }
}
@media (forced-colors: active) { .page::before { display: none; } }
`;

const printStyle = `
@media print {
  :root { --mfa-background: #fff; --mfa-surface: #fff; --mfa-text: #000; --mfa-muted: #333; --mfa-line: #999; --mfa-accent: #000; --mfa-on-accent: #fff; }
  .page { min-height: 0; padding: 0; }
  .page::before, .screen-only, .code-tools, .codes-panel form, .notice, .bottom, .top .account, .other-way { display: none; }
  .print-only { display: grid; gap: .25rem; margin-block-end: 1.5rem; }
  .print-title { font-size: 1.25rem; font-weight: 640; }
  .panel { border: 0; padding: 0; box-shadow: none; }
  .codes { break-inside: avoid; }
}
`;
