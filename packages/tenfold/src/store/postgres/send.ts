/** Puts messages into runs' inboxes and makes those runs due; the runs' rows are locked, in order, before it decides. */
import { RUNNING, STATUSES, statusCode } from "../status-code.ts";
import type { RunStatus, Send, SendAnswer } from "../store.ts";
import { goesOnWithMail, sendRefusal, wakesWithMail } from "../verdict.ts";
import { plain, texts } from "./arrays.ts";
import type { Statement, Transaction } from "./connection.ts";
import { LOCK_LANE } from "./lane-row.ts";
import { TallyChanges } from "./tally-changes.ts";

export const LOCK_RUNS_TO_SEND = `
  select r.id, r.workflow, r.status, r.mail, r.wake_at as "wakeAt"
  from tenfold.runs r where r.lane = $1 and r.id = any ($2::text[]) order by r.id for update`;

export const KNOWN_MESSAGES = `
  select i.run, i.key
  from tenfold.inbox i where i.lane = $1 and i.run = any ($2::text[])`;

export const INSERT_MESSAGES = `
  insert into tenfold.inbox (lane, run, key, ordinal, body, at)
  select a.lane, t.run, t.key, t.ordinal, t.body, t.at
  from tenfold.lanes a,
    unnest($2::text[], $3::text[], $4::integer[], $5::text[], $6::bigint[]) as t (run, key, ordinal, body, at)
  where a.lane = $1`;

export const ANNOUNCE_MAIL = `
  update tenfold.runs r
  set mail = t.mail, turn = null,
    wake_at = case when t.wakes then least(coalesce(r.wake_at, $4), $4) else r.wake_at end
  from unnest($2::text[], $3::integer[], $5::boolean[]) as t (run, mail, wakes)
  where r.lane = $1 and r.id = t.run`;

export const REOPEN_RUNS = `
  update tenfold.runs r set status = ${RUNNING}, ended_at = null, error = null
  where r.lane = $1 and r.id = any ($2::text[])`;

interface Row {
  readonly id: string;
  readonly workflow: string;
  readonly status: number;
  readonly mail: number;
  readonly wakeAt: number | null;
}

interface Target {
  readonly id: string;
  readonly workflow: string;
  readonly was: RunStatus;
  status: RunStatus;
  mail: number;
  readonly wakeAt: number | null;
  wakes: boolean;
}

/** Null: the lane is not here. */
export async function sendAll(
  { send, commit }: Transaction,
  lane: number,
  sends: readonly Send[],
  now: number,
): Promise<SendAnswer[] | null> {
  const runs = texts([...new Set(sends.map(({ run }) => run))]);
  // The mail is looked at by a statement of its own: its snapshot has to be newer than the lock.
  const [here, locked, known] = await send([
    { sql: LOCK_LANE, values: [lane] },
    { sql: LOCK_RUNS_TO_SEND, values: [lane, runs] },
    { sql: KNOWN_MESSAGES, values: [lane, runs] },
  ]);
  if (here!.count === 0) return null;
  const targets = new Map<string, Target>();
  for (const row of locked!.rows as unknown as readonly Row[]) {
    const status = STATUSES[row.status]!;
    targets.set(row.id, { ...row, was: status, status, wakes: false });
  }
  const inInbox = new Set((known!.rows as { run: string; key: string }[]).map(({ run, key }) => `${run} ${key}`));
  const messages: { readonly run: string; readonly key: string; ordinal: number; body: string; at: number }[] = [];
  const answers = sends.map((each): SendAnswer => {
    const { run, message } = each;
    const target = targets.get(run);
    const refusal = sendRefusal(each, target?.status);
    if (target === undefined || refusal !== null) return refusal!;
    const name = `${run} ${message.key}`;
    if (inInbox.has(name)) return { kind: "sent" };
    inInbox.add(name);
    target.mail++;
    if (wakesWithMail(each, { status: target.was, wakeAt: target.wakeAt }, now)) target.wakes = true;
    if (goesOnWithMail(target.status)) target.status = "running";
    messages.push({
      run,
      key: message.key,
      ordinal: target.mail,
      body: JSON.stringify(message.body),
      at: message.at,
    });
    return { kind: "sent" };
  });
  await commit(writesOf(lane, messages, targets, now));
  return answers;
}

function writesOf(
  lane: number,
  messages: readonly { run: string; key: string; ordinal: number; body: string; at: number }[],
  targets: ReadonlyMap<string, Target>,
  now: number,
): Statement[] {
  if (messages.length === 0) return [];
  const reached = [...new Set(messages.map(({ run }) => run))].map((run) => targets.get(run)!);
  const writes: Statement[] = [
    {
      sql: INSERT_MESSAGES,
      values: [
        lane,
        texts(messages.map(({ run }) => run)),
        texts(messages.map(({ key }) => key)),
        plain(messages.map(({ ordinal }) => ordinal)),
        texts(messages.map(({ body }) => body)),
        plain(messages.map(({ at }) => at)),
      ],
    },
    {
      sql: ANNOUNCE_MAIL,
      values: [
        lane,
        texts(reached.map(({ id }) => id)),
        plain(reached.map(({ mail }) => mail)),
        now,
        plain(reached.map(({ wakes }) => wakes)),
      ],
    },
  ];
  const reopened = reached.filter(({ status, was }) => status !== was);
  if (reopened.length === 0) return writes;
  const changes = new TallyChanges();
  for (const { id, workflow, was } of reopened) changes.move(id, workflow, statusCode(was), RUNNING);
  writes.push({ sql: REOPEN_RUNS, values: [lane, texts(reopened.map(({ id }) => id))] }, ...changes.writes(lane));
  return writes;
}
