import { HOST_FUNCTIONS } from "../../host/functions.ts";
import { HostProblem, type HostAttrs, type HostFunction } from "../../host/host-function.ts";
import { InternalError, NeoError } from "../../support/errors.ts";
import { bool, dtype, int, oneOf, text, texts, type AttrSchema, type AttrsOf } from "../attr.ts";
import { broadcastShapes, shapeText } from "../broadcast.ts";
import { boundsOf, dimSymbol } from "../dims.ts";
import { defineOp, TypeMismatch, type OpDef, type OperandsOf } from "../op-def.ts";
import { notEvaluated } from "../region-types.ts";
import { tensor, type Tensor } from "../tensor.ts";
import { tensorType, type Dim, type DType, type TensorType } from "../types.ts";
import { expect } from "./expect.ts";
import { UNCHANGED } from "./elements.ts";

interface TextOp<O extends readonly string[], A extends AttrSchema> {
  readonly name: string;
  readonly summary: string;
  readonly operands: O;
  readonly results?: readonly string[];
  readonly attrs?: A;
  readonly samples: OpDef<O, A>["samples"];
  infer(operands: OperandsOf<O, TensorType>, attrs: AttrsOf<A>): readonly TensorType[];
}

/** An op that a function of src/host does: the interpreter calls it, and compiled programs have a step of the session for it. */
function hostOp<const O extends readonly string[], A extends AttrSchema = {}>(record: TextOp<O, A>): OpDef<O, A> {
  return defineOp<O, A>({
    ...record,
    tolerance: UNCHANGED,
    infer: (operands, attrs) => record.infer(operands, attrs),
    evaluate: notEvaluated,
    execute(operands, attrs) {
      const given = operands.map((operand) => ({ dtype: operand!.type.dtype, shape: operand!.type.shape, data: operand!.data }));
      try {
        const results = hostFunction(record.name)
          .run(given, hostAttrs(attrs))
          .map(({ dtype: word, shape, data }): Tensor => tensor(word as DType, shape, data));
        checkLengths(
          results,
          record.infer(
            namedOperands(
              record,
              operands.map((operand) => operand!.type),
            ),
            attrs as AttrsOf<A>,
          ),
        );
        return results;
      } catch (error) {
        if (!(error instanceof HostProblem)) throw error;
        throw new NeoError({ code: "NEO1057", message: `${record.name} ${error.message}`, hint: "other data, or a model that takes these" });
      }
    },
  });
}

function namedOperands<O extends readonly string[]>({ operands }: { readonly operands: O }, types: readonly TensorType[]): OperandsOf<O, TensorType> {
  return Object.fromEntries(operands.map((name, i) => [name, types[i]])) as OperandsOf<O, TensorType>;
}

function checkLengths(results: readonly Tensor[], types: readonly TensorType[]): void {
  results.forEach(({ type: { shape } }, i) =>
    shape.forEach((length, axis) => {
      const most = boundsOf(types[i]!.shape[axis]!)[1];
      if (length > most) throw new HostProblem(`gives ${length} along axis ${axis}, and at most ${most} were planned`);
    }),
  );
}

function hostFunction(name: string): HostFunction {
  const found = HOST_FUNCTIONS.get(name);
  if (!found) throw new InternalError(name, "there is no such function in src/host");
  return found;
}

/** What a host function sees of an op's attributes: not the name of a length. */
export function hostAttrs(attrs: Readonly<Record<string, unknown>>): HostAttrs {
  return Object.fromEntries(Object.entries(attrs).filter(([name]) => name !== "extent" && name !== "most")) as HostAttrs;
}

function wantText(op: string, name: string, type: TensorType): void {
  expect(type.dtype === "string", () => `${name} is ${type.dtype}, ${op} wants string`);
}

export const textConcat = hostOp({
  name: "textConcat",
  summary: "b behind a, element by element.",
  operands: ["a", "b"],
  samples: [
    { a: "2x3xstring", b: "3xstring" },
    { a: "2x1xstring", b: "1x2xstring" },
  ],
  infer({ a, b }) {
    wantText("textConcat", "a", a);
    wantText("textConcat", "b", b);
    return [tensorType("string", broadcastShapes(a.shape, b.shape))];
  },
});

