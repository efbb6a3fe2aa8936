/**
 * Which of several versions of a workflow says what an event is to it: what is written of a subscription, as a function of
 * what stands there. LAW: what nobody said before counts from then on, as a deploy does. What was said before, by code that
 * is older and lives on or comes back, counts again once nobody who has the other has said so for three minutes; that there is no
 * trigger too, since the code from before there was one says the same.
 */

/** Who says what a workflow makes of an event. */
export interface Said {
  /** Names what is said: the same for the same. */
  readonly version: string;
  /** As JSON; null: nothing is made of it any more. */
  readonly spec: string | null;
}

export interface Stands extends Said {
  readonly former: readonly string[];
  /** When it was last said (ms since 1970). */
  readonly at: number;
}

/** A worker says it again when it was last said so long ago (ms). */
const SAID_AGAIN_MS = 30_000;
/** Longer than clocks are apart, and than a worker that lives says nothing (ms). */
const SILENT_MS = 180_000;
/** Further than clocks are apart: a clock that was wrong said it (ms). */
const AHEAD_MS = 3_600_000;
/** Versions that are remembered. */
const FORMER_MAX = 100;

/** What is to stand there once `own` was said at `now`; null: what stands there is left. */
export function standsAfter(stands: Stands | null, own: Said, now: number): Stands | null {
  if (stands === null) return own.spec === null ? null : { ...own, former: [], at: now };
  const ageMs = stands.at > now + AHEAD_MS ? Infinity : now - stands.at;
  if (stands.version === own.version) return ageMs < SAID_AGAIN_MS ? null : { ...stands, at: now };
  const mayBeOlder = own.spec === null || stands.former.includes(own.version);
  if (mayBeOlder && ageMs < SILENT_MS) return null;
  const former = [...stands.former.filter((version) => version !== own.version), stands.version];
  return { ...own, former: former.slice(-FORMER_MAX), at: now };
}
