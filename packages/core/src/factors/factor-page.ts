import type { Html } from '../html/html.js';
import type { EnrollPage, PageFrame } from '../pages/page.js';
import type { Messages } from '../pages/texts.js';

/** Texts about a kind of factor on pages that show several kinds. */
export interface FactorWords {
  /** Name of the kind in a list: "Authenticator app". */
  kind: string;
  /** The link to it from the prompt of another factor: "Use a recovery code". */
  use: string;
  /** The summary and the button of the form that adds an authenticator of this kind. */
  add?: string;
  addConfirm?: string;
  /** Shown for an input that cannot be a proof of this kind. */
  malformed?: string;
  /** What to try after a refused proof. */
  hint?: string;
}

/** The prompt for a proof. */
export interface FactorPrompt {
  heading: string;
  /** Says what to do; the element has the id `purpose`. */
  text: string;
  input: Html;
}

/** Set-up: the steps before the first proof, and the form for that proof. */
export interface EnrollParts {
  heading: string;
  /** Below the heading of a first set-up. */
  text: string;
  /** The list items before the last one, which holds the form. */
  steps: Html;
  proof: {
    heading: string;
    /** Says what to do; the element has the id `confirm-text`. */
    text: string;
    input: Html;
    submit: string;
  };
  /** How long the set-up can still be finished. */
  expires(time: string): string;
  startOver: string;
}

/** What a factor adds to the pages. Hosts that draw their own pages do not need it. */
export interface FactorPage {
  words(messages: Messages): FactorWords;
  prompt(because: 'missing' | 'expired' | 'revoked', frame: PageFrame, messages: Messages): FactorPrompt;
  /** Absent: users do not set it up by itself. */
  enroll?(page: EnrollPage, frame: PageFrame, messages: Messages): EnrollParts;
}
