import type { MfaEvent } from '../../events.js';
import { HOUR, MINUTE } from '../../time.js';

/** Thins out the events that one process would repeat for one user. */
export interface Repeats {
  /** Returns the event to send, with the number of tries that were held back since the last one; null if it is held back. */
  thin(event: MfaEvent): MfaEvent | null;
}

/** The most users that are remembered. The oldest one is forgotten first. */
const MAX_USERS = 1_000;

/** Sends `clock_anomaly` once an hour for each user, and `recovery_codes_flooded` once a minute with the number of tries. */
export function createRepeats(): Repeats {
  const anomalies = new Map<string, number>();
  const floods = new Map<string, { at: number; tries: number }>();

  function keep<Value>(map: Map<string, Value>, userId: string, value: Value): void {
    map.delete(userId);
    map.set(userId, value);
    const [oldest] = map.keys();
    if (map.size > MAX_USERS && oldest !== undefined) map.delete(oldest);
  }

  return {
    thin(event) {
      const { userId, at } = event;
      if (event.name === 'clock_anomaly') {
        const last = anomalies.get(userId);
        if (last !== undefined && Math.abs(at - last) < HOUR) return null;
        keep(anomalies, userId, at);
      }
      if (event.name === 'recovery_codes_flooded') {
        const last = floods.get(userId);
        const tries = (last?.tries ?? 0) + event.tries;
        const soon = last !== undefined && Math.abs(at - last.at) < MINUTE;
        keep(floods, userId, soon ? { at: last.at, tries } : { at, tries: 0 });
        return soon ? null : { ...event, tries };
      }
      return event;
    },
  };
}
