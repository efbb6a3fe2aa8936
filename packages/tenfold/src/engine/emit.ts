/**
 * Emits events. An event is durable with the list of workflows that it is for when `emit` answers; workers start their
 * runs from there. So an emitter needs no code of theirs, and what is accepted is not lost, whoever dies then.
 */
import { checkEventName } from "../flow/on.ts";
import type { EventName } from "../store/events.ts";
import type { Store } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { hash32 } from "../value/hash.ts";
import { jsonProblem, pathText } from "../value/json.ts";
import { isPlainName } from "../value/plain-name.ts";
import { CHECKED_APART, checkInputs, checkOptions, optional, TENANT, type OptionForm } from "./caller-checks.ts";
import { EmitBatcher, NOT_EMITTED, type EmitAnswer, type PendingEvent } from "./emit-batcher.ts";
import { isMissing } from "./listing.ts";
import type { Clock } from "./ports.ts";
import { readTime } from "./start.ts";

export interface EmitOptions {
  /** Names the event: the same one twice, of the same name and tenant, starts nothing. Made by default. */
  readonly id?: string;
  /** Whom its runs belong to. */
  readonly tenant?: string;
  /** Its runs begin not before this time. */
  readonly at?: Date | number;
}

export interface EmitManyOptions<P> extends Omit<EmitOptions, "id"> {
  /** The id of each event, of its payload. */
  id?(payload: P): string;
}

export interface Emitted extends EmitAnswer {
  readonly id: string;
}

export type EmitManyAnswer =
  ({ readonly kind: "emitted" } & Emitted) | { readonly kind: "refused"; readonly error: TenfoldError };

/** A step's key is an id as well, and with the event's name it has to fit into a run's key. */
const ID_MAX = 400;
const ID_WAY = `Give a text of 1 to ${ID_MAX} characters that is the same whenever this event is sent again.`;

const OPTIONS: Readonly<Record<keyof EmitOptions, OptionForm>> = {
  id: optional((value) => isPlainName(value, ID_MAX), ID_WAY),
  tenant: TENANT,
  at: CHECKED_APART,
};
const MANY_OPTIONS: Readonly<Record<keyof EmitOptions, OptionForm>> = {
  ...OPTIONS,
  id: optional((value) => typeof value === "function", "Give a function of the payload: `id: (lead) => lead.id`."),
};

/** Events that `emitMany` has under way at once. */
const EMIT_MANY = 2000;
/** Ids that are tried for an event that may be in any lane. */
const TRIES = 50;

export interface EmitterParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly payloadMax: number;
  readonly newId: (lane: number) => string;
}

export class Emitter {
  readonly #parts: EmitterParts;
  readonly #batchers: readonly EmitBatcher[];

  constructor(parts: EmitterParts) {
    this.#parts = parts;
    const { store, clock } = parts;
    this.#batchers = Array.from({ length: store.lanes }, (_, lane) => new EmitBatcher(store, lane, clock));
  }

  /** Resolves when the event is durable; rejects before anything is kept of it. */
  async emit(event: string, payload: unknown, options: EmitOptions): Promise<Emitted> {
    checkEventName(event, NOT_EMITTED);
    checkOptions("emit", options, OPTIONS, NOT_EMITTED);
    const { tenant = "", at } = options;
    const startAt = at === undefined ? null : readTime(at, NOT_EMITTED);
    const isNamed = options.id !== undefined;
    const id = options.id ?? this.#newId(event, tenant);
    return this.#emit({ event, tenant, id }, isNamed, payload, startAt);
  }

  /** One answer per payload, in order; thousands are one commit. One that is refused does not stop the rest. */
  async *emitMany<P>(
    event: string,
    payloads: Iterable<P> | AsyncIterable<P>,
    options: EmitManyOptions<P>,
  ): AsyncGenerator<EmitManyAnswer> {
    checkEventName(event, NOT_EMITTED);
    checkOptions("emitMany", options, MANY_OPTIONS, NOT_EMITTED);
    checkInputs(payloads, "emitMany", `${NOT_EMITTED}. Give a list or an (async) iterable; one event goes to \`emit\``);
    const { id, ...others } = options;
    let chunk: Promise<EmitManyAnswer>[] = [];
    try {
      for await (const payload of payloads) {
        chunk.push(this.#answer(event, payload, others, id));
        if (chunk.length < EMIT_MANY) continue;
        const answers = await Promise.all(chunk);
        chunk = [];
        yield* answers;
      }
    } catch (thrown) {
      // Where the payloads end in an error, those before it are emitted, and answered.
      yield* await Promise.all(chunk);
      throw thrown;
    }
    yield* await Promise.all(chunk);
  }

  async #answer<P>(
    event: string,
    payload: P,
    others: EmitOptions,
    idOf: EmitManyOptions<P>["id"],
  ): Promise<EmitManyAnswer> {
    try {
      const options = idOf === undefined ? others : { ...others, id: namedBy(idOf, event, payload) };
      return { kind: "emitted", ...(await this.emit(event, payload, options)) };
    } catch (thrown) {
      if (thrown instanceof TenfoldError && thrown.code !== "INVARIANT_BROKEN")
        return { kind: "refused", error: thrown };
      throw thrown;
    }
  }

  async #emit(name: EventName, isNamed: boolean, payload: unknown, startAt: number | null): Promise<Emitted> {
    const { payloadMax, newId, store } = this.#parts;
    const text = textOf(name.event, payload, payloadMax);
    const lane = laneOfEvent(name, store.lanes);
    const pending: PendingEvent = { name, emission: newId(lane), isNamed, payload: text, startAt };
    return { id: name.id, ...(await this.#batchers[lane]!.add(pending)) };
  }

  /** An id whose lane is reached, of a store on several servers. */
  #newId(event: string, tenant: string): string {
    const { store, newId } = this.#parts;
    for (let tried = 1; ; tried++) {
      const id = newId(0);
      if (tried >= TRIES || !isMissing(store, laneOfEvent({ event, tenant, id }, store.lanes))) return id;
    }
  }
}

/** What the caller's function answers; that it throws is of this payload alone. */
function namedBy<P>(idOf: (payload: P) => string, event: string, payload: P): string {
  try {
    return idOf(payload);
  } catch (thrown) {
    if (thrown instanceof TenfoldError) throw thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const message = `The \`id\` of emitMany threw on a payload of event "${event}": ${reason}; ${NOT_EMITTED} of it. Correct the payload, or the function.`;
    throw new TenfoldError("INPUT_INVALID", message, { facts: { event }, cause: thrown });
  }
}

/** The lane that an event is in. */
export function laneOfEvent({ event, tenant, id }: EventName, lanes: number): number {
  return hash32(`${event}\n${tenant}\n${id}`) % lanes;
}

function textOf(event: string, payload: unknown, payloadMax: number): string {
  const problem = jsonProblem(payload);
  if (problem !== undefined) {
    throw new TenfoldError(
      "NOT_JSON",
      `The payload of event "${event}" is not JSON at ${pathText(problem.path) || "its top"}: ${problem.reason}; ${NOT_EMITTED}.`,
      { facts: { event, path: pathText(problem.path) } },
    );
  }
  const text = JSON.stringify(payload);
  const size = text.length;
  if (size <= payloadMax) return text;
  throw new TenfoldError(
    "PAYLOAD_TOO_LARGE",
    `The payload of event "${event}" is ${size} characters of JSON, and at most ${payloadMax} are kept; ${NOT_EMITTED}. Store large data elsewhere and emit where it is.`,
    { facts: { event, size, max: payloadMax } },
  );
}
