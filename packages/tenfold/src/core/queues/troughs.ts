/**
 * How low the level of a bucket was since something was taken from it. What was taken and not spent is known when the body has ended;
 * given back then is no more than the lowest level since: below it the bucket would have been full meanwhile, and what a full bucket
 * loses nobody may have later (Skorokhod's reflection of a queue at zero; Harrison, "Brownian Motion and Stochastic Flow Systems", 1985).
 * Invariant: levels that come later are higher: what is lower makes those before it of no interest.
 */
export interface Troughs {
  /** When each was: so many were taken before. */
  readonly nths: number[];
  /** The level then, and what was given back before it. */
  readonly levels: number[];
  givenBack: number;
}

export function newTroughs(): Troughs {
  return { nths: [], levels: [], givenBack: 0 };
}

/** The `nth` is being taken; `level` is how much the bucket owes right before. */
export function noteLevel({ nths, levels, givenBack }: Troughs, nth: number, level: number): void {
  const kept = level + givenBack;
  while (levels.length > 0 && levels.at(-1)! >= kept) {
    levels.pop();
    nths.pop();
  }
  nths.push(nth);
  levels.push(kept);
}

/** Of `unspent`, which the `nth` had taken, what may be given back now that the bucket owes `level`: it is from now on. */
export function giveBack(troughs: Troughs, nth: number, unspent: number, level: number): number {
  const { nths, levels } = troughs;
  let [from, to] = [0, nths.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (nths[middle]! > nth) to = middle;
    else from = middle + 1;
  }
  const lowest = from < levels.length ? levels[from]! - troughs.givenBack : Infinity;
  const amount = Math.max(0, Math.min(unspent, level, lowest));
  troughs.givenBack += amount;
  return amount;
}
