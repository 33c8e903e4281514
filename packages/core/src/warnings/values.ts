import { fieldOf } from './error-facts.js';

const DEPTH = 3;
const MAX_TEXTS = 200;
/** Shorter ones are single-digit ids and the like, or part of every sentence. */
const LEAST_CHARACTERS = 2;

/** Collects the texts and numbers in the arguments of a callback, because an error that it throws may repeat them. */
export function valuesIn(...things: readonly unknown[]): string[] {
  const texts = new Set<string>();
  const collect = (thing: unknown, depth: number): void => {
    if (texts.size >= MAX_TEXTS) return;
    if (typeof thing === 'number' || typeof thing === 'bigint') texts.add(String(thing));
    if (typeof thing === 'string' && thing.length >= LEAST_CHARACTERS) texts.add(thing);
    if (typeof thing !== 'object' || thing === null || depth === 0) return;
    for (const name of namesOf(thing)) collect(fieldOf(thing, name), depth - 1);
  };
  for (const thing of things) collect(thing, DEPTH);
  return [...texts];
}

/** Collects them from a request, from its personal fields only. */
export function valuesOfRequest(request: unknown): string[] {
  return valuesIn(...['user', 'session', 'body', 'query', 'params'].map((name) => fieldOf(request, name)));
}

function namesOf(thing: object): string[] {
  try {
    return Object.keys(thing).slice(0, MAX_TEXTS);
  } catch {
    return [];
  }
}
