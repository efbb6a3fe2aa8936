/** What attempts, signals, children and people come to in a run that core lives through alone. */
import type { Json } from "../../src/value/json.ts";

/** What an attempt comes to. */
export type Fate =
  | { readonly output: Json | undefined }
  | { readonly error: string; readonly code?: string; readonly retryAt?: number | null };

export interface Answers {
  stepOf(path: string, step: string, input: Json | undefined, attempt: number): Fate;
  deriveOf(node: string, inputs: readonly (Json | undefined)[]): Json | undefined;
  /** What the signal carries that ends a wait. */
  signalOf?(signal: string, whom: string | null): Json | undefined;
  /** What becomes of the child of a call; as of a step of its workflow's name where it is not said. */
  childOf?(path: string, workflow: string, input: Json | undefined, attempt: number): Fate;
  /** What an attempt to undo a node comes to; it is undone where that is not said. */
  undoOf?(path: string, input: Json | undefined, output: Json | undefined, attempt: number): Fate;
  /** Whether the step at this path is called at most once. */
  isOnce?(path: string): boolean;
  /** Who decides on an approval, and how, one after the other. */
  votesOf?(path: string): readonly { readonly by: string; readonly verdict: "approved" | "refused" }[];
}

/** Steps that answer what `outputs` says for their step's name, or their input; derives answer their first input. */
export function answering(
  outputs: Record<string, (input: any, path: string, attempt: number) => unknown> = {},
): Answers {
  return {
    stepOf: (path, step, input, attempt) => {
      const output = outputs[step];
      if (output === undefined) return { output: input };
      const fate = output(input, path, attempt);
      return fate instanceof Failure ? fate : { output: fate as Json | undefined };
    },
    deriveOf: (_node, inputs) => inputs[0],
  };
}

/** A fate that `answering` passes on: the attempt fails, for good unless `retryAt` says otherwise. */
export class Failure {
  readonly error: string;
  readonly retryAt: number | null;

  constructor(error: string, retryAt: number | null = null) {
    this.error = error;
    this.retryAt = retryAt;
  }
}
