/**
 * Events of a lane: a sub-port of the store, beside its schedules. It keeps which workflows subscribe to which events, and
 * for each event that was emitted one delivery to each workflow that it is for, until a run came of it. It knows no
 * filters; what an event is to whom, and which subscription counts, others decide.
 */
import type { TenfoldError } from "../value/error.ts";

/** What a workflow makes of an event, as its code had it when a worker said so. */
export interface Subscription {
  readonly event: string;
  readonly workflow: string;
  /** Names what it says: the same for the same. */
  readonly version: string;
  /** Its filter and its input, as JSON; null: the workflow subscribes to this event no more. */
  readonly spec: string | null;
  /** Versions that were here before. */
  readonly former: readonly string[];
  /** When a worker that has it last said so (ms since 1970). */
  readonly at: number;
}

export interface Subscribe {
  /** What stands there now, of the same event and workflow; null: nothing. */
  readonly from: Pick<Subscription, "version" | "at"> | null;
  readonly to: Subscription;
}

export interface EventName {
  readonly event: string;
  readonly tenant: string;
  readonly id: string;
}

export interface DeliveryName extends EventName {
  readonly workflow: string;
}

export interface EmittedEvent extends EventName {
  /** Made by the emitter, so that what is sent twice, for want of an answer, is known. */
  readonly emission: string;
  readonly to: readonly DeliveryStart[];
}

export interface DeliveryStart {
  readonly workflow: string;
  /** The input of the run, as JSON. */
  readonly input: string;
  /** The run begins not before this time; null: at once. */
  readonly startAt: number | null;
}

export interface Delivery extends DeliveryName, DeliveryStart {
  /** Why its input could not be decoded. */
  readonly unread?: TenfoldError;
}

export interface Taken {
  readonly deliveries: readonly Delivery[];
  /** When the next one is due, of those that are not due now; null: none waits. */
  readonly next: number | null;
}

/** What became of a delivery. */
export interface Settled extends DeliveryName {
  readonly then:
    | { readonly kind: "started"; readonly run: string }
    /** With its error as JSON. */
    | { readonly kind: "refused"; readonly error: string };
}

export type DeliveryState = "waiting" | "refused";

export interface DeliveryRecord extends DeliveryName {
  readonly emittedAt: number;
  /** Null: it is settled. */
  readonly dueAt: number | null;
  /** The run that it started. */
  readonly run: string | null;
  /** Why it started none, as JSON. */
  readonly error: string | null;
  readonly unread?: TenfoldError;
}

export interface Events {
  /** Those to some events; null: all of the lane. */
  subscriptions(lane: number, events: readonly string[] | null): Promise<readonly Subscription[]>;
  /**
   * Each event and workflow once in a batch.
   * LAW: true for at most one of all who would put another in the place of the same one, which then stands there.
   */
  subscribe(lane: number, batch: readonly Subscribe[]): Promise<readonly boolean[]>;

  /**
   * LAW: of all events of one name, tenant and id one is taken in, whole, with its deliveries, which are due at once; true
   * for that one, also if the same emission is sent again.
   */
  emit(lane: number, events: readonly EmittedEvent[], now: number): Promise<readonly boolean[]>;
  /**
   * Deliveries to some workflows that are due, `limit` of each workflow at most, those that waited longest first; what somebody
   * else is just changing may be passed over.
   * LAW: one that is taken is due again at `until`, unless it was settled by then; nobody is given it before.
   */
  take(lane: number, workflows: readonly string[], now: number, until: number, limit: number): Promise<Taken>;
  /** LAW: a delivery that waits is settled, and its input forgotten if a run came of it; one that is settled stays as it is. */
  settle(lane: number, batch: readonly Settled[]): Promise<void>;
  /** LAW: those that were refused are due again; true for them. */
  redeliver(lane: number, names: readonly DeliveryName[], now: number): Promise<readonly boolean[]>;

  /** The deliveries of each event, by the names of their workflows; null: it is not known. */
  emitted(lane: number, names: readonly EventName[]): Promise<readonly (readonly DeliveryRecord[] | null)[]>;
  /** Those in a state, behind one, by workflow, event, tenant and id. */
  deliveries(
    lane: number,
    state: DeliveryState,
    after: DeliveryName | null,
    limit: number,
  ): Promise<readonly DeliveryRecord[]>;
  /**
   * Forgets events that were emitted before a time, `limit` of them; answers how many.
   * LAW: an event goes with all its deliveries, and one that has a delivery that waits stays.
   */
  forgetEvents(lane: number, before: number, limit: number): Promise<number>;
}
