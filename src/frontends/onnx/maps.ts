import type { Value } from "../../ir/graph.ts";
import type { NodeContext } from "./context.ts";
import { MapInput } from "./holders.ts";
import { castTo } from "./rearrange.ts";
import type { Given } from "./scope.ts";
import { numberToText, textToNumber } from "../../ir/ops/texts.ts";

/** Operators that read a map. */
export const MAPS: Readonly<Record<string, { readonly since: number; readonly run: (c: NodeContext, given: readonly Given[]) => readonly Value[] }>> = {
  CastMap: { since: 1, run: importCastMap },
  DictVectorizer: { since: 1, run: importDictVectorizer },
};

function importDictVectorizer(c: NodeContext, given: readonly Given[]): readonly Value[] {
  const map = mapOf(c, given);
  const labels = map.keys === "string" ? c.texts("string_vocabulary") : c.bigints("int64_vocabulary")?.map(String);
  if (!labels || labels.length === 0) return c.fail(`names no keys of a map by ${map.keys}`, { awsName: "OperatorAttributeRequired" });
  return [rowOf(c, map, labels)];
}

/** In the sparse form, whose columns are the whole numbers from 0 on. */
function importCastMap(c: NodeContext, given: readonly Given[]): readonly Value[] {
  const map = mapOf(c, given);
  const to = c.word("cast_to", ["TO_FLOAT", "TO_STRING", "TO_INT64"]);
  const columns = c.int("max_map", 1);
  if (c.word("map_form", ["DENSE", "SPARSE"]) === "DENSE") return c.fail("gives as many values as the map has: only map_form = SPARSE has a known size");
  if (columns < 1 || columns > MOST_COLUMNS) return c.fail(`has max_map = ${columns}`);
  const row = rowOf(
    c,
    map,
    Array.from({ length: columns }, (_, i) => String(i)),
  );
  const dtype = ({ TO_FLOAT: "f32", TO_STRING: "string", TO_INT64: "i64" } as const)[to];
  if (dtype === row.type.dtype) return [row];
  if (dtype === "string") return [c.b.create(numberToText, { x: row })];
  return [row.type.dtype === "string" ? c.b.create(textToNumber, { x: row }, { to: dtype }) : castTo(c.b, row, dtype)];
}

const MOST_COLUMNS = 1 << 20;

function mapOf(c: NodeContext, [map]: readonly Given[]): MapInput {
  return map instanceof MapInput ? map : c.fail("takes a map", { kind: "type", hint: "maps are inputs of the model" });
}

function rowOf(c: NodeContext, map: MapInput, labels: readonly string[]): Value {
  return map.ask(labels) ?? c.fail(`reads ${map.name} by other keys than another node does`);
}
