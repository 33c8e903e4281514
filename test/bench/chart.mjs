const WIDTH = 720;
const BAR = 18;
const COLORS = { 'mfa-kit': '#1f6f5c', floor: '#9aa5a1', 'better-auth': '#b5523b' };
const SHOWN = [
  ['verify.1', 'Verify a code, remember the device'],
  ['verifyWrong.1', 'Verify a wrong code'],
  ['enroll.1', 'Enroll and confirm'],
  ['remembered.1', 'Login with a remembered device'],
];
const SIDES = [
  ['mfa-kit + session row', 'mfa-kit', 'mfa-kit, with the session row'],
  ['mfa-kit', 'mfa-kit', 'mfa-kit'],
  ['floor', 'floor', 'floor: bare statements and node:crypto'],
  ['better-auth, difference', 'better-auth', 'better-auth two-factor, over a plain sign-in'],
  ['better-auth', 'better-auth', 'better-auth two-factor'],
];

/** Bars of the login flows with one in flight, as an SVG that is readable on light and dark pages. */
export function drawChart(results) {
  const groups = SHOWN.map(([id, title]) => ({ title, bars: barsOf(results.find((row) => row.id === id)) })).filter(
    ({ bars }) => bars.length > 0,
  );
  const longest = Math.max(...groups.flatMap(({ bars }) => bars.map(({ median }) => median)));
  const scale = (WIDTH - 130) / longest;
  const lines = [];
  let y = 34;
  for (const { title, bars } of groups) {
    lines.push(`<text x="12" y="${y}" font-weight="600">${title}</text>`);
    y += 10;
    for (const { label, color, median } of bars) {
      const width = Math.max(Math.round(median * scale), 2);
      lines.push(
        `<rect x="12" y="${y}" width="${width}" height="${BAR}" rx="2" fill="${color}"><title>${label}: ${median} µs</title></rect>`,
      );
      lines.push(`<text x="${width + 20}" y="${y + 13}" font-size="12">${milliseconds(median)}</text>`);
      lines.push(`<text x="18" y="${y + 13}" font-size="11" fill="#fff">${width > label.length * 6.5 ? label : ''}</text>`);
      y += BAR + 4;
    }
    y += 26;
  }
  const legend = Object.entries(COLORS).map(
    ([name, color], index) =>
      `<rect x="${12 + index * 130}" y="${y - 10}" width="12" height="12" fill="${color}"/><text x="${30 + index * 130}" y="${y}">${name}</text>`,
  );
  const height = y + 16;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" font-family="system-ui, sans-serif" font-size="14">
<title>Milliseconds an operation on PostgreSQL, one in flight, median</title>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<g fill="#1c2321">
${[...lines, ...legend].filter((line) => !line.endsWith('></text>')).join('\n')}
</g>
</svg>
`;
}

function barsOf(row) {
  return SIDES.flatMap(([name, color, label]) => {
    const side = row?.sides.find((candidate) => candidate.name === name);
    return side ? [{ label, color: COLORS[color], median: side.median }] : [];
  });
}

function milliseconds(microseconds) {
  return `${(microseconds / 1000).toFixed(2)} ms`;
}
