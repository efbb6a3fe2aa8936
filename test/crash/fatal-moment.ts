/** Kills this very program at the n-th moment of a kind: a phase that a kill from outside would hardly ever meet. */
import type { EffectLog } from "./effect-log.ts";

export const MOMENTS = [
  "joined",
  "taken-over",
  "start-to-answer",
  "claim-to-start",
  "before-effect",
  "effect-to-commit",
  "commit-to-answer",
] as const;

export type Moment = (typeof MOMENTS)[number];

export interface Aim {
  readonly moment: Moment;
  /** The how-manieth of these moments in a life, from 1. */
  readonly number: number;
}

export function aimText({ moment, number }: Aim): string {
  return `${moment}:${number}`;
}

export function readAim(text: string): Aim {
  const [name, number] = text.split(":");
  const moment = MOMENTS.find((known) => known === name);
  if (moment === undefined) throw new Error(`${name} is no moment to die at; there are ${MOMENTS.join(", ")}.`);
  return { moment, number: Number(number) };
}

export class FatalMoment {
  readonly #log: EffectLog;
  readonly #aim: Aim | null;
  #seen = 0;

  constructor(log: EffectLog, aim: Aim | null) {
    this.#log = log;
    this.#aim = aim;
  }

  /** Does not return at the moment that was aimed at. */
  pass(moment: Moment): void {
    if (this.#aim?.moment !== moment || ++this.#seen < this.#aim.number) return;
    this.#log.write({ kind: "dying", moment });
    process.kill(process.pid, "SIGKILL");
  }
}
