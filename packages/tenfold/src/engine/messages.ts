/** Messages as a run takes them in: while it is loaded, and while it is driven. */
import type { Command } from "../core/command.ts";
import type { JournalLine } from "../core/journal-line.ts";
import { openWork } from "../core/reduce.ts";
import type { Message } from "../store/store.ts";
import type { LiveRun } from "./live-run.ts";
import type { Recorder } from "./recorder.ts";
import { isUpgrade } from "./upgrade-message.ts";
import type { Upgrades } from "./upgrading.ts";

export class Messages {
  readonly #recorder: Recorder;
  readonly #upgrades: Upgrades;

  constructor(recorder: Recorder, upgrades: Upgrades) {
    this.#recorder = recorder;
    this.#upgrades = upgrades;
  }

  /** Of a run that was just loaded from this journal; what all of them come to is what is open then. True if it goes on. */
  takeIn(run: LiveRun, message: Message, journal: readonly JournalLine[]): boolean {
    if (isUpgrade(message)) return this.#upgrades.takeIn(run, message, [...journal, ...run.lines]);
    const taken: Command[] = [];
    const goesOn = this.#recorder.absorb(run, message, taken, true);
    // Whom it lets go nobody else will.
    this.#recorder.obey(run, taken.filter(({ kind }) => kind === "disown")); // prettier-ignore
    return goesOn;
  }

  /** Of a run that is driven. */
  receive(run: LiveRun, message: Message): void {
    if (isUpgrade(message)) return this.#upgrades.ask(run, message);
    const commands: Command[] = [];
    const wasHeld = run.ending?.status === "held";
    if (this.#recorder.absorb(run, message, commands) && wasHeld) {
      commands.length = 0;
      openWork(run.state, commands);
    }
    this.#recorder.obey(run, commands);
  }
}
