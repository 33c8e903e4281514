import type { Checked, Factor } from '../factor.js';

/** A base that only the user and the server know, and the highest number that was used with it. */
interface CounterData {
  base: string;
  used: number;
}

/** A code is the base and a number, and each number counts once: `kzq7-3`. */
export const counterCodeFactor = {
  kind: 'counter-code',
  bodyField: 'counterCode' as const,
  traits: { guessable: true, phishable: true, standsAlone: true, endsRememberedDevices: false },
  enroll: {
    defaultName: 'Counter',
    begin: (random) => ({ base: Buffer.from(random(16)).toString('hex'), used: 0 }),
    show: ({ base }) => ({ base }),
    confirm: checkNumber,
  },
  words: { kind: 'Counter code', use: 'Use a counter code', add: 'Add a counter', label: 'Base and number' },
  page: async () => (await import('./page.js')).counterCodePage,
  proofFrom: (code) => ({ code }),
  parse: ({ code }: { code: unknown }) => (typeof code === 'string' && /^[0-9a-f]{32}-[1-9]\d{0,5}$/.test(code) ? code : null),
  check: checkNumber,
} satisfies Factor<CounterData, CounterData, { base: string }, string>;

function checkNumber(data: CounterData, code: string): Checked<CounterData> {
  const [base, number] = code.split('-');
  if (base !== data.base) return { outcome: 'wrong', data };
  if (Number(number) <= data.used) return { outcome: 'replayed', data };
  return { outcome: 'accepted', data: { ...data, used: Number(number) } };
}
