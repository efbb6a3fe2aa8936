/** Puts messages into runs' inboxes and makes those runs due. */
import { RUNNING, STATUSES } from "../status-code.ts";
import type { Send, SendAnswer } from "../store.ts";
import { minuteOf } from "../tally-spans.ts";
import { goesOnWithMail, sendRefusal, wakesWithMail } from "../verdict.ts";
import type { Connection } from "./connection.ts";
import { TallyChanges } from "./tally.ts";

export const RUN_TO_SEND_TO = `
  select number, workflow, status, wake_at as "wakeAt" from runs where lane = ? and id = ?`;

export const INSERT_MESSAGE = `
  insert into inbox (lane, run, key, body, at) values (?, ?, ?, ?, ?)
  on conflict (lane, run, key) do nothing`;

export const ANNOUNCE_MAIL = `
  update runs set mail = mail + 1, turn = null, wake_at = min(coalesce(wake_at, ?3), ?3)
  where lane = ?1 and number = ?2`;

export const ANNOUNCE_PATIENT_MAIL = "update runs set mail = mail + 1 where lane = ?1 and number = ?2";

export const REOPEN_RUN = `
  update runs set status = ?3, ended_at = null, error = null
  where lane = ?1 and number = ?2`;

export function sendAll(connection: Connection, lane: number, sends: readonly Send[], now: number): SendAnswer[] {
  const tallies = new TallyChanges(connection, lane);
  const answers = sends.map((send) => sendOne(connection, lane, send, now, tallies));
  tallies.flush();
  return answers;
}

interface Target {
  readonly number: number;
  readonly workflow: string;
  readonly status: number;
  readonly wakeAt: number | null;
}

function sendOne(connection: Connection, lane: number, send: Send, now: number, tallies: TallyChanges): SendAnswer {
  const { run, message } = send;
  const row = connection.get<Target>(RUN_TO_SEND_TO, lane, run);
  const was = row && STATUSES[row.status]!;
  const refusal = sendRefusal(send, was);
  if (row === undefined || refusal !== null) return refusal!;
  const { number, workflow, status, wakeAt } = row;
  const body = JSON.stringify(message.body);
  if (connection.run(INSERT_MESSAGE, lane, number, message.key, body, message.at) === 0) return { kind: "sent" };
  if (wakesWithMail(send, { status: was!, wakeAt }, now)) connection.run(ANNOUNCE_MAIL, lane, number, now);
  else connection.run(ANNOUNCE_PATIENT_MAIL, lane, number);
  if (goesOnWithMail(was!)) {
    connection.run(REOPEN_RUN, lane, number, RUNNING);
    tallies.add(workflow, status, minuteOf(run), -1);
    tallies.add(workflow, RUNNING, minuteOf(run), 1);
  }
  return { kind: "sent" };
}
