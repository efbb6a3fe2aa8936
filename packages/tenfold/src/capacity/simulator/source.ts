/** Where runs of a workflow come from: at the times at which they are meant to, whoever is slow; or as others end. */
import { drawn, identity, PURPOSE } from "../model/chance.ts";
import { quantileOf } from "../model/distribution.ts";
import type { Agenda } from "./agenda.ts";
import type { Happening } from "./happening.ts";
import type { SimulatedWorkflow } from "./world.ts";

export class Source implements Happening {
  readonly #workflow: SimulatedWorkflow;
  readonly #identity: number;
  readonly #agenda: Agenda<Happening>;
  readonly #comes: (at: number) => void;
  #count = 0;
  #nextAt = 0;
  #isClosed = false;

  constructor(workflow: SimulatedWorkflow, seed: number, agenda: Agenda<Happening>, comes: (at: number) => void) {
    this.#workflow = workflow;
    this.#identity = identity(identity(seed, PURPOSE.arrival), workflow.number);
    this.#agenda = agenda;
    this.#comes = comes;
    const { arrivals } = workflow;
    if (arrivals === null) return;
    if (arrivals.kind !== "closed") this.#planNext();
    else for (let nth = 0; nth < arrivals.runs; nth++) this.#after(arrivals.pause);
  }

  close(): void {
    this.#isClosed = true;
  }

  happens(): void {
    if (this.#isClosed) return;
    this.#comes(this.#agenda.now);
    if (this.#workflow.arrivals!.kind !== "closed") this.#planNext();
  }

  /** A run of some workflow has ended. */
  ended(workflow: SimulatedWorkflow): void {
    const { arrivals } = workflow;
    if (workflow === this.#workflow && arrivals?.kind === "closed") this.#after(arrivals.pause);
  }

  #draw(): number {
    return drawn(identity(this.#identity, this.#count++), PURPOSE.arrival);
  }

  #after(pause: Parameters<typeof quantileOf>[0]): void {
    this.#agenda.plan(this.#agenda.now + quantileOf(pause)(this.#draw()), this);
  }

  #planNext(): void {
    const { arrivals } = this.#workflow;
    switch (arrivals!.kind) {
      case "poisson":
        this.#nextAt += (-1000 * Math.log(this.#draw())) / arrivals!.perSecond;
        break;
      case "even":
        this.#nextAt = (++this.#count * 1000) / arrivals!.perSecond;
        break;
      case "times": {
        const at = arrivals!.at[this.#count++];
        if (at === undefined) return;
        this.#nextAt = at;
        break;
      }
      default:
        return;
    }
    this.#agenda.plan(this.#nextAt, this);
  }
}