export const textSplit = hostOp({
  name: "textSplit",
  summary: "Parts of each text on a new last axis, as long as the most there are and at most `most`; how many each has. No delimiter: at white space.",
  operands: ["x"],
  results: ["parts", "counts"],
  attrs: { delimiter: text(""), maxSplits: int(-1), most: int(), extent: text("n") },
  samples: [{ x: "4xstring", attrs: { delimiter: "1", most: 3 } }],
  infer({ x }, attrs) {
    wantText("textSplit", "x", x);
    return [tensorType("string", [...x.shape, dimSymbol(attrs.extent, 0, attrs.most < 0 ? Infinity : attrs.most)]), tensorType("i64", x.shape)];
  },
});

export const textNormalise = hostOp({
  name: "textNormalise",
  summary: "A list or row of texts without the stop words, in another case; one empty text where none is left.",
  operands: ["x"],
  attrs: { changeCase: oneOf("none", "lower", "upper"), caseSensitive: bool(true), stopWords: texts([]), extent: text("n") },
  samples: [{ x: "6xstring", attrs: { changeCase: "upper", stopWords: ["s1"] } }, { x: "1x3xstring" }],
  infer({ x }, attrs) {
    wantText("textNormalise", "x", x);
    const rank = x.shape.length;
    if (!(rank === 1 || (rank === 2 && x.shape[0] === 1))) throw new TypeMismatch(`x is ${shapeText(x.shape)}, textNormalise wants [n] or [1, n]`);
    const count = x.shape[rank - 1]!;
    const kept: Dim = dimSymbol(attrs.extent, 1, typeof count === "number" ? Math.max(1, count) : Infinity);
    return [tensorType("string", rank === 1 ? [kept] : [1, kept])];
  },
});

export const textPlaces = hostOp({
  name: "textPlaces",
  summary: "The first place of each text in a list of words; behind the end of the list for one that is not there.",
  operands: ["x", "words"],
  samples: [{ x: "2x3xstring", words: "4xstring" }],
  infer({ x, words }) {
    wantText("textPlaces", "x", x);
    wantText("textPlaces", "words", words);
    expect(words.shape.length === 1, () => `words is ${shapeText(words.shape)}, textPlaces wants rank 1`);
    return [tensorType("i64", x.shape)];
  },
});

export const fullMatch = hostOp({
  name: "fullMatch",
  summary: "True where all of a text is of a pattern in the syntax of RE2.",
  operands: ["x"],
  attrs: { pattern: text() },
  samples: [{ x: "2x3xstring", attrs: { pattern: "s[0-4]|s-.*" } }],
  infer({ x }, attrs) {
    wantText("fullMatch", "x", x);
    refused(() => hostFunction("fullMatch").results([{ dtype: "string", shape: [] }], attrs));
    return [tensorType("bool", x.shape)];
  },
});

export const decodeImage = hostOp({
  name: "decodeImage",
  summary: "The pixels of a file of a picture, [height, width, channels], each side at most `most`.",
  operands: ["x"],
  attrs: { pixelFormat: oneOf("RGB", "BGR", "Grayscale"), most: int(), extent: text("n") },
  samples: [],
  infer({ x }, { pixelFormat, most, extent }) {
    expect(x.dtype === "u8" && x.shape.length === 1 && !x.quant, () => `x is ${shapeText(x.shape)} ${x.dtype}, decodeImage wants [n] u8`);
    const side = (name: string): Dim => dimSymbol(`${extent}/${name}`, 1, most);
    return [tensorType("u8", [side("height"), side("width"), pixelFormat === "Grayscale" ? 1 : 3])];
  },
});

export const textToNumber = hostOp({
  name: "textToNumber",
  summary: "Numbers from decimal text.",
  operands: ["x"],
  attrs: { to: dtype() },
  samples: [
    { x: "2x3xstring in -9..9", attrs: { to: "f32" } },
    { x: "4xstring in -9..9", attrs: { to: "i64" } },
  ],
  infer({ x }, { to }) {
    wantText("textToNumber", "x", x);
    refused(() => hostFunction("textToNumber").results([{ dtype: "string", shape: [] }], { to }));
    return [tensorType(to, x.shape)];
  },
});

export const numberToText = hostOp({
  name: "numberToText",
  summary: "Decimal text of numbers.",
  operands: ["x"],
  samples: [{ x: "2x3xf32" }, { x: "4xi64" }, { x: "3xbool" }],
  infer({ x }) {
    refused(() => hostFunction("numberToText").results([{ dtype: x.dtype, shape: [] }], {}));
    return [tensorType("string", x.shape)];
  },
});

function refused(check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (error instanceof HostProblem) throw new TypeMismatch(error.message);
    throw error;
  }
}
