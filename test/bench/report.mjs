import { spread } from './measure.mjs';

/** A measured row without its single rounds. */
export function summarize({ id, title, statements, costs, goals }) {
  const sides = [...costs].map(([name, values]) => ({
    name,
    ...rounded(spread(values)),
    rounds: values.length,
    ...(statements?.[name] === undefined ? {} : { statements: statements[name] }),
  }));
  return { id, title, sides, goals: goals.map((goal) => roundedGoal(goal)) };
}

/** One line for each goal: `name ratio bound ok|SHORT`. */
export function quickLines({ goals }) {
  return goals.map(({ name, ratio, bound, ok }) => `${name} ${ratio.median} ${bound} ${ok ? 'ok' : 'SHORT'}`);
}

export function printRow({ title, sides, goals }) {
  console.log(`\n${title}`);
  for (const { name, median, low, high, statements } of sides) {
    const sql = statements === undefined ? '' : `  ${statements}`;
    console.log(`  ${name.padEnd(34)} ${String(median).padStart(9)}  (${low} to ${high})${sql}`);
  }
  for (const { name, ratio, bound, ok } of goals) {
    console.log(
      `  ${ok ? 'ok   ' : 'SHORT'} ${name.padEnd(40)} ${String(ratio.median).padStart(7)}  (${ratio.low} to ${ratio.high})  ${bound}`,
    );
  }
}

/** All rows as tables of Markdown. */
export function markdownOf(results) {
  return results.map(sectionOf).join('\n');
}

function sectionOf({ title, sides, goals }) {
  const counted = sides.some(({ statements }) => statements !== undefined);
  const head = counted
    ? ['| side | median | half of the rounds within | sent |', '|---|---|---|---|']
    : ['| side | median | half of the rounds within |', '|---|---|---|'];
  const rows = sides.map(
    ({ name, median, low, high, statements = '' }) =>
      `| ${name} | ${median} | ${low} to ${high} |${counted ? ` ${statements} |` : ''}`,
  );
  const verdicts = goals.map((goal) => {
    const { name, ratio, bound } = goal;
    return `| ${name} | ${ratio.median} | ${ratio.low} to ${ratio.high} | ${bound} | ${verdictOf(goal)} |`;
  });
  const goalHead = ['| ratio | median | half of the rounds within | goal | |', '|---|---|---|---|---|'];
  return [`### ${title}`, '', ...head, ...rows, '', ...(goals.length > 0 ? [...goalHead, ...verdicts, ''] : [])].join('\n');
}

/** If even the floor misses the goal against the peer, no library can reach it on this machine. */
function verdictOf({ ok, atTheFloor, atTheLibraries }) {
  if (ok) return 'reached';
  const floor = atTheFloor ? `; the floor itself has ${atTheFloor.median}` : '';
  const libraries = atTheLibraries ? `, by otplib and jose ${atTheLibraries.median}` : '';
  return `**short**${floor}${libraries}`;
}

function roundedGoal(goal) {
  const { ratio, atTheFloor, atTheLibraries } = goal;
  return {
    ...goal,
    ratio: rounded(ratio),
    ...(atTheFloor && { atTheFloor: rounded(atTheFloor) }),
    ...(atTheLibraries && { atTheLibraries: rounded(atTheLibraries) }),
  };
}

/** Three significant digits. */
function rounded(values) {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value.toPrecision(3))]));
}
