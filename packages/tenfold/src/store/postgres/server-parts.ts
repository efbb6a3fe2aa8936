/** The sub-ports of a store on several servers: each verb goes to the server that holds its lane. */
import { keptKey } from "../queue-key.ts";
import type { Store } from "../store.ts";
import type { PostgresStore } from "./postgres.ts";

/** Asks the server of a lane. */
type Ask = <T>(lane: number, ask: (store: PostgresStore) => Promise<T>) => Promise<T>;

/** `at` for verbs that change something, `read` for those that do not. */
export function partsAt(
  at: Ask,
  read: Ask,
): Pick<Store, "post" | "schedules" | "files" | "events" | "transactions" | "queues"> {
  return {
    post: {
      outgoing: (lane, ...given) => read(lane, (store) => store.post.outgoing(lane, ...given)),
      deliver: (lane, ...given) => at(lane, (store) => store.post.deliver(lane, ...given)),
      remove: (lane, ...given) => at(lane, (store) => store.post.remove(lane, ...given)),
      received: (lane, ...given) => read(lane, (store) => store.post.received(lane, ...given)),
      holds: (lane, ...given) => read(lane, (store) => store.post.holds(lane, ...given)),
      release: (lane, ...given) => at(lane, (store) => store.post.release(lane, ...given)),
    },
    schedules: {
      reached: (lane, names) => read(lane, (store) => store.schedules.reached(lane, names)),
      advance: (lane, batch) => at(lane, (store) => store.schedules.advance(lane, batch)),
    },
    files: {
      write: (lease, ...given) => at(lease.lane, (store) => store.files.write(lease, ...given)),
      remove: (lease, files) => at(lease.lane, (store) => store.files.remove(lease, files)),
      list: (lane, runs) => read(lane, (store) => store.files.list(lane, runs)),
      read: (lane, ...given) => read(lane, (store) => store.files.read(lane, ...given)),
      sweep: (lane, partsMax) => at(lane, (store) => store.files.sweep(lane, partsMax)),
    },
    events: {
      subscriptions: (lane, ...given) => read(lane, (store) => store.events.subscriptions(lane, ...given)),
      subscribe: (lane, ...given) => at(lane, (store) => store.events.subscribe(lane, ...given)),
      emit: (lane, ...given) => at(lane, (store) => store.events.emit(lane, ...given)),
      take: (lane, ...given) => at(lane, (store) => store.events.take(lane, ...given)),
      settle: (lane, ...given) => at(lane, (store) => store.events.settle(lane, ...given)),
      redeliver: (lane, ...given) => at(lane, (store) => store.events.redeliver(lane, ...given)),
      emitted: (lane, ...given) => read(lane, (store) => store.events.emitted(lane, ...given)),
      deliveries: (lane, ...given) => read(lane, (store) => store.events.deliveries(lane, ...given)),
      forgetEvents: (lane, ...given) => at(lane, (store) => store.events.forgetEvents(lane, ...given)),
    },
    queues: {
      keyOf: keptKey,
      own: (lease, queues) => at(lease.lane, (store) => store.queues.own(lease, queues)),
      release: (lease, queues) => at(lease.lane, (store) => store.queues.release(lease, queues)),
      keepBuckets: (lease, ...given) => at(lease.lane, (store) => store.queues.keepBuckets(lease, ...given)),
      arrivals: (lease, ...given) => at(lease.lane, (store) => store.queues.arrivals(lease, ...given)),
      firsts: (lane, ...given) => read(lane, (store) => store.queues.firsts(lane, ...given)),
      behind: (lane, ...given) => read(lane, (store) => store.queues.behind(lane, ...given)),
      call: (lease, ...given) => at(lease.lane, (store) => store.queues.call(lease, ...given)),
      setSettings: (lane, ...given) => at(lane, (store) => store.queues.setSettings(lane, ...given)),
      setStats: (lease, ...given) => at(lease.lane, (store) => store.queues.setStats(lease, ...given)),
      list: (lane) => read(lane, (store) => store.queues.list(lane)),
      rows: (lane, queues) => read(lane, (store) => store.queues.rows(lane, queues)),
      ahead: (lane, ...given) => read(lane, (store) => store.queues.ahead(lane, ...given)),
      count: (lane, ...given) => read(lane, (store) => store.queues.count(lane, ...given)),
      unbegun: (lane, ...given) => read(lane, (store) => store.queues.unbegun(lane, ...given)),
    },
    transactions: {
      kind: "postgres",
      transact: (lease, work) => at(lease.lane, (store) => store.transactions.transact(lease, work)),
    },
  };
}
