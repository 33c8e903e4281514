import type { englishMessages } from './english.js';

/** Every text of the pages, as in `english.ts`. */
export type Messages = typeof englishMessages;

/** What a host may replace: any text, including a single one of a group. */
export type MessageOverrides = {
  [Key in keyof Messages]?: Messages[Key] extends string | ((...values: never[]) => string)
    ? Messages[Key] | undefined
    : { [Name in keyof Messages[Key]]?: Messages[Key][Name] | undefined } | undefined;
};
