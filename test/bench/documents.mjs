import { readFileSync, writeFileSync } from 'node:fs';
import { drawChart } from './chart.mjs';
import { markdownOf } from './report.mjs';
import { scaleNote } from './scale-note.mjs';

const CHART = '![Milliseconds an operation on PostgreSQL, one in flight](speed.svg)';

/** The figures as JSON, and what the documentation shows of them. */
export function writeDocuments(results) {
  const path = (name) => new URL(`../../${name}`, import.meta.url);
  writeFileSync(path('test/bench/results.json'), `${JSON.stringify({ node: process.version, results }, null, 2)}\n`);
  writeFileSync(path('docs/speed.svg'), drawChart(results));
  const page = path('docs/speed.md');
  const figures = between(readFileSync(page, 'utf8'), 'figures', `${CHART}\n\n${markdownOf(results)}`);
  writeFileSync(page, between(figures, 'scale', scaleNote(results)));
}

/** The page with other text between two of its marks. */
function between(page, name, text) {
  const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/speed.md has no ${start} ... ${end}`);
  return `${page.slice(0, from)}${start}\n\n${text.trimEnd()}\n\n${page.slice(to)}`;
}
