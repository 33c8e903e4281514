// Prints what is poor style or out of date, and never fails: nothing here is a mistake that a user meets.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { staleRows, styleFindings } from './style.mjs';

const root = path.join(import.meta.dirname, '../..');
const tracked = execFileSync('git', ['ls-files', '--', 'packages', 'test', 'examples', 'docs', '*.md', '*.mjs', '.ci'], {
  cwd: root,
  encoding: 'utf8',
});
const read = (file) => readFileSync(path.join(root, file), 'utf8');
const files = tracked
  .split('\n')
  .filter(
    (file) => /\.(?:ts|mts|cts|mjs|cjs|js|md)$|^\.ci\//.test(file) && !/CHANGELOG\.md$|\.generated\.|^\.changeset\//.test(file),
  );

const findings = files.flatMap((file) => styleFindings(file, read(file)));
if (existsSync(path.join(root, 'packages/core/dist/storage/conformance.js'))) {
  const { storageConformance } = await import('@mfa-kit/core/storage/conformance');
  const cases = storageConformance({ open: () => Promise.reject(new Error('not opened')) }).length;
  findings.push(...staleRows(read('docs/evidence/storage-table.md'), cases));
} else {
  console.log('style: the figures of docs/evidence/storage-table.md were not looked at, because the packages are not built');
}
for (const finding of findings) console.log(finding);
console.log(`style: ${findings.length === 0 ? 'nothing to report' : `${findings.length} to look at (this fails nothing)`}`);
