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

/** The payload of each event: the same whenever it is emitted. */
export function payloadOf(id: string): Answer {
  return answerOf("event", id);
}

/** What emitters were told, compared with the runs that came of it; filters are computed by hand. */
export class EmittedEvents {
  readonly #accepted = new Set<string>();
  readonly #workflows: readonly string[];

  constructor(workflows: readonly string[]) {
    this.#workflows = workflows;
  }

  /** An emitter, of a process that was open, was told so. */
  accept(tenant: string, { id, workflows }: Emitted): void {
    const expected = this.#whom(id);
    if (workflows.join() !== expected.join()) {
      throw new Violation("an event is for those who subscribe to it, and whose filter is true", {
        id,
        workflows,
        expected,
      });
    }
    this.#accepted.add(JSON.stringify([tenant, id]));
  }

  /** `rows`: all runs that there ever were. */
  check(rows: readonly RunRecord[]): void {
    const started = rows.filter(({ key }) => key?.startsWith(`event/${EVENT}/`) ?? false);
    const names = started.map(({ workflow, tenant, key }) => JSON.stringify([workflow, tenant, key!.split("/")[2]]));
    for (const [nth, name] of names.entries()) {
      const facts = { run: started[nth]!.id, name };
      if (names.indexOf(name) !== nth) throw new Violation("an event is one run of a workflow", facts);
      const [workflow, , id] = JSON.parse(name) as [string, string, string];
      if (!this.#whom(id).includes(workflow)) throw new Violation("an event starts those whose filter is true", facts);
    }
    for (const accepted of this.#accepted) {
      const [tenant, id] = JSON.parse(accepted) as [string, string];
      for (const workflow of this.#whom(id)) {
        if (names.includes(JSON.stringify([workflow, tenant, id]))) continue;
        throw new Violation("an event that was accepted starts each workflow that it is for", { workflow, tenant, id });
      }
    }
  }

  #whom(id: string): readonly string[] {
    const places = payloadOf(id).n >= LEAST ? [ALL, SOME] : [ALL];
    return places.map((place) => this.#workflows[place]!);
  }
}
