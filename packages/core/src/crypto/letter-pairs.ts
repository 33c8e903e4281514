/**
 * How letters follow each other in words. A row for each letter that came before, the last row for the beginning of a word; a column
 * for each letter that comes. The code of a pair is its cost in half bits, from `a` for none. Counted over technical English and the
 * words of fifteen other languages.
 */
const COSTS = [
  'pjijrokqjqmgjgrksgiflmoolp',
  'gmooftnqhkrfprhothjogsttls',
  'grmsgttgjtijstessjngjtttnq',
  'gmpkdpoqfpskpniotkiojoqtmq',
  'jnigmlmqnqojjgolofgiplokor',
  'htqsgittestirrfttimkitttjt',
  'iopseqkigtqjniipthjlhqqtmq',
  'fqspeqrtgrqmmogppjmjktptmt',
  'klijjljsrqoijehlskhhqksorl',
  'frtpettqjrprpogqrpfofomttq',
  'gopndoomgpmkpkiqtmgkirntot',
  'hppkepqrfqpgprgntqkjjoqtht',
  'ejqpeopqgrrojphhrslrkqqspt',
  'ipihhmfqipnnpljpsphfkmstns',
  'mkkjonmsmoljiekjtfjjikjqqr',
  'frqofrqlisrhqsgjtflhkqttpt',
  'pttqmtttmptftttttnttbttttt',
  'gplleomqgsmmklhptkiilnptkr',
  'jqjofosjgsnmnoijpqhfirptlr',
  'hrlpepqhfrsmqphoshikkrotks',
  'kkklimkqjsnhigojtghgnsrrsq',
  'ettrctrtfsrssskssnpsnpssrs',
  'fprofrphfsrmrihqtihoqtqtqr',
  'hphpgpqngrtnotmetnnfotttmr',
  'ilknimprimpjkhhftmgiooltip',
  'gorncttngtrmtlipttpnjtptlk',
  'ijhijjlljmnkikkipihikmkroq',
];

/** The probability of each letter (0 to 25) after each other; row 26: at the beginning of a word. Each row adds up to 1. */
export const LETTER_PAIRS: readonly (readonly number[])[] = COSTS.map((row) => {
  const weights = [...row].map((code) => 2 ** (-(code.charCodeAt(0) - 97) / 2));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
});
