import { describe, expect, test } from "vitest";
import { checkText } from "./file-check.ts";
import { runNirFile } from "./runner.ts";

const output = "graph @a(%x) {\n  %0 = relu %x\n  %1 = add %0, %0\n  return %1\n}\ngraph @b(%x) {\n  %0 = neg %x\n  %1 = abs %x\n  return %0\n}";
const check =
  (...lines: string[]) =>
  (): void =>
    checkText(lines.map((line) => `// CHECK${line}`).join("\n"), output);

describe("checks that hold", () => {
  test.each([
    ["CHECK finds a later line", [": relu", ": return"]],
    ["CHECK finds more on the same line", [": %0 =", ": relu"]],
    ["NEXT is the next line", [": relu", "-NEXT: add"]],
    ["SAME is behind it on the same line", [": relu", "-SAME: %x"]],
    ["NOT looks up to the next match", [": relu", "-NOT: neg", ": return"]],
    ["a NOT inside a label ends where the next label starts", ["-LABEL: @a", "-NOT: neg", "-LABEL: @b"]],
    ["DAG takes any order", ["-LABEL: @b", "-DAG: abs", "-DAG: neg", ": return"]],
    ["names are captured and repeated", ["-LABEL: @a(%[[X:\\w+]])", ": %[[R:\\w+]] = relu %[[X]]", "-NEXT: add %[[R]], %[[R]]"]],
    ["a name may be repeated on the line that captures it", [": add %[[R:\\w+]], %[[R]]"]],
    ["braces hold expressions", [": {{relu|tanh}} %x", ": return {{%\\d}}"]],
    ["blanks are one blank", [":    %0   =  relu"]],
  ])("%s", (_what, lines) => expect(check(...lines)).not.toThrow());
});

describe("checks that fail", () => {
  test.each([
    ["what is not there", [": tanh"]],
    ["the wrong order", [": add", ": relu"]],
    ["a line between", [": relu", "-NEXT: return"]],
    ["another line", [": relu", "-SAME: add"]],
    ["what must not stand there", [": relu", "-NOT: add", ": return"]],
    ["what must not follow", ["-LABEL: @b", ": neg", "-NOT: abs"]],
    ["outside its label", ["-LABEL: @a", ": neg", "-LABEL: @b"]],
    ["one line for two DAGs", ["-DAG: relu", "-DAG: relu"]],
    ["another name", [": %[[R:\\w+]] = relu", ": return %[[R]]", "-NEXT: @b"]],
    ["a kind there isn't", ["-NEVER: x"]],
    ["a longer name", [": %[[R:\\w]] = relu", ": %[[R]]1"]],
    ["an unknown label", ["-LABEL: @c"]],
  ])("%s", (_what, lines) => expect(check(...lines)).toThrow(/CHECK|captured/));
});

describe("a file", () => {
  const file =
    (...chunks: string[]) =>
    (): void =>
      runNirFile(`// RUN: neo opt --passes p\n${chunks.join("\n// -----\n")}`, (graph) => void graph.ops.length);
  const good = "// CHECK: return\ngraph @g(%x: tensor<4xf32>) -> (tensor<4xf32>) { return %x }";

  test("is met chunk by chunk", () => expect(file(good, good)).not.toThrow());
  test("says the line as the file counts", () => expect(file(good, good.replace("return", "relu"))).toThrow(/^line 5:/));
  test("needs a RUN line", () => expect(() => runNirFile(good, () => {})).toThrow(/RUN/));
  test("needs checks", () => expect(file(good.replace("CHECK", "check"))).toThrow(/no CHECK/));
  test("fails when an expected error does not come", () => expect(file(`${good} // expected-error {{x}}`)).toThrow(/not refused/));
  test("fails when another error comes too", () => {
    expect(file("graph @g() -> () { return %a, %b } // expected-error {{%a is not defined}}")).toThrow(/not expected/);
  });
});
