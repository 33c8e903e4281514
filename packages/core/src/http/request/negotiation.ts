/**
 * Whether to answer with a page: only if `Accept` names `text/html` and does not rank it below a JSON type that it names.
 *
 * `fetch` accepts every type by default, so it gets JSON.
 */
export function wantsHtml(accept: string | undefined): boolean {
  const html = quality(accept, ['text/html']);
  return html > 0 && html >= quality(accept, ['application/json', 'application/problem+json']);
}

function quality(accept: string | undefined, types: readonly string[]): number {
  let best = 0;
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    if (!types.includes(type)) continue;
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    const value = weight === undefined ? 1 : Number(weight.slice(2));
    if (value >= 0 && value <= 1) best = Math.max(best, value);
  }
  return best;
}
