import { min } from "../../../ir/ops/arithmetic.ts";
import { equal, isNan } from "../../../ir/ops/comparison.ts";
import { gather } from "../../../ir/ops/gather.ts";
import { and, or, select } from "../../../ir/ops/logic.ts";
import { argReduce, reduce } from "../../../ir/ops/reduction.ts";
import { textPlaces } from "../../../ir/ops/texts.ts";
import type { Value } from "../../../ir/graph.ts";
import { tensor, type Tensor } from "../../../ir/tensor.ts";
import { isFloat, type DType } from "../../../ir/types.ts";
import type { NodeContext } from "../context.ts";
import { dictionaryOf, type Dictionary } from "../dictionary.ts";
import { broadcastTo, castTo, range, unsqueezeAt } from "../rearrange.ts";
import { extentAt, rankOf } from "../static-shape.ts";
import { someOf } from "../word-inputs.ts";
import { readLabels } from "./ml-labels.ts";
import { since, type OperatorTable } from "./table.ts";

/** Operators that put one thing for another. Strings mostly come from a list in the file: see `dictionary.ts`. */
export const ML_ENCODERS: OperatorTable = {
  CategoryMapper: since(1, importCategoryMapper),
  LabelEncoder: since(1, importLabelEncoder),
  OneHotEncoder: since(1, importOneHotEncoder),
  ZipMap: since(1, importZipMap),
};

/** Elements by their keys, and what stands for a key that is not there. */
interface Mapping {
  readonly keys: Tensor;
  readonly values: Tensor;
  readonly fallback: Tensor;
  /** NaN is a key like others. */
  readonly matchesNan: boolean;
}

/** The value of each element's first equal key. */
function mapped(c: NodeContext, x: Value, { keys, values, fallback, matchesNan }: Mapping): Value {
  const [count, found] = [keys.data.length, values.data.length];
  if (count !== found) c.fail(`has ${count} keys and ${found} values`);
  const list = [...Array.from(values.data as ArrayLike<number>, (v) => v), fallback.data[0] as number];
  const table = tensor(values.type.dtype, [list.length], list);
  if (keys.type.dtype === "string") return throughWords(c, x, keys.data as readonly string[], table);
  if (x.type.dtype === "string" || isFloat(x.type.dtype) !== isFloat(keys.type.dtype)) c.fail(`maps ${keys.type.dtype}, and its input is ${x.type.dtype}`);
  c.budget(count);
  if (count === 0) return c.b.create(gather, { x: c.value(table), indices: constantLike(c, x, 0) }, { axis: 0 });
  const own = castTo(c.b, c.value(flat(keys)), x.type.dtype);
  const each = unsqueezeAt(c.b, x, [rankOf(x)]);
  const same = matchesNan && isFloat(x.type.dtype) ? equalOrNan(c, each, own) : c.b.create(equal, { a: each, b: own });
  const isKnown = c.b.create(reduce, { x: same }, { kind: "any", axes: [rankOf(x)], keepDims: false });
  const first = c.b.create(argReduce, { x: castTo(c.b, same, "u8") }, { axis: rankOf(x), keepDims: false });
  const indices = c.b.create(select, { condition: isKnown, a: first, b: c.scalar("i64", count) });
  return c.b.create(gather, { x: c.value(table), indices }, { axis: 0 });
}

function equalOrNan(c: NodeContext, a: Value, b: Value): Value {
  const bothNan = c.b.create(and, { a: c.b.create(isNan, { x: a }), b: c.b.create(isNan, { x: b }) });
  return c.b.create(or, { a: c.b.create(equal, { a, b }), b: bothNan });
}

function constantLike(c: NodeContext, x: Value, value: number): Value {
  return broadcastTo(c.b, c.scalar("i64", value), x.type.shape);
}

function flat(t: Tensor): Tensor {
  return { type: { dtype: t.type.dtype, shape: [t.data.length] }, data: t.data };
}

/** What is left of words is a table by the index of the word, which is known when the model is imported, or else looked up. `table` ends in what stands for others. */
function throughWords(c: NodeContext, x: Value, keys: readonly string[], table: Tensor): Value {
  const places = placesOf(keys);
  const at = (word: string): number => places.get(word) ?? keys.length;
  if (x.type.dtype !== "string") c.fail(`maps strings, and its input is ${x.type.dtype}`);
  const pick = (words: readonly string[]): (number | bigint | string)[] => words.map((word) => table.data[at(word)]!);
  const known = c.constant(x);
  if (known) return c.value(tensor(table.type.dtype, known.type.shape, pick(known.data as readonly string[])));
  const dictionary = dictionaryOf(c.b, x, { inputs: c.remarks.wordInputs, words: keys }) ?? lookedUp(c, x, keys);
  const values = [...pick(dictionary.words), ...(dictionary.isOpen ? [table.data[keys.length]!] : [])];
  const { indices } = dictionary;
  // Any place behind the end is the one for other words.
  const inside = dictionary.isOpen ? c.b.create(min, { a: indices, b: c.scalar("i64", dictionary.words.length) }) : indices;
  return c.b.create(gather, { x: c.value(tensor(table.type.dtype, [values.length], values)), indices: inside }, { axis: 0 });
}

/** The first place of each word. */
function placesOf(words: readonly string[]): ReadonlyMap<string, number> {
  return new Map(words.map((word, i) => [word, i] as const).toReversed());
}

