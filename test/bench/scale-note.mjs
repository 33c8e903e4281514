const SLOTS = 16_384;
const NODES = [3, 6, 12];
const IDS = 100_000;

/** How many logins per second each storage can handle, computed from the measured costs, as Markdown. */
export function scaleNote(results) {
  const cost = (id, name) => results.find((row) => row.id === id)?.sides.find((side) => side.name === name)?.median;
  const [elapsed, application, postgres] = ['elapsed', 'processor of the application', 'processor of PostgreSQL'].map((name) =>
    cost('capacity.postgres', name),
  );
  if (elapsed === undefined) return 'Not measured yet (`npm run bench -- capacity`, on Linux).';
  const lines = [
    row('one application process on one PostgreSQL', `1,000,000 / ${elapsed}`, perSecond(elapsed)),
    row('each core of the applications', `1,000,000 / ${application}`, perSecond(application)),
    row('each core of PostgreSQL', `1,000,000 / ${postgres}`, perSecond(postgres)),
    row('PostgreSQL with 8 cores', `8 × 1,000,000 / ${postgres}`, 8 * perSecond(postgres)),
  ];
  for (const appendfsync of ['always', 'everysec']) {
    const [read, write] = ['read', 'write'].map((name) => cost('capacity.redis', `${name}, appendfsync ${appendfsync}`));
    if (read === undefined) continue;
    const one = 1_000_000 / (read + write);
    lines.push(row(`one Redis, \`appendfsync ${appendfsync}\``, `1,000,000 / (${read} + ${write})`, one));
    for (const nodes of NODES) {
      const share = fullestShare(nodes);
      const arithmetic = `${whole(one, 3)} / ${share.toFixed(3)}`;
      lines.push(row(`Redis Cluster of ${nodes} masters, \`appendfsync ${appendfsync}\``, arithmetic, one / share));
    }
  }
  return ['| storage | arithmetic | logins a second |', '|---|---|---|', ...lines].join('\n');
}

function row(storage, arithmetic, logins) {
  return `| ${storage} | ${arithmetic} | ${whole(logins)} |`;
}

function perSecond(microseconds) {
  return 1_000_000 / microseconds;
}

/** Two significant digits, because the computation is no more accurate. */
function whole(number, digits = 2) {
  return Number(number.toPrecision(digits)).toLocaleString('en');
}

/** The share of users on the fullest of `nodes` masters, if each has an equal range of slots. */
export function fullestShare(nodes) {
  const users = new Array(nodes).fill(0);
  for (let id = 0; id < IDS; id++) users[Math.floor((slotOf(`mfa:user-${id}`) * nodes) / SLOTS)]++;
  return Math.max(...users) / IDS;
}

/** CRC16 (XMODEM) of the key, as the specification of Redis Cluster has it. */
export function slotOf(key) {
  let crc = 0;
  for (const byte of Buffer.from(key)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc % SLOTS;
}
