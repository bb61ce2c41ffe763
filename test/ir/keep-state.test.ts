import { describe, expect, test } from "vitest";
import type { Graph } from "../../src/ir/graph.ts";
import { interpret } from "../../src/ir/interpret.ts";
import { checkSharedState, keepState, namedStates } from "../../src/ir/keep-state.ts";
import { tensor, type Tensor } from "../../src/ir/tensor.ts";
import { parseGraph } from "../../src/ir/text/parse.ts";
import { verify } from "../../src/ir/verify.ts";
import { NeoError } from "../../src/support/errors.ts";

/** s and p change places; y is their sum. */
const graph = (size = 2): Graph =>
  parseGraph(`graph @g(%x: tensor<${size}xf32>, %s: tensor<${size}xf32>, %p: tensor<${size}xf32>) -> (tensor<${size}xf32>, tensor<${size}xf32>, tensor<${size}xf32>) {
    %a = add %s, %x : tensor<${size}xf32>
    %y = add %a, %p : tensor<${size}xf32>
    return %p, %y, %a {names = ["s_out", "y", "p_out"]}
  }`);

test("inputs and outputs of a pair leave the border, and their values stay", () => {
  const kept = graph();
  keepState(kept, [
    { input: "s", output: "s_out" },
    { input: "p", output: "p_out" },
  ]);
  expect(verify(kept)).toEqual([]);
  expect(kept.params.map(({ name }) => name)).toEqual(["x"]);
  expect(kept.terminator.attrs["names"]).toEqual(["y"]);
  const state = new Map<string, Tensor>();
  const run = (x: number): number => Number(interpret(kept, [tensor("f32", [2], [x, 0])], { state })[0]!.data[0]);
  // s, p = 0, 0 → 0, 1 → 1, 10 → 10, 101
  expect([run(1), run(10), run(100)]).toEqual([1, 11, 111]);
});

describe("refused", () => {
  const notesOf = (run: () => void): string[] => {
    try {
      run();
    } catch (error) {
      if (error instanceof NeoError && error.code === "NEO2014") return error.notes.map(({ where, text }) => `${where}: ${text}`);
      throw error;
    }
    return [];
  };

  test("all pairs that can't be kept, at once", () => {
    const pairs = [
      { input: "s", output: "s_out" },
      { input: "s", output: "z" },
      { input: "q", output: "s_out" },
    ];
    expect(notesOf(() => keepState(graph(), pairs))).toEqual([
      "s=z: input s is in two pairs",
      "s=z: there is no output z; outputs are s_out, y, p_out",
      "q=s_out: there is no input q; inputs are x, s, p",
      "q=s_out: output s_out is in two pairs",
    ]);
  });

  test("tensors of different types", () => {
    const shapes = parseGraph("graph @g(%h: tensor<2x3xf32>) -> (tensor<6xf32>) {\n %y = reshape %h {shape = [6]} : tensor<6xf32>\n return %y\n}");
    expect(notesOf(() => keepState(shapes, [{ input: "h", output: "y" }]))).toEqual(["h=y: h is 2x3 f32, y is 6 f32"]);
  });

  test("programs whose states differ", () => {
    const [a, b] = [graph(2), graph(3)];
    for (const each of [a, b]) keepState(each, [{ input: "s", output: "s_out" }]);
    expect(notesOf(() => checkSharedState([a, b]))).toEqual(["s: is 2 f32, in another program 3 f32"]);
    expect(notesOf(() => checkSharedState([a, graph(2)]))).toEqual(["s: is 2 f32, in another program missing"]);
    expect(notesOf(() => checkSharedState([a, a]))).toEqual([]);
  });
});

describe("names tell pairs", () => {
  const pairs = (inputs: string, outputs: string): string[] => {
    const types = inputs.split(" ").map((name) => `%"${name}": tensor<2xf32>`);
    const results = outputs.split(" ");
    const text = `graph @g(${types.join(", ")}, %other: tensor<3xf32>) -> (${results.map(() => "tensor<2xf32>").join(", ")}) {
      return ${results.map(() => `%"${inputs.split(" ")[0]}"`).join(", ")} {names = [${results.map((name) => `"${name}"`).join(", ")}]}
    }`;
    return namedStates(parseGraph(text)).map(({ input, output }) => `${input}=${output}`);
  };
  test.each([
    ["h c", "y hn cn", "h=hn c=cn"],
    ["h0 c0", "y hn cn", "h0=hn c0=cn"],
    ["state sr", "output stateN", "state=stateN"],
    [
      "past_key_values.0.key past_key_values.0.value",
      "present.0.key present.0.value",
      "past_key_values.0.key=present.0.key past_key_values.0.value=present.0.value",
    ],
    ["cache_in x", "cache_out x_other", "cache_in=cache_out"],
    ["h", "h_out h_new", ""],
    ["x", "y", ""],
  ])("%s → %s", (inputs, outputs, wanted) => expect(pairs(inputs, outputs).join(" ")).toBe(wanted));
  test("of one type only", () => {
    const text = 'graph @g(%h: tensor<3xf32>, %x: tensor<2xf32>) -> (tensor<2xf32>) {\n return %x {names = ["hn"]}\n}';
    expect(namedStates(parseGraph(text))).toEqual([]);
  });
});
