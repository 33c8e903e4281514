/**
 * Style of what stands in panels: forms, code input, QR code, recovery codes, rows. Write `text-decoration-thickness` by itself: WebKit
 * drops a `text-decoration` that holds a thickness.
 */
export const componentStyle = `
form { display: grid; gap: 1.25rem; grid-template-columns: minmax(0, 1fr); }
.panel > form, .panel > .notice { margin-block-start: 1.5rem; }
label { font-weight: 550; }
.field { display: grid; gap: .5rem; grid-template-columns: minmax(0, 1fr); }
.field > label { font-size: .9375rem; }
input[type="text"] { width: 100%; min-height: 2.75rem; padding: .5rem .875rem; color: inherit; background: var(--mfa-surface); border: 1px solid var(--mfa-field-line); border-radius: calc(var(--mfa-radius) - 4px); font: inherit; }
input[type="text"]:focus { outline: 2px solid var(--mfa-accent); outline-offset: -1px; border-color: var(--mfa-accent); box-shadow: 0 0 0 5px color-mix(in srgb, var(--mfa-accent) 16%, transparent); }
input[type="text"][aria-invalid="true"] { border-color: var(--mfa-danger); outline-color: var(--mfa-danger); }
input[type="text"][aria-invalid="true"]:focus { box-shadow: 0 0 0 5px color-mix(in srgb, var(--mfa-danger) 16%, transparent); }
input:disabled { opacity: .6; }
input.code { --gap: .78em; --pitch: calc(1ch + var(--gap)); --inset: calc((100% - 6 * var(--pitch) + var(--gap)) / 2); height: 4.25rem; padding: 0 0 .125rem var(--inset); font: 500 2rem/1 var(--mfa-mono); font-variant-numeric: tabular-nums; letter-spacing: var(--gap); background-image: repeating-linear-gradient(to right, var(--mfa-field-line) 0 calc(1ch + .2em), transparent 0 var(--pitch)); background-size: calc(6 * var(--pitch) - var(--gap) + .2em) 2px; background-position: 50% calc(100% - .75rem); background-repeat: no-repeat; }
input.recovery-code { min-height: 3.25rem; font-family: var(--mfa-mono); text-transform: uppercase; letter-spacing: .02em; }
.field-error { display: grid; gap: .125rem; color: var(--mfa-danger); font-size: .9375rem; line-height: 1.45; font-weight: 550; }
.field-error:empty, [data-not-copied]:empty { display: none; }
.field-error p + p { color: var(--mfa-muted); font-weight: 400; font-size: .875rem; }
.code-field { grid-template-columns: minmax(0, 1fr) auto; }
.code-field > input, .code-field > .field-error { grid-column: 1 / -1; }
.period { --tick: var(--mfa-accent); display: contents; color: var(--mfa-muted); font-size: .875rem; }
.period p { grid-area: 1 / 2; align-self: center; font-variant-numeric: tabular-nums; }
.period b { display: inline-block; min-width: 2ch; text-align: end; color: var(--mfa-text); font-weight: 600; }
.period.low { --tick: var(--mfa-danger); }
.period-ticks { --step: calc((100% - 2px) / 29); grid-column: 1 / -1; height: 9px; margin-inline: 2px; background: linear-gradient(to right, var(--tick) calc(var(--left, 1) * 100%), color-mix(in srgb, var(--mfa-field-line) 50%, transparent) 0); -webkit-mask: repeating-linear-gradient(to right, #000 0 2px, transparent 0 var(--step)) 0 0 / 100% 5px no-repeat, repeating-linear-gradient(to right, #000 0 2px, transparent 0 calc(5 * var(--step))) 0 0 / 100% 9px no-repeat; mask: repeating-linear-gradient(to right, #000 0 2px, transparent 0 var(--step)) 0 0 / 100% 5px no-repeat, repeating-linear-gradient(to right, #000 0 2px, transparent 0 calc(5 * var(--step))) 0 0 / 100% 9px no-repeat; }
.tick { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .125rem .75rem; align-items: center; }
.tick input { appearance: none; display: grid; place-items: center; width: 1.5rem; height: 1.5rem; margin: 0; background: var(--mfa-surface); border: 1.5px solid var(--mfa-field-line); border-radius: 6px; }
.tick input:checked { background: var(--mfa-accent); border-color: var(--mfa-accent); }
.tick input:checked::before { content: ""; width: .8125rem; height: .8125rem; background: var(--mfa-on-accent); clip-path: polygon(12% 46%, 0 60%, 40% 96%, 100% 20%, 86% 8%, 38% 68%); }
.tick .hint { grid-column: 2; }

.primary, .secondary, .danger, .quiet, summary { display: inline-flex; align-items: center; justify-content: center; gap: .5rem; min-height: 2.5rem; padding: .5rem 1rem; border: 1px solid transparent; border-radius: calc(var(--mfa-radius) - 4px); font: 600 .9375rem/1.3 var(--mfa-font); text-align: center; text-decoration: none; cursor: pointer; }
.primary { min-height: 3rem; background: var(--mfa-accent); color: var(--mfa-on-accent); font-size: 1rem; }
.primary:hover { background: color-mix(in srgb, var(--mfa-accent) 88%, var(--mfa-text)); }
.secondary, .disclosure > summary { background: var(--mfa-surface); color: var(--mfa-text); border-color: color-mix(in srgb, var(--mfa-field-line) 60%, transparent); }
.secondary:hover, .disclosure > summary:hover { background: color-mix(in srgb, var(--mfa-text) 5%, var(--mfa-surface)); }
.danger { background: var(--mfa-surface); color: var(--mfa-danger); border-color: var(--mfa-danger); }
.danger:hover { background: color-mix(in srgb, var(--mfa-danger) 8%, var(--mfa-surface)); }
.quiet { justify-self: start; min-height: 1.75rem; padding: .125rem 0; border-inline-width: 0; background: none; color: var(--mfa-accent); font-weight: 500; }
:is(.quiet, .trouble > summary) > span { text-decoration: underline; text-decoration-thickness: 1px; text-underline-offset: .2em; }
:is(.quiet, .trouble > summary):hover > span { text-decoration-thickness: 2px; }
:is(button, .primary, summary):focus-visible { border-radius: calc(var(--mfa-radius) - 4px); }
button[aria-disabled="true"] { opacity: .55; cursor: progress; }
button:disabled { background: color-mix(in srgb, var(--mfa-text) 9%, var(--mfa-surface)); color: var(--mfa-muted); cursor: not-allowed; }
.lead + p > .primary { margin-block-start: 1.5rem; }
.other-way { margin-block-start: 1.5rem; padding-block-start: 1.25rem; border-block-start: 1px solid var(--mfa-line); font-size: .9375rem; }

.notice { --tone: var(--mfa-accent); padding: .75rem 1rem; background: color-mix(in srgb, var(--tone) 8%, var(--mfa-surface)); border: 1px solid color-mix(in srgb, var(--tone) 30%, transparent); border-inline-start: 4px solid var(--tone); border-radius: 8px; font-size: .9375rem; }
.notice form { margin-block-start: .75rem; }
.narrow .panel > p > .primary { width: 100%; }
.notice.error { --tone: var(--mfa-danger); }
.notice.info { --tone: var(--mfa-field-line); }
.wait b { font-variant-numeric: tabular-nums; }

.steps { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); counter-reset: step; margin-block-start: 1.75rem; border-block-start: 1px solid var(--mfa-line); }
.steps > li { counter-increment: step; padding-block-start: 1.75rem; }
.steps > li:first-child { padding-inline-end: 2.25rem; border-inline-end: 1px solid var(--mfa-line); }
.steps > li:last-child { padding-inline-start: 2.25rem; }
.steps h2 { display: flex; align-items: center; gap: .625rem; margin-block-end: .625rem; }
.steps h2::before { content: counter(step); flex: none; display: grid; place-items: center; width: 1.625rem; height: 1.625rem; border: 1.5px solid var(--mfa-accent); border-radius: 50%; color: var(--mfa-accent); font-size: .875rem; line-height: 1; font-variant-numeric: tabular-nums; }
.steps > li > .hint { margin-block-start: .375rem; }
.steps form { margin-block-start: 1.25rem; }
.steps > li > form + .hint { margin-block-start: 1rem; }
.steps .hint + form { margin-block-start: .5rem; }
.qr { width: fit-content; margin-block: 1.25rem .75rem; padding: .5rem; background: #fff; border: 1px solid var(--mfa-line); border-radius: var(--mfa-radius); }
.qr svg { display: block; width: 13.5rem; height: 13.5rem; }
.trouble > summary { gap: .5rem; min-height: 2rem; padding: .25rem 0; border-inline-width: 0; color: var(--mfa-accent); font-weight: 500; }
.trouble > .disclosed { display: grid; justify-items: start; gap: .875rem; margin-block-start: .5rem; }
summary { list-style: none; }
summary::-webkit-details-marker { display: none; }
.facts { display: grid; gap: .75rem; width: 100%; padding: 1rem; background: color-mix(in srgb, var(--mfa-text) 4%, var(--mfa-surface)); border-radius: 10px; }
.facts dt { color: var(--mfa-muted); font-size: .8125rem; line-height: 1.4; }
.facts dd { font-weight: 550; }
.key { font-size: 1rem; line-height: 1.6; font-weight: 500; word-spacing: .15em; display: block; max-width: 21ch; overflow-wrap: normal; }

.codes { columns: 2 19rem; column-gap: 2rem; counter-reset: code; margin-block: 1.5rem 1.25rem; padding: .5rem 1.25rem; background: color-mix(in srgb, var(--mfa-text) 4%, var(--mfa-surface)); border: 1px solid var(--mfa-line); border-radius: 10px; }
.codes li { break-inside: avoid; counter-increment: code; display: flex; gap: .75rem; align-items: baseline; padding-block: .5rem; }
.codes li::before { content: counter(code); flex: none; width: 1.25rem; color: var(--mfa-muted); font-size: .8125rem; font-variant-numeric: tabular-nums; text-align: end; }
.codes code { font-size: .9375rem; line-height: 1.5; font-variant-ligatures: none; }
.codes span { white-space: nowrap; }
.code-tools { display: flex; flex-wrap: wrap; gap: .5rem; }
.code-tools + .hint { margin-block-start: .75rem; }
.codes-panel > form { padding-block-start: 1.5rem; border-block-start: 1px solid var(--mfa-line); justify-items: start; }
.codes-panel > form > .primary { min-width: 11rem; }

.intro { padding-block: .25rem .5rem; }
.panel > h2 + .hint { margin-block-start: .25rem; }
.row { display: flex; flex-wrap: wrap; align-items: center; gap: .75rem; padding-block: 1rem; }
.rows { margin-block-start: .25rem; }
.rows > .row + .row { border-block-start: 1px solid var(--mfa-line); }
.panel > :is(.rows, .row):last-child { margin-block-end: -1rem; }
.row-text { flex: 1 1 14rem; min-width: 0; }
.row-actions { display: contents; }
.meta { display: flex; flex-wrap: wrap; gap: 0 .5rem; color: var(--mfa-muted); font-size: .875rem; }
.meta span:not(:last-child)::after { content: "·"; margin-inline-start: .5rem; }
.badge { display: inline-block; padding: .0625rem .5rem; border-radius: 99px; background: color-mix(in srgb, var(--mfa-accent) 12%, var(--mfa-surface)); color: var(--mfa-accent); font-size: .8125rem; font-weight: 600; }
.count { flex: 1 1 10rem; font-weight: 600; }
.count.none { color: var(--mfa-danger); }
.empty { padding-block: .75rem; color: var(--mfa-muted); }
.row .secondary, .row .disclosure > summary { min-height: 2.25rem; padding: .375rem .75rem; font-size: .875rem; }
.disclosure[open] { order: 1; flex: 1 1 100%; padding: .25rem 1rem 1rem; background: color-mix(in srgb, var(--mfa-text) 3%, var(--mfa-surface)); border: 1px solid var(--mfa-line); border-radius: 10px; }
.disclosure[open] > summary { display: flex; justify-content: space-between; padding-inline: 0; border-inline-width: 0; background: none; border-color: transparent; }
.disclosure[open] > summary::after { content: "×"; font-size: 1.25rem; line-height: 1; font-weight: 400; color: var(--mfa-muted); }
.disclosed > form { gap: .875rem; justify-items: start; }
.disclosed .field { width: 100%; max-width: 24rem; }
.disclosed .primary { min-height: 2.5rem; font-size: .9375rem; }
.standing { margin-block-start: 1rem; }
.back { margin-block-end: .75rem; font-size: .875rem; }
.back a::before { content: "←"; display: inline-block; margin-inline-end: .375rem; }
[dir="rtl"] .back a::before { content: "→"; }
@media (max-width: 46rem) {
  .steps { grid-template-columns: minmax(0, 1fr); }
  .steps > li:first-child { padding-inline-end: 0; padding-block-end: 1.75rem; border-inline-end: 0; border-block-end: 1px solid var(--mfa-line); }
  .steps > li:last-child { padding-inline-start: 0; }
}
@media (max-width: 34rem) {
  .codes { padding-inline: .75rem; }
  .codes code { font-size: clamp(.75rem, 3.75vw, .9375rem); }
  .row { gap: .5rem; }
  .row-text { flex-basis: 100%; }
  .panel > form > .primary, .panel > p > .primary { width: 100%; }
}
@media (forced-colors: active) { .tick input { appearance: auto; } }
@media (prefers-reduced-motion: no-preference) {
  .primary, .secondary, .danger, summary { transition: background-color .12s ease-out; }
}
`;
