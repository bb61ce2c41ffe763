import { describe, expect, test } from "vitest";
import { Builder } from "../../src/ir/builder.ts";
import { dimSymbol } from "../../src/ir/dims.ts";
import { Graph, Op, Value } from "../../src/ir/graph.ts";
import { add, neg } from "../../src/ir/ops/arithmetic.ts";
import { relu } from "../../src/ir/ops/activation.ts";
import { constant, fused, returnOp } from "../../src/ir/ops/control.ts";
import { tensor } from "../../src/ir/tensor.ts";
import type { TensorType } from "../../src/ir/types.ts";
import { verify } from "../../src/ir/verify.ts";

const vector: TensorType = { dtype: "f32", shape: [4] };

/** relu then neg; `change` breaks it. */
function findings(change: (graph: Graph, relu: Op, neg: Op) => void): readonly string[] {
  const x = new Value(vector, "x");
  const graph = new Graph("g", [x]);
  const b = new Builder(graph.ops);
  const y = b.create(relu, { x });
  const z = b.create(neg, { x: y });
  b.createAll(returnOp, { values: [z] } as never);
  change(graph, graph.ops[0]!, graph.ops[1]!);
  return verify(graph).map((finding) => finding.text);
}

const returnsX = (type: TensorType): Graph => {
  const graph = new Graph("body", [new Value(type, "p")]);
  new Builder(graph.ops).createAll(returnOp, { values: graph.params } as never);
  return graph;
};

test("a good graph has no findings", () => expect(findings(() => {})).toEqual([]));

test("findings name op and graph", () => {
  const x = new Value(vector, "x");
  const graph = new Graph("g", [x]);
  const [finding] = verify(graph);
  expect(finding).toEqual({ op: undefined, graph, text: "@g is empty, wanted return" });
});

describe("what is wrong is said", () => {
  test.each<[string, (graph: Graph, relu: Op, neg: Op) => void, readonly string[]]>([
    ["ops out of order", (graph) => graph.ops.splice(0, 2, graph.ops[1]!, graph.ops[0]!), ["neg reads operand x before it is defined in its graph"]],
    ["no return", (graph) => graph.erase(new Set([graph.terminator])), ["neg is the last op, wanted return"]],
    ["return in the middle", (graph) => graph.ops.unshift(new Op(returnOp, [], { names: [] }, [])), ["return stands before the end"]],
    ["an op twice", (graph, first) => graph.ops.splice(1, 0, first), ["relu defines result 0 a second time"]],
    ["a value of another op", (_graph, first, second) => (first.results[0]!.producer = second), ["relu has result 0 whose producer is another op"]],
    ["a user that is not there", (_graph, first) => void new Builder().create(neg, { x: first.result }), ["relu has result 0 with a user outside its graph"]],
    ["a use that is not listed", (_graph, first, second) => first.result.uses.delete(second), ["neg is no user of its operand x"]],
    [
      "a wrong type",
      (_graph, first) => (first.result.type = { dtype: "f32", shape: [5] }),
      ["relu has result 0 of type 5xf32, wanted 4xf32", "neg has result 0 of type 4xf32, wanted 5xf32"],
    ],
    [
      "too many operands",
      (_graph, first, second) => {
        second.operands.push(first.result);
      },
      ["neg has 2 operands, wanted 1"],
    ],
    [
      "attributes the record doesn't know",
      (graph) => graph.ops.unshift(new Op(constant, [], { value: tensor("f32", [], [1]), other: 1 }, [{ dtype: "f32", shape: [] }])),
      ["constant has an unknown attribute other"],
    ],
    [
      "data of another length",
      (graph) =>
        graph.ops.unshift(new Op(constant, [], { value: { type: { dtype: "f32", shape: [3] }, data: new Float32Array(2) } }, [{ dtype: "f32", shape: [3] }])),
      ["constant has attribute value of 2 elements for 3xf32"],
    ],
    [
      "extents that are none",
      (graph) => void graph.params.push(new Value({ dtype: "f32", shape: [-1] }, "y")),
      ["@g has parameter y whose extent -1 is no extent"],
    ],
    [
      "bounds that differ",
      (graph) =>
        void graph.params.push(new Value({ dtype: "f32", shape: [dimSymbol("N", 0, 4)] }, "y"), new Value({ dtype: "f32", shape: [dimSymbol("N")] }, "z")),
      ["@g has parameter z whose symbol N has bounds 0..Infinity, elsewhere 0..4"],
    ],
    [
      "bounds upside down",
      (graph) => void graph.params.push(new Value({ dtype: "f32", shape: [dimSymbol("N", 5, 4)] }, "y")),
      ["@g has parameter y whose symbol N has bounds 5..4"],
    ],
  ])("%s", (_what, change, wanted) => expect(findings(change)).toEqual(wanted));

  test("in quantisation", () => {
    const of = (type: TensorType): readonly string[] =>
      findings((graph) => void graph.params.push(new Value(type, "q"))).map((text) => text.replace("@g has parameter q whose quantisation ", ""));
    const quant = { scale: [1], zeroPoint: [0] };
    expect(of({ dtype: "i8", shape: [4], quant })).toEqual([]);
    expect(of({ dtype: "f32", shape: [4], quant })).toEqual(["is over f32, wanted an integer"]);
    expect(of({ dtype: "i8", shape: [4], quant: { scale: [1, 2], zeroPoint: [0] } })).toEqual(["has 2 scales and 1 zero points", "has 2 scales and no axis"]);
    expect(of({ dtype: "i8", shape: [4], quant: { ...quant, axis: 1 } })).toEqual(["is along axis 1 of 1"]);
    expect(of({ dtype: "i8", shape: [4], quant: { ...quant, axis: 0 } })).toEqual(["has 1 scales for extent 4"]);
    expect(
      of({ dtype: "i4", shape: [4, 64], quant: { scale: new Array<number>(8).fill(1), zeroPoint: new Array<number>(8).fill(0), axis: 1, block: 32 } }),
    ).toEqual([]);
    expect(of({ dtype: "i4", shape: [4, 64], quant: { ...quant, axis: 1, block: 32 } })).toEqual(["has 1 scales, wanted 8 for blocks of 32"]);
  });

  test("in regions, whose values are their own", () => {
    const withBody = (body: Graph, results: readonly TensorType[] = [vector]): readonly string[] =>
      findings((graph, first) => void graph.ops.splice(1, 0, new Op(fused, [first.result], {}, results, [], [body])));
    expect(withBody(returnsX(vector))).toEqual([]);
    expect(withBody(returnsX({ dtype: "f32", shape: [5] }))).toEqual(["fused does not fit: parameters of body differ in type from what is wanted at 0"]);
    expect(withBody(returnsX(vector), [vector, vector])).toEqual(["fused has 2 results, wanted 1"]);
    const outer = findings((graph, first) => {
      const body = returnsX(vector);
      body.erase(new Set(body.ops));
      new Builder(body.ops).createAll(returnOp, { values: [first.result] } as never);
      graph.ops.splice(1, 0, new Op(fused, [first.result], {}, [vector], [], [body]));
    });
    expect(outer).toEqual(["relu has result 0 with a user outside its graph", "return reads operand number 0 before it is defined in its graph"]);
  });

  test("all at once", () => {
    expect(
      findings((graph, first, second) => {
        first.result.uses.delete(second);
        graph.ops.unshift(new Op(add, [graph.params[0]], {}, [vector]));
      }),
    ).toEqual(["add has no operand b", "neg is no user of its operand x"]);
  });
});
