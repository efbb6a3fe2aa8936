/** Columns of a batch as Postgres reads them: one parameter a column, whatever the batch's length. */

/** A `text[]`. */
export function texts(values: readonly (string | null)[]): string {
  let array = "";
  for (const value of values)
    array += value === null ? ",null" : `,"${NEEDS_ESCAPE.test(value) ? escaped(value) : value}"`;
  return `{${array.slice(1)}}`;
}

const NEEDS_ESCAPE = /["\\]/;

function escaped(text: string): string {
  return text.replace(/["\\]/g, String.raw`\$&`);
}

/** A `bigint[]`, `integer[]`, `smallint[]` or `boolean[]`. */
export function plain(values: readonly (number | boolean | null)[]): string {
  return `{${values.map((value) => (value === null ? "null" : String(value))).join(",")}}`;
}

/**
 * A column of JSON texts, which the statement takes apart by `jsons(…)`: no JSON has a control character in it, and
 * its quotes, of which it is full, need no escape.
 */
export function joined(values: readonly (string | null)[]): string {
  return values.map((value) => value ?? NULL).join(SEPARATOR);
}

const SEPARATOR = "\u001f";
const NULL = "\u001e";

/** The SQL of a parameter made by `joined`, as a `text[]`. */
export function jsons(parameter: string): string {
  return String.raw`string_to_array(${parameter}::text, E'\x1f', E'\x1e')`;
}
