/** The events that some seeds have, and what must come of them: for each workflow that one is for it is one run, and for no other. */
import { gte, on, type Lifted } from "../../flow/index.ts";
import type { EventTrigger } from "../../flow/trigger.ts";
import type { Emitted } from "../../engine/emit.ts";
import type { RunRecord } from "../../store/store.ts";
import { answerOf, type Answer } from "./answer.ts";
import { Violation } from "./violation.ts";

export const EVENT = "happened";
const LEAST = 40;
/** By their places among a seed's workflows. */
const [ALL, SOME] = [0, 2];

/** Null: this seed has none. What it draws it draws from the number, so that the others stay the stories they were. */
export function eventsOf(seed: number): ReadonlyMap<number, EventTrigger<Answer>> | null {
  if (seed % 4 !== 1) return null;
  const some = on(EVENT, {
    where: (event: Lifted<Answer>) => gte(event.n, LEAST),
    input: (event: Lifted<Answer>) => event,
  });
  return new Map([
    [ALL, on<Answer>(EVENT)],
    [SOME, some as EventTrigger<Answer>],
  ]);
}

/** What an event may carry: senders change parts of a payload when they send it again. */
export const VARIANTS = 2;

export function payloadOf(id: string, variant: number): Answer {
  return answerOf("event", variant === 0 ? id : `${id} again`);
}

/** What emitters were told, compared with the runs that came of it; filters are computed by hand. */
export class EmittedEvents {
  /** Of each event, by tenant and id, the workflows that it was said to be for. */
  readonly #accepted = new Map<string, string>();
  readonly #workflows: readonly string[];

  constructor(workflows: readonly string[]) {
    this.#workflows = workflows;
  }

  /** An emitter, of a process that was open, was told so. */
  accept(tenant: string, { id, workflows }: Emitted): void {
    const name = JSON.stringify([tenant, id]);
    const [told, before] = [workflows.join(), this.#accepted.get(name)];
    if (!this.#whoms(id).includes(told)) {
      throw new Violation("an event is for those who subscribe to it, and whose filter is true", { id, workflows });
    }
    if (before !== undefined && before !== told) {
      throw new Violation("an event is the one that came first, whatever it carries", { name, before, told });
    }
    this.#accepted.set(name, told);
  }

  /** `rows`: all runs that there ever were. */
  check(rows: readonly RunRecord[]): void {
    const started = rows.filter(({ key }) => key?.startsWith(`event/${EVENT}/`) ?? false);
    const nameOf = ({ tenant, key }: RunRecord): string => JSON.stringify([tenant, key!.split("/")[2]]);
    const byEvent = Map.groupBy(started, nameOf);
    for (const name of new Set([...byEvent.keys(), ...this.#accepted.keys()])) {
      const [, id] = JSON.parse(name) as [string, string];
      const runs = byEvent.get(name) ?? [];
      const found = runs.map(({ workflow }) => workflow).sort().join(); // prettier-ignore
      const facts = { name, found, runs: runs.map((run) => run.id), accepted: this.#accepted.get(name) };
      if (new Set(runs.map(({ workflow }) => workflow)).size < runs.length) {
        throw new Violation("an event is one run of a workflow", facts);
      }
      const inputs = new Set(runs.map(({ input }) => input));
      if (inputs.size > 1) throw new Violation("an event gives all that it starts the same payload", facts);
      if ((this.#accepted.get(name) ?? found) !== found) {
        throw new Violation("an event that was accepted starts each workflow that it is for", facts);
      }
      if (!this.#whoms(id).includes(found)) throw new Violation("an event starts those whose filter is true", facts);
    }
  }

  /** Whom an event may be for, by what it carries. */
  #whoms(id: string): readonly string[] {
    return Array.from({ length: VARIANTS }, (_, variant) => {
      const places = payloadOf(id, variant).n >= LEAST ? [ALL, SOME] : [ALL];
      return places.map((place) => this.#workflows[place]!).join();
    });
  }
}
