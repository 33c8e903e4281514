import type { MfaEvent, MfaNotice } from '@mfa-kit/core';

/** The kit's `onEvent`: prints an audit trail as JSON lines if that is switched on. */
export function eventPrinter(enabled: boolean): (event: MfaEvent) => void {
  return (event) => {
    if (enabled) console.log(JSON.stringify({ event: event.name, ...event }));
  };
}

/** The kit's `notify`: what a real application would mail to the user. */
export function noticePrinter(enabled: boolean): (notice: MfaNotice) => void {
  return (notice) => {
    if (enabled) console.log(JSON.stringify({ notice: notice.name, to: notice.userId, at: notice.at }));
  };
}
