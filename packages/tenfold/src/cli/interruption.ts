/** Ctrl-C and SIGTERM: the first asks for a drain, the second ends at once, which costs nothing that is durable. */
import { EXIT } from "./command.ts";

export type Interrupt = "SIGINT" | "SIGTERM";

export interface Interruption {
  /** Resolves at the first signal; never without one. */
  readonly first: Promise<Interrupt>;
  /** From now on signals do again what they always do. */
  stop(): void;
}

export function onInterrupt(): Interruption {
  let tell: (signal: Interrupt) => void;
  let isAsked = false;
  const first = new Promise<Interrupt>((resolve) => (tell = resolve));
  const listen = (signal: Interrupt): void => {
    if (isAsked) process.exit(exitCodeFor(signal));
    isAsked = true;
    tell(signal);
  };
  process.on("SIGINT", listen);
  process.on("SIGTERM", listen);
  return {
    first,
    stop() {
      process.off("SIGINT", listen);
      process.off("SIGTERM", listen);
    },
  };
}

export function exitCodeFor(signal: Interrupt): number {
  return signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
}
