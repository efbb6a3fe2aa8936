/** Reads what a driver needs to go on with runs: their rows, journals and mail. */
import type { JournalLine } from "../../core/journal-line.ts";
import type { ClaimedRun, Mail, Message, MessageBody } from "../store.ts";
import { texts } from "./arrays.ts";
import type { Answer, Statement } from "./connection.ts";

export const OWNED_RUNS = `
  select r.id, r.workflow, r.graph, r.tenant, r.key, r.input, r.deaths, r.mail
  from tenfold.runs r where r.lane = $1 and r.owner = $2 and r.id = any ($3::text[])`;

/** No row: the lease is gone. One statement, because every worker sends it once a minute. */
export const OWNED_IDS = `
  select r.id
  from tenfold.leases l
    left join tenfold.runs r on r.lane = l.lane and r.owner = l.owner
  where l.lane = $1 and l.owner = $2 and l.is_alive`;

export const READ_JOURNALS = `
  select j.run, j.kind, j.node, j.data, j.at
  from tenfold.journal j where j.lane = $1 and j.run = any ($2::text[]) order by j.run, j.seq`;

/** Mail and its count come from one snapshot: the count is that of what is answered. */
export const READ_MAIL = `
  select r.id as run, r.mail as count, i.key, i.body, i.at
  from tenfold.runs r left join tenfold.inbox i on i.lane = r.lane and i.run = r.id
  where r.lane = $1 and r.id = any ($2::text[])
  order by r.id, i.ordinal`;

/** Of every run of an owner that is due for it. */
export const READ_DUE_MAIL = `
  select r.id as run, r.mail as count, i.key, i.body, i.at
  from tenfold.runs r left join tenfold.inbox i on i.lane = r.lane and i.run = r.id
  where r.lane = $1 and r.owner = $2 and r.wake_at <= $3
    and exists (select from tenfold.leases l where l.lane = $1 and l.owner = $2 and l.is_alive)
  order by r.id, i.ordinal`;

export interface RunToLoad {
  readonly id: string;
  readonly workflow: string;
  readonly graph: string;
  readonly tenant: string;
  readonly key: string | null;
  readonly input: string;
  readonly deaths: number;
}

export interface MailRow {
  readonly run: string;
  readonly count: number;
  readonly key: string | null;
  readonly body: string;
  readonly at: number;
}

export interface LineRow extends JournalLine {
  readonly run: string;
}

/** What is asked for to hand runs of an owner to their driver. */
export function loadsOf(lane: number, owner: string, runs: readonly string[]): Statement[] {
  const ids = texts(runs);
  return [
    { sql: OWNED_RUNS, values: [lane, owner, ids] },
    { sql: READ_JOURNALS, values: [lane, ids] },
    { sql: READ_MAIL, values: [lane, ids] },
  ];
}

/** Those of `runs` that were found, from the answers to `loadsOf`. */
export function loadedRuns(runs: readonly string[], [rows, lines, mail]: readonly Answer[]): ClaimedRun[] {
  const byId = new Map((rows!.rows as unknown as RunToLoad[]).map((row) => [row.id, row]));
  const owned = runs.map((id) => byId.get(id)).filter((row) => row !== undefined);
  return claimedRuns(owned, lines!.rows as unknown as LineRow[], mail!.rows as unknown as MailRow[]);
}

export function claimedRuns(
  runs: readonly RunToLoad[],
  lines: readonly LineRow[],
  mail: readonly MailRow[],
): ClaimedRun[] {
  const journals = new Map<string, JournalLine[]>();
  for (const { run, kind, node, data, at } of lines) listOf(journals, run).push({ kind, node, data, at });
  const mails = new Map(mailsOf(mail).map((each) => [each.run, each]));
  return runs.map(({ id, workflow, graph, tenant, key, input, deaths }) => ({
    id,
    workflow,
    graph,
    tenant,
    key,
    input,
    deaths,
    journal: journals.get(id) ?? [],
    mail: mails.get(id) ?? { run: id, messages: [], count: 0 },
  }));
}

/** The mail of each run that a row names, in the order of arrival. */
export function mailsOf(rows: readonly MailRow[]): Mail[] {
  const mails = new Map<string, { run: string; messages: Message[]; count: number }>();
  for (const { run, count, key, body, at } of rows) {
    let mail = mails.get(run);
    if (mail === undefined) mails.set(run, (mail = { run, messages: [], count }));
    if (key !== null) mail.messages.push({ key, body: JSON.parse(body) as MessageBody, at });
  }
  return [...mails.values()];
}

function listOf<T>(map: Map<string, T[]>, key: string): T[] {
  let list = map.get(key);
  if (list === undefined) map.set(key, (list = []));
  return list;
}