/** Words that only data tell are looked up in a step of the host. */
function lookedUp(c: NodeContext, x: Value, keys: readonly string[]): Dictionary {
  const words = c.value(tensor("string", [keys.length], keys));
  return { words: keys, indices: c.b.create(textPlaces, { x, words }), isOpen: true };
}

function importCategoryMapper(c: NodeContext): Value {
  const words = c.required("cats_strings", c.texts("cats_strings"));
  const ints = c.required("cats_int64s", c.bigints("cats_int64s"));
  const [texts, numbers] = [tensor("string", [words.length], words), tensor("i64", [ints.length], ints)];
  const [text, number] = [c.text("default_string", "_Unused"), c.bigint("default_int64", -1n)];
  const toInts = { keys: texts, values: numbers, fallback: tensor("i64", [1], [number]), matchesNan: false };
  const toWords = { keys: numbers, values: texts, fallback: tensor("string", [1], [text]), matchesNan: false };
  const x = c.need(0, "X");
  return mapped(c, x, x.type.dtype === "string" ? toInts : toWords);
}

/** Version 1 counts a list of words; from 2 on keys and values are lists of their own, and from 4 on tensors too. */
function importLabelEncoder(c: NodeContext): Value {
  const x = c.need(0, "X");
  const classes = c.texts("classes_strings");
  if (classes) {
    const [words, places] = [tensor("string", [classes.length], classes), tensor("i64", [classes.length], range(classes.length))];
    const [text, number] = [c.text("default_string", "_Unused"), c.bigint("default_int64", -1n)];
    if (x.type.dtype === "string") return mapped(c, x, { keys: words, values: places, fallback: tensor("i64", [1], [number]), matchesNan: false });
    return mapped(c, x, { keys: places, values: words, fallback: tensor("string", [1], [text]), matchesNan: false });
  }
  const keys = listed(c, "keys") ?? c.fail("lacks attribute keys_* (or classes_strings)", { awsName: "OperatorAttributeRequired" });
  const values = listed(c, "values") ?? c.fail("lacks attribute values_*", { awsName: "OperatorAttributeRequired" });
  const given = c.tensor("default_tensor");
  const defaults = { string: c.text("default_string", "_Unused"), i64: c.bigint("default_int64", -1n), float: c.float("default_float", -0) };
  const { dtype } = values.type;
  const fallback = given ?? tensor(dtype, [1], [dtype === "string" ? defaults.string : isFloat(dtype) ? defaults.float : defaults.i64]);
  if (fallback.data.length !== 1 || fallback.type.dtype !== dtype)
    c.fail(`has a default_tensor of ${fallback.data.length} ${fallback.type.dtype}, wanted 1 ${dtype}`);
  return mapped(c, x, { keys, values, fallback, matchesNan: c.opset >= 4 });
}

function listed(c: NodeContext, which: "keys" | "values"): Tensor | undefined {
  const lists: readonly (readonly [DType, ArrayLike<number | bigint | string> | undefined])[] = [
    ["string", c.texts(`${which}_strings`)],
    ["i64", c.bigints(`${which}_int64s`)],
    ["f32", c.floats(`${which}_floats`)],
  ];
  const [first] = lists.flatMap(([dtype, list]) => (list ? [tensor(dtype, [list.length], list)] : []));
  return first ?? c.tensor(`${which}_tensor`);
}

/** A new last axis that is 1 at the element's category. With `zeros` = 0 an unknown one is the caller's error; here it is all zeros too. */
function importOneHotEncoder(c: NodeContext): Value {
  c.ignore("zeros");
  const x = c.need(0, "X");
  const categories = readLabels(c, "cats") ?? c.fail("names no categories (cats_int64s, cats_strings)");
  if (rankOf(x) > 2) c.fail(`has an input of rank ${rankOf(x)}, wanted at most 2`, { reason: "rank", nearest: "an input of rank at most 2" });
  if ("words" in categories) {
    const { words } = categories;
    const table = tensor("i64", [words.length + 1], range(words.length + 1));
    const place = unsqueezeAt(c.b, throughWords(c, x, words, table), [rankOf(x)]);
    return castTo(c.b, c.b.create(equal, { a: place, b: c.vector("i64", range(words.length)) }), "f32");
  }
  if (x.type.dtype === "string") c.fail("has categories of whole numbers, and its input is string");
  const same = c.b.create(equal, { a: unsqueezeAt(c.b, castTo(c.b, x, "i64"), [rankOf(x)]), b: c.vector("i64", categories.ints) });
  return castTo(c.b, same, "f32");
}

/** A sequence of maps, one a row, is the tensor of their values: its columns are the keys, in their order. */
function importZipMap(c: NodeContext): Value {
  const x = c.need(0, "X");
  const words = c.texts("classlabels_strings") ?? [];
  const keys = words.length > 0 ? words : (c.bigints("classlabels_int64s") ?? []).map(String);
  const columns = extentAt(x, -1);
  if (keys.length === 0 || keys.length !== columns) c.fail(`has ${keys.length} keys for ${columns} columns`);
  c.remarks.label(x, keys);
  c.remarks.warn(c.name, `ZipMap gives its tensor instead of maps; the columns are ${someOf(keys)}`);
  return x;
}
