/** What people want of a line that is owned here: its limits, as the code says but for what is set, and which queues are to rest. */
import type { Line, LineLimits } from "../../core/queues/line-state.ts";
import { pause } from "../../core/queues/line.ts";
import { isPausedBy, NOTHING_SET, readSettings, type LineSettings } from "../../core/queues/line-settings.ts";

export interface LineSteeringParts {
  readonly name: string;
  /** As the code says, but for what is set. */
  readonly limits: (settings: LineSettings) => LineLimits;
  /** The names of the queues that it decides for. */
  readonly queues: () => readonly string[];
}

export class LineSteering {
  readonly #parts: LineSteeringParts;
  #settings: LineSettings = NOTHING_SET;

  constructor(parts: LineSteeringParts) {
    this.#parts = parts;
  }

  get limits(): LineLimits {
    return this.#parts.limits(this.#settings);
  }

  /** Whether that is something else than before. */
  set(settings: string | null): boolean {
    if (settings === this.#settings.text) return false;
    this.#settings = readSettings(settings);
    return true;
  }

  pause(line: Line): void {
    const { name, queues } = this.#parts;
    for (const queue of queues()) pause(line, queue, isPausedBy(this.#settings, name, queue));
  }
}
