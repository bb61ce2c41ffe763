import { flagAttr, HostProblem, numberAttr, textAttr, textsAttr, wantInputs, type HostFunction, type HostType } from "./host-function.ts";

/** a + b, element by element. */
export const textConcat: HostFunction = {
  results(inputs) {
    wantInputs(inputs, "string", "string");
    return [{ dtype: "string", shape: broadcastShape(inputs[0]!.shape, inputs[1]!.shape) }];
  },
  run([a, b]) {
    const shape = broadcastShape(a!.shape, b!.shape);
    const [from, to] = [placesOf(a!.shape, shape), placesOf(b!.shape, shape)];
    return [{ dtype: "string", shape, data: from.map((i, k) => String(a!.data[i]) + String(b!.data[to[k]!])) }];
  },
};

/** The parts of each text on a new last axis, as long as the text with the most of them; how many each has. */
export const textSplit: HostFunction = {
  results([x, ...more], attrs) {
    wantInputs(x ? [x, ...more] : [], "string");
    textAttr(attrs, "delimiter");
    if (numberAttr(attrs, "maxSplits") < -1) throw new HostProblem("has a negative number of splits");
    return [
      { dtype: "string", shape: [...x!.shape, -1] },
      { dtype: "i64", shape: x!.shape },
    ];
  },
  run([x], attrs) {
    const [delimiter, most] = [textAttr(attrs, "delimiter"), numberAttr(attrs, "maxSplits")];
    const parts = Array.from(x!.data as ArrayLike<string>, (text) => split(text, delimiter, most < 0 ? Infinity : most));
    const longest = parts.reduce((n, list) => Math.max(n, list.length), 0);
    return [
      { dtype: "string", shape: [...x!.shape, longest], data: parts.flatMap((list) => [...list, ...new Array<string>(longest - list.length).fill("")]) },
      { dtype: "i64", shape: x!.shape, data: BigInt64Array.from(parts, (list) => BigInt(list.length)) },
    ];
  },
};

/** Without a delimiter at runs of white space, none of which makes an empty part; as Python's str.split does. */
function split(text: string, delimiter: string, most: number): string[] {
  if (delimiter === "") {
    const parts: string[] = [];
    let rest = text.trimStart();
    while (rest !== "") {
      const end = parts.length < most ? rest.search(/\s/) : -1;
      parts.push(end < 0 ? (parts.length < most ? rest : rest.trimEnd()) : rest.slice(0, end));
      rest = end < 0 ? "" : rest.slice(end).trimStart();
    }
    return parts;
  }
  if (text === "") return [];
  const parts = text.split(delimiter);
  return parts.length <= most + 1 ? parts : [...parts.slice(0, most), parts.slice(most).join(delimiter)];
}

/** Texts without stop words, in another case; one empty text where none is left. A row [1, n] stays one. */
export const textNormalise: HostFunction = {
  results([x, ...more], attrs) {
    wantInputs(x ? [x, ...more] : [], "string");
    if (!["none", "lower", "upper"].includes(textAttr(attrs, "changeCase"))) throw new HostProblem(`changes the case to ${textAttr(attrs, "changeCase")}`);
    flagAttr(attrs, "caseSensitive");
    textsAttr(attrs, "stopWords");
    const { shape } = x!;
    if (!(shape.length === 1 || (shape.length === 2 && shape[0] === 1))) throw new HostProblem(`takes shape [${shape.join(", ")}], wanted [n] or [1, n]`);
    return [{ dtype: "string", shape: shape.length === 1 ? [-1] : [1, -1] }];
  },
  run([x], attrs) {
    const how = textAttr(attrs, "changeCase");
    const isExact = flagAttr(attrs, "caseSensitive");
    const stops = new Set(textsAttr(attrs, "stopWords").map((word) => (isExact ? word : word.toLowerCase())));
    const kept = Array.from(x!.data as ArrayLike<string>).filter((word) => !stops.has(isExact ? word : word.toLowerCase()));
    const words = kept.length > 0 ? kept : [""];
    const data = how === "lower" ? words.map((w) => w.toLowerCase()) : how === "upper" ? words.map((w) => w.toUpperCase()) : words;
    return [{ dtype: "string", shape: x!.shape.length === 1 ? [data.length] : [1, data.length], data }];
  },
};

/** The first place of each text in a list; behind its end for one that is not there. */
export const textPlaces: HostFunction = {
  results([x, words, ...more]) {
    wantInputs(
      [x, words, ...more].filter((type): type is HostType => type !== undefined),
      "string",
      "string",
    );
    if (words!.shape.length !== 1) throw new HostProblem(`has a list of rank ${words!.shape.length}, wanted 1`);
    return [{ dtype: "i64", shape: x!.shape }];
  },
  run([x, words]) {
    const places = new Map(Array.from(words!.data as ArrayLike<string>, (word, i) => [word, BigInt(i)] as const).reverse());
    const none = BigInt(words!.data.length);
    return [{ dtype: "i64", shape: x!.shape, data: BigInt64Array.from(Array.from(x!.data as ArrayLike<string>), (word) => places.get(word) ?? none) }];
  },
};

function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [m, n] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    if (m !== n && m !== 1 && n !== 1) throw new HostProblem(`takes [${a.join(", ")}] and [${b.join(", ")}], which are not of one shape`);
    return m === 1 ? n : m;
  });
}

/** For each element of `whole` the place in a tensor of `shape` that is stretched to it. */
function placesOf(shape: readonly number[], whole: readonly number[]): number[] {
  let places = [0];
  let stride = 1;
  const skipped = whole.length - shape.length;
  for (let axis = whole.length - 1; axis >= 0; axis--) {
    const size = axis < skipped ? 1 : shape[axis - skipped]!;
    const step = size === 1 ? 0 : stride;
    const inner = places;
    places = Array.from({ length: whole[axis]! }, (_, i) => inner.map((at) => at + i * step)).flat();
    stride *= size;
  }
  return places;
}
