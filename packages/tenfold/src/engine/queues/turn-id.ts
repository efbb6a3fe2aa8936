/** Names the attempt that a place is for. */
export function turnIdOf(run: string, node: string): string {
  return `${run} ${node}`;
}

export function runOfTurn(id: string): string {
  return id.slice(0, id.indexOf(" "));
}
