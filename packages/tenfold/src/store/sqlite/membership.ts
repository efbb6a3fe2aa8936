/** Leases: joining a lane, showing that one is alive, and taking over from one that is not. */
import { LeaseLost, type Holder, type Lease, type LeaseSeen } from "../store.ts";
import type { Connection } from "./connection.ts";

export const JOIN = `
  insert into leases (lane, owner, worker, host, process, beat, is_alive, outside_commits)
  values (?, ?, ?, ?, ?, 0, 1, 0)
  on conflict (lane, owner) do nothing`;

export const BEAT = "update leases set beat = beat + 1 where lane = ? and owner = ? and is_alive = 1";

export const SEE_LEASES = `
  select owner, worker, host, process, beat
  from leases where lane = ? and is_alive = 1 order by number`;

export const KILL_LEASE = `
  update leases set is_alive = 0
  where lane = ? and owner = ? and is_alive = 1 and (?3 is null or beat = ?3)`;

export const FREE_RUNS = `
  update runs set owner = null, wake_at = ?3, deaths = deaths + ?4
  where lane = ?1 and owner = (select number from leases where lane = ?1 and owner = ?2)`;

export const FREE_QUEUES = "update queues set owner = null, was_used = 1 where lane = ? and owner = ?";

export function join(connection: Connection, lease: Lease, holder: Holder): void {
  const { worker, host, process } = holder;
  if (connection.run(JOIN, lease.lane, lease.owner, worker, host, process) === 0) throw new LeaseLost(lease);
}

export function renew(connection: Connection, lease: Lease): readonly LeaseSeen[] {
  if (connection.run(BEAT, lease.lane, lease.owner) === 0) throw new LeaseLost(lease);
  return connection.all<LeaseSeen>(SEE_LEASES, lease.lane).map((seen) => ({ ...seen }));
}

export function takeOver(
  connection: Connection,
  lane: number,
  owner: string,
  beat: number | null,
  now: number,
  leaves: boolean,
): boolean {
  if (connection.run(KILL_LEASE, lane, owner, beat) === 0) return false;
  connection.run(FREE_RUNS, lane, owner, now, leaves ? 0 : 1);
  connection.run(FREE_QUEUES, lane, owner);
  return true;
}
