/** Words and phrases for which there is a plainer one: entry or endpoint, fix, again, for example, regardless of, returns. */
const WORDS = [
  /\b[Dd]oors?\b|[a-z]Doors?(?![a-z])/,
  /\bmend(?:s|ed|ing)?\b/i,
  /\banew\b/i,
  /\bfor one[,;:.)]/i,
  /\bnobody['’]s\b/i,
  /\bwhatever the\b/i,
  /(?<!there )\b(?:is|are) none[.,;:)]/i,
  /\btold of\b/i,
  /\bhears?\b/i,
  /\b(?:openDesk|weather|furniture)\b/i,
];

/** What the docs call otherwise, and spellings that are not American. */
const SPELLINGS =
  /backup codes?|trusted (browser|device)s?|\b2fa\b|\benrol(s|ment|ments)?\b|authoris|behaviour|colour|\bfavour|organis|recognis|neighbour|\bcancelled|licence/i;

const VAGUE = /(^|[/.-])(utils?|helpers?|common|types?|misc|manager)([.-]|$)/;
const LONGEST = 400;

/** Files that need one of the words: this list, and the names that release 1 stored and sent. */
const EXEMPT = ['test/house/style.mjs', 'test/house/style.test.ts', 'test/upgrade/names.ts', 'docs/guides/deploy-day.md'];

/** Lists what is poor style in a file, a line each. */
export function styleFindings(file, text) {
  const lines = text.trimEnd().split('\n');
  const findings = [];
  if (/^packages\/\w+\/src\/.*\.ts$/.test(file)) {
    if (lines.length > LONGEST) findings.push(`${file}: has ${lines.length} lines; split it if it has a second concept`);
    if (VAGUE.test(file.replace(/^packages\/\w+\/src\//, ''))) findings.push(`${file}: a name that names no concept`);
  }
  if (EXEMPT.includes(file)) return findings;
  for (const [index, line] of lines.entries()) {
    for (const pattern of file.endsWith('.md') ? [...WORDS, SPELLINGS] : WORDS) {
      const found = pattern.exec(line)?.[0];
      if (found) findings.push(`${file}:${index + 1}: "${found}"`);
    }
  }
  return findings;
}

/** Lists the rows of docs/evidence/storage-table.md that were counted with another number of cases than the kit has now. */
export function staleRows(page, cases) {
  const rows = page.split('\n').filter((line) => /\| \d+ of \d+/.test(line));
  return rows.flatMap((row) => {
    const [, of] = /\| \d+ of (\d+)/.exec(row) ?? [];
    const [, , name] = row.split('|');
    return Number(of) === cases
      ? []
      : [`docs/evidence/storage-table.md: ${name?.trim()} ran ${of} cases, and the kit has ${cases}`];
  });
}
