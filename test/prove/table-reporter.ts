import type { Reporter, TestCase, TestModule } from 'vitest/node';
import type { Proof } from '../support/proof.js';

interface Row extends Proof {
  scenario: string;
  violations: number;
  seconds: number;
}

const COLUMNS = ['operations', 'faults', 'checks', 'violations', 'seconds'] as const;
const TITLES = {
  operations: 'operations',
  faults: 'faults injected',
  checks: 'invariants checked',
  violations: 'violations',
  seconds: 'seconds',
};

const SCENARIO = /\bd-\d+b?\b/;
/** The ids of the threat model in test names are listed in docs/evidence/security-coverage.md. */
const IDENTIFIERS = /^(?:(?:[A-Z]{3,4}-\d+|[TI]\d+(?:-I\d+)?|d-\d+b?)(?:, |: ))+/;

/** Ends the long rounds with one table of operations, faults, checks and violations. */
export default class TableReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = new Map<string, Row>();
    for (const module of modules) {
      const file = module.relativeModuleId.replace(/^test\//, '').replace(/\.test\.ts$/, '');
      if (module.errors().length > 0) add(rows, { ...emptyRow(`      ${file}: did not load`), violations: 1 });
      const tests = [...module.children.allTests()].filter((test) => test.result().state !== 'skipped');
      const shared = sharedNames(tests);
      for (const test of tests) {
        // Only the scenarios in the files of the ordinary tests count.
        if (!/^(unit|storage)\//.test(file) || scenarioOf(test) !== '') add(rows, rowOf(file, test, shared));
      }
    }
    const total = emptyRow('      all');
    for (const row of rows.values()) for (const column of COLUMNS) total[column] += row[column];
    setImmediate(() => process.stdout.write(table([...[...rows.values()].sort(byScenario), total])));
  }
}

/** One row for each test, by its scenario of the fault plan; one row for each suite if suites share test names. */
function rowOf(file: string, test: TestCase, shared: ReadonlySet<string>): Row {
  const suite = test.parent.type === 'suite' ? test.parent.name : '';
  const name = shared.has(test.name) && suite !== '' ? suite : test.name;
  const proof = test.meta().proof ?? { operations: 0, faults: 0, checks: 0 };
  const violations = test.result().state === 'failed' ? Math.max(test.result().errors?.length ?? 0, 1) : 0;
  const seconds = (test.diagnostic()?.duration ?? 0) / 1000;
  return { scenario: `${scenarioOf(test).padEnd(6)}${file}: ${name.replace(IDENTIFIERS, '')}`, ...proof, violations, seconds };
}

function scenarioOf({ name, parent }: TestCase): string {
  return SCENARIO.exec(`${name} ${parent.type === 'suite' ? parent.name : ''}`)?.[0] ?? '';
}

/** Sorts by number, with rows without a scenario, for example the model, at the end. */
function byScenario(one: Row, other: Row): number {
  const numberOf = ({ scenario }: Row) => Number(/^d-(\d+)/.exec(scenario)?.[1] ?? Number.POSITIVE_INFINITY);
  const [first, second] = [numberOf(one), numberOf(other)];
  return first === second ? 0 : first - second;
}

function sharedNames(tests: readonly TestCase[]): Set<string> {
  const names = tests.map(({ name }) => name);
  return new Set(names.filter((name, index) => names.indexOf(name) !== index));
}

function emptyRow(scenario: string): Row {
  return { scenario, operations: 0, faults: 0, checks: 0, violations: 0, seconds: 0 };
}

function add(rows: Map<string, Row>, row: Row): void {
  const sum = rows.get(row.scenario) ?? emptyRow(row.scenario);
  for (const column of COLUMNS) sum[column] += row[column];
  rows.set(row.scenario, sum);
}

function table(rows: readonly Row[]): string {
  const width = Math.min(Math.max(...rows.map(({ scenario }) => scenario.length)), 110);
  const line = (scenario: string, cells: readonly string[]) =>
    `${scenario.slice(0, width).padEnd(width)}  ${cells.map((cell, index) => cell.padStart(widthOf(index))).join('  ')}\n`;
  const widthOf = (index: number) => TITLES[COLUMNS[index] ?? 'checks'].length;
  const head = line(
    'scenario',
    COLUMNS.map((column) => TITLES[column]),
  );
  return `\n${head}${rows
    .map((row) =>
      line(
        row.scenario,
        COLUMNS.map((column) => cellOf(row, column)),
      ),
    )
    .join('')}`;
}

/** A dash if this scenario counts none. */
function cellOf(row: Row, column: (typeof COLUMNS)[number]): string {
  return row[column] === 0 && (column === 'operations' || column === 'faults') ? '-' : row[column].toFixed(0);
}
