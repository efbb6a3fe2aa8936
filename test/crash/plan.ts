/** Draws from a seed how every life of a crash test ends: with how many others beside it, and at which moment. */
import { seededRandom, type Random } from "../../packages/tenfold/src/value/random.ts";
import type { Aim, Moment } from "./fatal-moment.ts";

/** How one life is ended. */
export interface Ending {
  /** It kills itself at this moment; null: only the supervisor kills it. */
  readonly aim: Aim | null;
  /** The supervisor kills it after this many effects of it: an aim that never comes must not keep it alive. */
  readonly effects: number;
}

/** Places whose lives follow each other, all at work at once on the one file. */
export type Scene = readonly (readonly Ending[])[];

/** Of 300 lives, how many are aimed at a moment, and the least and the highest number that is drawn for it. */
const AIMS: readonly (readonly [moment: Moment, lives: number, least: number, most: number])[] = [
  ["before-effect", 36, 1, 900],
  ["effect-to-commit", 36, 1, 200],
  ["commit-to-answer", 36, 1, 10],
  ["claim-to-start", 36, 1, 2],
  ["start-to-answer", 10, 2, 4],
  ["joined", 5, 1, 1],
  ["taken-over", 5, 1, 1],
];
const LIVES = 300;

/** Shares of the lives that have no other, one other and two others beside them. */
const SCENES: readonly (readonly [places: number, share: number])[] = [
  [1, 0.12],
  [2, 0.38],
  [3, 0.5],
];

/** Effects after which the supervisor kills a life that is not aimed, and one whose aim did not come. */
const EFFECTS_MIN = 1;
const EFFECTS_MAX = 400;
const EFFECTS_AT_LAST = 500;

export function planOf(seed: number, kills: number): readonly Scene[] {
  const random = seededRandom(`crash ${seed}`);
  const endings: Ending[] = AIMS.flatMap(([moment, lives, least, most]) => {
    return Array.from({ length: Math.round((lives * kills) / LIVES) }, () => {
      const aim = { moment, number: wholeFrom(random, least, most) };
      return { aim, effects: EFFECTS_AT_LAST };
    });
  });
  while (endings.length < kills) endings.push({ aim: null, effects: wholeFrom(random, EFFECTS_MIN, EFFECTS_MAX) });
  shuffle(endings, random);
  let rest = endings.slice(0, kills);
  return SCENES.map(([places, share], index): Scene => {
    const lives = index === SCENES.length - 1 ? rest.length : Math.round(kills * share);
    const here = rest.slice(0, lives);
    rest = rest.slice(lives);
    return Array.from({ length: places }, (_, place) => here.filter((_, life) => life % places === place));
  });
}

export function wholeFrom(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

function shuffle<T>(items: T[], random: Random): void {
  for (let index = items.length - 1; index > 0; index--) {
    const other = wholeFrom(random, 0, index);
    [items[index], items[other]] = [items[other]!, items[index]!];
  }
}
