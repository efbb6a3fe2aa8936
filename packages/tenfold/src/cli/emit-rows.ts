/** Emits one event per row: what was emitted, what came before, what is for nobody, and what was refused with its row. */
import type { Tenfold } from "../engine/client.ts";
import type { EmitOptions } from "../engine/emit.ts";
import { TenfoldError } from "../value/error.ts";
import type { Json } from "../value/json.ts";
import { EXIT, type Call } from "./command.ts";
import { brief } from "./columns.ts";
import type { RowsInput } from "./run-input.ts";
import { plural } from "./time-text.ts";

export interface EmitRowsOptions extends Omit<EmitOptions, "id"> {
  readonly idFrom?: string;
}

interface Refused {
  readonly row: number;
  readonly code: string;
  readonly reason: string;
}

/** Refused rows that are told one by one. */
const TOLD_MAX = 20;

export async function emitRows(
  { terminal }: Call,
  tenfold: Tenfold,
  event: string,
  { name, rows }: RowsInput,
  { idFrom, ...options }: EmitRowsOptions,
): Promise<number> {
  const refused: Refused[] = [];
  const sent: number[] = [];
  let unread: TenfoldError | null = null;
  async function* payloads(): AsyncGenerator<Json> {
    try {
      for await (const row of rows.rows) {
        if (row.kind === "bad") refused.push({ row: row.row, code: "ROWS_INVALID", reason: row.reason });
        else {
          sent.push(row.row);
          yield row.input;
        }
      }
    } catch (thrown) {
      // What was read before is emitted, and told.
      if (!(thrown instanceof TenfoldError)) throw thrown;
      unread = thrown;
    }
  }
  const named = idFrom === undefined ? options : { ...options, id: (payload: Json) => idOf(payload, idFrom) };
  let [emitted, repeated, forNobody] = [0, 0, 0];
  for await (const answer of tenfold.emitMany(event, payloads(), named)) {
    const row = sent.shift()!;
    if (answer.kind === "refused") refused.push({ row, code: answer.error.code, reason: answer.error.message });
    else if (!answer.isNew) repeated++;
    else if (answer.workflows.length === 0) forNobody++;
    else emitted++;
  }
  if (terminal.isJson) terminal.document({ event, emitted, repeated, forNobody, refused, unread: reasonOf(unread) });
  else {
    terminal.print(
      `${plural(emitted, "event")} emitted, ${repeated} came before, ${forNobody} for nobody, ${refused.length} refused.`,
    );
    for (const { row, code, reason } of refused.slice(0, TOLD_MAX))
      terminal.say(`${name}, row ${row}: ${code} ${brief(reason)}`);
    if (refused.length > TOLD_MAX) terminal.say(`… and ${refused.length - TOLD_MAX} more; \`--json\` has them all.`);
  }
  if (unread !== null && !terminal.isJson) terminal.say(`${name} was not read to its end: ${reasonOf(unread)!}`);
  return refused.length > 0 || unread !== null ? EXIT.no : EXIT.yes;
}

function reasonOf(unread: TenfoldError | null): string | null {
  return unread === null ? null : brief(unread.message);
}

/** The id in a row; a number is as good as a text. */
function idOf(payload: Json, field: string): string {
  const value =
    typeof payload === "object" && payload !== null ? (payload as Readonly<Record<string, unknown>>)[field] : undefined;
  if ((typeof value === "string" && value !== "") || typeof value === "number") return String(value);
  const message = `The row has no \`${field}\` that could name its event; nothing was emitted for it. Name a field that every row has.`;
  throw new TenfoldError("ROWS_INVALID", message, { facts: { field } });
}
