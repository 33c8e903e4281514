import { LEAST_AGE_SECONDS, type Requirement } from '../../assurance.js';

/** Returns the URL of the challenge with what a route requires. */
export function challengeUrl({ options }: { options: { publicPath: string } }, requirement: Requirement): string {
  const query = requirementQuery(requirement);
  return `${options.publicPath}/challenge${query && `?${query}`}`;
}

/** Returns the query that tells the challenge what the refused route requires, so that it asks the user. */
export function requirementQuery({ maxAgeSeconds, acceptRememberedDevice }: Requirement): string {
  const words = new URLSearchParams();
  if (maxAgeSeconds !== undefined) words.set('maxAge', String(maxAgeSeconds));
  if (acceptRememberedDevice === false) words.set('rememberedDevice', 'no');
  return words.toString();
}

/**
 * Reads what a query requires. Anybody can write one, so each parameter can only ask for more than the challenge does by default: a more
 * recent proof, or one without a remembered device. Ignores other parameters.
 */
export function readRequirement(query: URLSearchParams): Requirement {
  const ages = query.getAll('maxAge').filter((age) => /^\d{1,10}$/.test(age));
  const asked: Requirement = {};
  if (ages.length > 0) asked.maxAgeSeconds = Math.max(LEAST_AGE_SECONDS, Math.min(...ages.map(Number)));
  if (query.getAll('rememberedDevice').includes('no')) asked.acceptRememberedDevice = false;
  return asked;
}
