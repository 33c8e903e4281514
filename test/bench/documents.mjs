import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { drawChart } from './chart.mjs';
import { markdownOf } from './report.mjs';
import { scaleNote } from './scale-note.mjs';

const CHART = '![Milliseconds an operation on PostgreSQL, one in flight](speed.svg)';

/** Writes the figures as JSON and into the docs. Rows that were not measured in this run keep their figures. */
export function writeDocuments(measured) {
  const path = (name) => new URL(`../../${name}`, import.meta.url);
  const before = existsSync(path('test/bench/results.json'))
    ? JSON.parse(readFileSync(path('test/bench/results.json'), 'utf8')).results
    : [];
  const rows = new Map([...before, ...measured].map((row) => [row.id, row]));
  const results = [...rows.values()];
  writeFileSync(path('test/bench/results.json'), `${JSON.stringify({ node: process.version, results }, null, 2)}\n`);
  writeFileSync(path('docs/evidence/speed.svg'), drawChart(results));
  const page = path('docs/evidence/speed.md');
  const figures = between(readFileSync(page, 'utf8'), 'figures', `${CHART}\n\n${markdownOf(results)}`);
  writeFileSync(page, between(figures, 'scale', scaleNote(results)));
}

/** Replaces the text between two marks of a page. */
function between(page, name, text) {
  const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/evidence/speed.md has no ${start} ... ${end}`);
  return `${page.slice(0, from)}${start}\n\n${text.trimEnd()}\n\n${page.slice(to)}`;
}
