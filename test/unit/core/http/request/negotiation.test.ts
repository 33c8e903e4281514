import { expect, it } from 'vitest';
import { wantsHtml } from '../../../../../packages/core/src/http/request/negotiation.js';

it.each([
  'text/html',
  'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8',
  'TEXT/HTML;charset=utf-8',
  'application/json;q=0.5, text/html',
  'text/html;q=0.1',
  'text/html;q=1',
  'application/json, text/html',
  'application/json;q=0.3, text/html;level=1;q=0.3',
])('answers Accept: %s with a page', (accept) => {
  expect(wantsHtml(accept)).toBe(true);
});

it.each([
  undefined,
  '',
  '*/*',
  'text/*',
  'application/json',
  'application/json, text/plain, */*',
  'application/json, text/html;q=0.9',
  'application/problem+json, text/html;q=0.2',
  'text/html;q=0',
  'text/html;q=x',
  'text/html;q=2',
  'text/html;q=-1',
  'text/htmlx',
  'xtext/html',
])('answers Accept: %s with JSON', (accept) => {
  expect(wantsHtml(accept)).toBe(false);
});
