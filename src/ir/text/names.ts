/**
 * Names of values in text: `%conv1/out`, `%"two words"`, `%3` where a value has none, `%x#2` for the third value called x.
 */
import type { Value } from "../graph.ts";
import type { Scanner } from "../../support/scanner.ts";

/** Gives each value of one graph its written name. */
export class ValueNames {
  private readonly written = new Map<Value, string>();
  private readonly taken = new Map<string, number>();
  private unnamed = 0;

  of(value: Value): string {
    let name = this.written.get(value);
    if (name === undefined) this.written.set(value, (name = this.make(value)));
    return name;
  }

  private make({ name }: Value): string {
    if (name === "") return `%${this.unnamed++}`;
    const before = this.taken.get(name) ?? 0;
    this.taken.set(name, before + 1);
    return `%${printWord(name)}${before === 0 ? "" : `#${before}`}`;
  }
}

/** A name that needs no quotes, or a JSON string. */
export function printWord(name: string): string {
  return /^[A-Za-z_][\w./$]*$/.test(name) ? name : JSON.stringify(name);
}

export function parseWord(scanner: Scanner, what: string): string {
  return scanner.isAt('"') ? scanner.string() : scanner.match(/[A-Za-z_][\w./$]{0,65535}/y, what);
}

/** `key` is the same for the same value; `name` is what the value is called. */
export function parseValueName(scanner: Scanner): { readonly key: string; readonly name: string } {
  scanner.expect("%");
  const digits = scanner.tryMatchHere(/\d{1,15}/y);
  if (digits !== undefined) return { key: digits, name: "" };
  const name = parseWord(scanner, "the name of a value");
  const copy = scanner.tryMatchHere(/#\d{1,15}/y) ?? "";
  return { key: `${JSON.stringify(name)}${copy}`, name };
}
