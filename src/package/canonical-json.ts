import { InternalError } from "../support/errors.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

const MAX_DEPTH = 32;

/**
 * The one canonical text of a JSON value (RFC 8785): keys in the order of UTF-16 code units, numbers as ECMAScript prints them, no
 * spaces. Absent (`undefined`) members are left out.
 */
export function canonicalJson(value: Json): string {
  return print(value, 0);
}

/** The value of bytes that are the canonical text of it and nothing else; undefined for all other bytes. */
export function parseCanonicalJson(bytes: Uint8Array): Json | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const value = JSON.parse(text) as Json;
    // Equal to its own reprint: no duplicate keys, other spellings, spaces, or numbers that doubles can't hold.
    return canonicalJson(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
}

function print(value: Json, depth: number): string {
  if (depth > MAX_DEPTH) throw new InternalError("canonicalJson", `nested deeper than ${MAX_DEPTH}`);
  if (typeof value === "number" && !Number.isFinite(value)) throw new InternalError("canonicalJson", `${value} has no JSON form`);
  if (typeof value === "string" && /\p{Surrogate}/u.test(value)) throw new InternalError("canonicalJson", "a string holds half of a surrogate pair");
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map((item) => print(item, depth + 1)).join(",")}]`;
  const record = value as { readonly [key: string]: Json | undefined };
  const members = Object.keys(record)
    .filter((key) => record[key] !== undefined)
    .sort()
    .map((key) => `${print(key, depth + 1)}:${print(record[key]!, depth + 1)}`);
  return `{${members.join(",")}}`;
}
