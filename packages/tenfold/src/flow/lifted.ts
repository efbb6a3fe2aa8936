/**
 * The types of drawing: what stands for a result (`Value`, `Lifted`), what a step takes (`Input`), and what is JSON.
 * Invariants: every type here is a function of one declared data type, so nothing grows along a chain of nodes; a
 * value is callable, so that testing it (`if`, `?:`, `&&`) does not compile (TS2774).
 */
import type { JsonPrimitive } from "../value/json.ts";

declare const stands: unique symbol;
declare const found: unique symbol;

/** Stands for a `T`; the part of a value that inference reads and assignability compares. */
export interface Symbolic<out T> {
  (aValueIsNoFunction: never): never;
  readonly [stands]: T;
}

/** The result of a node while a workflow is drawn. What every function has (`name`, `length` …) is hidden. */
export type Value<T> = Symbolic<Known<T>> & Hidden<KeysOf<Known<T>>>;

/** A value with the properties of what it stands for, each a value too; one of an optional value is optional. */
export type Lifted<T> = Symbolic<Known<T>> & Hidden<KeysOf<Known<T>>> & Properties<NonNullable<Known<T>>, Absent<T>>;

/** The condition `present(x)`: where it holds, `x` is known to be a `T`. */
export type Present<T> = Lifted<boolean> & { readonly [found]: T };

/** What a step that needs a `T` takes: a `T`, a value of it, or an object or array with values at any depth. */
export type Input<T> = 0 extends 1 & T ? unknown : Symbolic<T> | InputParts<T>;

type InputParts<T> = T extends object ? { readonly [K in keyof T]: Input<T[K]> } : T;

/** What a callback's result will be as data: values at any depth taken for what they stand for. */
export type Plain<T> = 0 extends 1 & T ? unknown : PlainParts<T>;

type PlainParts<T> =
  T extends Symbolic<infer Data>
    ? Data
    : T extends void
      ? undefined
      : T extends object
        ? { [K in keyof T]: Plain<T[K]> }
        : T;

/** What a body's result is to the workflow: `any` is unknown, nothing is undefined. */
export type Result<T> = 0 extends 1 & T ? unknown : [T] extends [void] ? undefined : T;

/** `Problem` where `T` is not JSON (a Date, a class with methods, a function), else no demand at all. */
export type JsonOr<Problem, T> = [T] extends [JsonLike<T>] ? unknown : Problem;

type JsonLike<T> = 0 extends 1 & T ? T : JsonParts<T>;

type JsonParts<T> = T extends JsonPrimitive | undefined | void
  ? T
  : T extends bigint | symbol | ((...args: never[]) => unknown)
    ? never
    : T extends object
      ? { [K in keyof T]: JsonLike<T[K]> }
      : T;

/** `any` would switch the checks off wherever it flows. */
type Known<T> = 0 extends 1 & T ? unknown : T;

type Absent<T> = undefined extends T ? undefined : null extends T ? undefined : never;

type KeysOf<T> = [NonNullable<T>] extends [never]
  ? never
  : [NonNullable<T>] extends [readonly unknown[]]
    ? "length"
    : [NonNullable<T>] extends [object]
      ? keyof NonNullable<T>
      : never;

type Properties<T, A> = [T] extends [never]
  ? unknown
  : [T] extends [readonly (infer Item)[]]
    ? number extends T["length"]
      ? { readonly [index: number]: Lifted<Item | A>; readonly length: Lifted<number | A> }
      : Places<T, A> & { readonly length: Lifted<T["length"] | A> }
    : [T] extends [object]
      ? string extends keyof T
        ? Members<T, A> & { readonly [K in FunctionMember]: Lifted<T[keyof T & string] | A> }
        : Members<T, A>
      : unknown;

type Places<T, A> = { readonly [K in Exclude<keyof T, keyof unknown[]>]: Lifted<T[K] | A> };

type Members<T, A> = { readonly [K in keyof T]-?: Lifted<T[K] | A> };

type FunctionMember = keyof HiddenMembers;

/** Hides each function member that the data itself does not have. */
type Hidden<Keys> = string extends Keys
  ? unknown
  : FunctionMember & Keys extends never
    ? AllHidden
    : Intersected<HiddenMembers[Exclude<FunctionMember, Keys>]>;

type Intersected<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer All) => void ? All : never;

// A private member is the only kind that makes an access an error and still may be absent from what a value is given to.
declare class HiddenName {
  private readonly name: never;
}
declare class HiddenLength {
  private readonly length: never;
}
declare class HiddenCall {
  private readonly call: never;
}
declare class HiddenApply {
  private readonly apply: never;
}
declare class HiddenBind {
  private readonly bind: never;
}
declare class HiddenToString {
  private readonly toString: never;
}
declare class HiddenPrototype {
  private readonly prototype: never;
}
declare class HiddenArguments {
  private readonly arguments: never;
}
declare class HiddenCaller {
  private readonly caller: never;
}

interface HiddenMembers {
  name: HiddenName;
  length: HiddenLength;
  call: HiddenCall;
  apply: HiddenApply;
  bind: HiddenBind;
  toString: HiddenToString;
  prototype: HiddenPrototype;
  arguments: HiddenArguments;
  caller: HiddenCaller;
}

interface AllHidden
  extends
    HiddenName,
    HiddenLength,
    HiddenCall,
    HiddenApply,
    HiddenBind,
    HiddenToString,
    HiddenPrototype,
    HiddenArguments,
    HiddenCaller {}
