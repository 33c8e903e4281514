const WIDTH = 760;
const LEFT = 192;
const RIGHT = 140;
const BAR = 20;
const STEP = 28;
const TOP = 118;
const SHOWN = [
  ['verify.1', 'Verify a code and remember the device'],
  ['verifyWrong.1', 'Verify a wrong code'],
  ['enroll.1', 'Enroll and confirm'],
  ['remembered.1', 'Login with a remembered device, over a plain sign-in'],
];
const SIDES = [
  ['floor', 'floor', 'floor'],
  ['mfa-kit', 'kit', 'mfa-kit'],
  ['mfa-kit + session row', 'kit', 'mfa-kit + session row'],
  ['better-auth, tuned', 'tuned', 'better-auth, tuned'],
  ['better-auth, tuned, difference', 'tuned', 'better-auth, tuned'],
  ['better-auth', 'peer', 'better-auth'],
  ['better-auth, difference', 'peer', 'better-auth'],
];
const STYLE = `
  .page { fill: #ffffff; stroke: #d9e0dd }
  .title { font-size: 17px; font-weight: 600; fill: #16211d }
  .note { font-size: 12.5px; fill: #55635e }
  .group { font-size: 14px; font-weight: 600; fill: #16211d }
  .label { font-size: 13px; fill: #3c4a45 }
  .value { font-size: 13px; font-weight: 600; fill: #16211d }
  .times { font-size: 13px; font-weight: 400; fill: #55635e }
  .floor { fill: #b4bfba } .kit { fill: #1f7a63 } .tuned { fill: #dba087 } .peer { fill: #c2613f }
  @media (prefers-color-scheme: dark) {
    .page { fill: #12181a; stroke: #2d383a }
    .title, .group, .value { fill: #edf2f0 }
    .label { fill: #c3cdc9 }
    .note, .times { fill: #9aa8a3 }
    .floor { fill: #5d6b67 } .kit { fill: #3fb594 } .tuned { fill: #a8634a } .peer { fill: #e08360 }
  }`;

/** Bars of the login flows with one in flight, as an SVG that is readable on light and dark pages. */
export function drawChart(results) {
  const groups = SHOWN.map(([id, title]) => ({ title, bars: barsOf(results.find((row) => row.id === id)) })).filter(
    ({ bars }) => bars.length > 0,
  );
  const longest = Math.max(...groups.flatMap(({ bars }) => bars.map(({ median }) => median)));
  const scale = (WIDTH - LEFT - RIGHT) / longest;
  const lines = [];
  let y = TOP;
  for (const { title, bars } of groups) {
    lines.push(`<text class="group" x="28" y="${y}">${title}</text>`);
    y += 12;
    for (const bar of bars) {
      lines.push(...drawBar(bar, y, scale));
      y += STEP;
    }
    y += 30;
  }
  const height = y - 14;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif">
<title id="title">What a second factor costs: milliseconds an operation</title>
<style>${STYLE}
</style>
<rect class="page" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="10"/>
<text class="title" x="28" y="38">What a second factor costs</text>
<text class="note" x="28" y="59">Milliseconds an operation on one PostgreSQL, one in flight, median; shorter is better</text>
<text class="note" x="28" y="78">×: times what mfa-kit takes for the same, the session row included</text>
${lines.join('\n')}
</svg>
`;
}

function drawBar({ label, color, median, times }, y, scale) {
  const width = Math.max(Math.round(median * scale), 2);
  const middle = y + BAR / 2 + 4.5;
  const compared = times === undefined ? '' : `<tspan class="times" dx="8">${times}</tspan>`;
  return [
    `<text class="label" x="${LEFT - 12}" y="${middle}" text-anchor="end">${label}</text>`,
    `<rect class="${color}" x="${LEFT}" y="${y}" width="${width}" height="${BAR}" rx="3"/>`,
    `<text class="value" x="${LEFT + width + 10}" y="${middle}">${milliseconds(median)}${compared}</text>`,
  ];
}

/** The measured sides. For the peer, how many times as long it takes as mfa-kit, including the session row. */
function barsOf(row) {
  const side = (name) => row?.sides.find((candidate) => candidate.name === name);
  const kit = (side('mfa-kit + session row') ?? side('mfa-kit'))?.median;
  return SIDES.flatMap(([name, color, label]) => {
    const median = side(name)?.median;
    if (median === undefined) return [];
    const isPeer = name.startsWith('better-auth');
    return [{ label, color, median: Math.max(median, 0), times: isPeer ? `${(median / kit).toFixed(1)} ×` : undefined }];
  });
}

function milliseconds(microseconds) {
  return `${(microseconds / 1000).toFixed(2)} ms`;
}
