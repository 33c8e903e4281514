import { LEAST_AGE_SECONDS, type Requirement } from '../../assurance.js';

/** Where the challenge is, with what a route asked for. */
export function challengeUrl({ options }: { options: { publicPath: string } }, requirement: Requirement): string {
  const query = askedQuery(requirement);
  return `${options.publicPath}/challenge${query && `?${query}`}`;
}

/** The query with which a refused request leads to the challenge: what its route asked for, so that the prompt comes. */
export function askedQuery({ maxAgeSeconds, acceptRememberedDevice }: Requirement): string {
  const words = new URLSearchParams();
  if (maxAgeSeconds !== undefined) words.set('maxAge', String(maxAgeSeconds));
  if (acceptRememberedDevice === false) words.set('rememberedDevice', 'no');
  return words.toString();
}

/**
 * What a query asks for. Anybody can write one, so that each word can only ask for more than the challenge does by itself: a younger
 * proof, or one that no remembered device stands in for. Other words are ignored.
 */
export function readAsked(query: URLSearchParams): Requirement {
  const ages = query.getAll('maxAge').filter((age) => /^\d{1,10}$/.test(age));
  const asked: Requirement = {};
  if (ages.length > 0) asked.maxAgeSeconds = Math.max(LEAST_AGE_SECONDS, Math.min(...ages.map(Number)));
  if (query.getAll('rememberedDevice').includes('no')) asked.acceptRememberedDevice = false;
  return asked;
}
