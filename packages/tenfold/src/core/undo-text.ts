/** What came of undoing a run, in words: one wording for the command line, messages and errors. */
import type { UndoOutcome } from "./entry.ts";

const NAMED = 3;

/** Behind a run's status: ", undone", ", undo incomplete: charge, ship"; nothing where nothing was undone. */
export function undoText(undo: UndoOutcome | undefined): string {
  if (undo === undefined) return "";
  if (undo.failed === 0) return ", undone";
  const named = undo.nodes.slice(0, NAMED).join(", ");
  return `, undo incomplete: ${named}${undo.failed > NAMED ? ` and ${undo.failed - NAMED} more` : ""}`;
}

/** The same in parentheses, behind where it failed: " (undo incomplete: charge)". */
export function undoNote(undo: UndoOutcome | undefined): string {
  const text = undoText(undo).slice(2);
  return text === "" ? "" : ` (${text})`;
}
