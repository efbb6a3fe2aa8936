/**
 * Who waits in a queue that lets only so many wait, as far as its owner knows, and who is too many.
 * Invariants: who was let in is not refused, however often it asks again; who came before this owner began to decide was let in by the
 * one before; those that nobody here has heard of are a number, which a count of the store corrects by what nothing else explains.
 */

/** Where one that was let in waits: in memory, on its way into the store or out of it, or in the store. */
type Whereabouts = "here" | "away" | "long away" | "parked" | "called";

export interface Backlog {
  /** What came before that was let in (ms since 1970). */
  readonly beganAt: number;
  /** By the ids of their turns. */
  readonly known: Map<string, Whereabouts>;
  /** Places in the store of which nobody here has heard; below 0 where fewer are there than those that are known to be. */
  unknown: number;
  /** Changes of what is in the store, to tell what a count may have missed. */
  changes: number;
  /** Who was permitted, and has not been settled: should its run go on elsewhere, it was let in. */
  readonly begun: Set<string>;
  /** Who has left since the last count, and before that: it may come again, and was let in. */
  left: Set<string>;
  leftBefore: Set<string>;
  /** So many of the oldest are to go. */
  owed: number;
  refused: number;
  dropped: number;
}

/** How one comes. */
export interface Coming {
  /** From when on it could have waited (ms since 1970). */
  readonly at: number;
  /** It has not waited before: it is no further attempt. */
  readonly isFirst: boolean;
}

export function newBacklog(beganAt: number): Backlog {
  return {
    ...{ beganAt, known: new Map(), begun: new Set(), unknown: 0, changes: 0 },
    ...{ left: new Set(), leftBefore: new Set(), owed: 0, refused: 0, dropped: 0 },
  };
}

/** How many wait. */
export function waitingIn({ known, unknown }: Backlog): number {
  return Math.max(0, known.size + unknown);
}

/** One waits in memory from now on, or is too many, and does not: false. `coming`: null for one that has to be let in. */
export function letsIn(backlog: Backlog, id: string, coming: Coming | null, max: number, drops: boolean): boolean {
  const isNew = coming !== null && coming.isFirst && coming.at >= backlog.beganAt && !wasLetIn(backlog, id);
  const isOneTooMany = isNew && waitingIn(backlog) >= max;
  if (isOneTooMany && !drops) {
    backlog.refused++;
    return false;
  }
  if (isOneTooMany) backlog.owed++;
  backlog.known.set(id, "here");
  return true;
}

function wasLetIn({ known, begun, left, leftBefore }: Backlog, id: string): boolean {
  return known.has(id) || begun.has(id) || left.has(id) || leftBefore.has(id);
}

/** A place is in the store; false: it is one too many, and its run is to be called up to hear of that. */
export function hearOf(backlog: Backlog, id: string, rank: number, max: number, drops: boolean): boolean {
  backlog.changes++;
  if (!wasLetIn(backlog, id) && rank >= backlog.beganAt && waitingIn(backlog) >= max) {
    if (!drops) return false;
    backlog.owed++;
  }
  backlog.known.set(id, "parked");
  return true;
}

/** Its place is being taken out of the store. */
export function calledUp(backlog: Backlog, id: string): void {
  if (!backlog.known.has(id)) backlog.unknown--;
  backlog.known.set(id, "called");
  backlog.changes++;
}

/** It was called up, and does not wait. */
export function cameToNothing(backlog: Backlog, id: string): void {
  if (backlog.known.get(id) === "called") leaveFor(backlog, id);
}

/** Its run is being parked. */
export function goAway({ known }: Backlog, id: string): void {
  if (known.has(id)) known.set(id, "away");
}

/** It is permitted. */
export function goOn({ known, begun }: Backlog, id: string): void {
  known.delete(id);
  begun.add(id);
}

/** Its body has settled; `comesAgain`: nobody has heard of that, and it is made anew. */
export function settle(backlog: Backlog, id: string, comesAgain: boolean): void {
  if (comesAgain) leaveFor(backlog, id);
  backlog.begun.delete(id);
}

/** It waits no more, though it was not permitted, or cannot use that; if it comes again, it is let in. */
export function leaveFor(backlog: Backlog, id: string): void {
  backlog.known.delete(id);
  backlog.begun.delete(id);
  backlog.left.add(id);
}

/** How many of the oldest are to go now. */
export function owedNow(backlog: Backlog, max: number): number {
  backlog.owed = Math.min(backlog.owed, Math.max(0, waitingIn(backlog) - max));
  return backlog.owed;
}

/**
 * So many places were in the store, counted up to `max` and one more, when there had been `changesBefore`. `isThere` tells who is
 * in memory, or is being called up.
 */
export function counted(
  backlog: Backlog,
  places: number,
  changesBefore: number,
  max: number,
  isThere: (id: string) => boolean,
): void {
  const { known } = backlog;
  let parked = 0;
  let uncertain = backlog.changes - changesBefore;
  for (const [id, where] of known) {
    if (where === "parked") parked++;
    else if (where === "away") known.set(id, "long away");
    else if (where === "long away" || !isThere(id)) leaveFor(backlog, id);
    if (where === "away") uncertain++;
  }
  const off = places - parked - backlog.unknown;
  const surely = Math.sign(off) * Math.max(0, Math.abs(off) - uncertain);
  // There may be more than were counted.
  if (surely > 0 || places <= max) backlog.unknown += surely;
  if (places === 0 && uncertain === 0) {
    for (const [id, where] of known) if (where === "parked") known.delete(id);
    backlog.unknown = 0;
  }
  backlog.leftBefore = backlog.left;
  backlog.left = new Set();
}
