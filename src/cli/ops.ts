import { table } from "../support/table.ts";
import { NeoError } from "../support/errors.ts";
import { textOption, type CommandSpec } from "./command.ts";

export const ops: CommandSpec = {
  name: "ops",
  args: [],
  options: [{ flags: "--frontend <format>", text: "operators of this model format (onnx); without it, the ops of the graph" }],
  examples: ["neo ops --frontend onnx", "neo ops"],
  exits: { 0: "ok", 2: "no such format" },
  async run({ options }) {
    const format = textOption(options, "frontend");
    if (format === undefined) {
      const { OPS } = await import("../ir/ops/index.ts");
      const list = OPS.map((def) => ({
        name: def.name,
        operands: def.operands as readonly string[],
        attributes: Object.keys(def.attrs as object),
        summary: def.summary,
      }));
      return {
        text: table(
          [{ title: "op" }, { title: "operands" }, { title: "summary", max: 80 }],
          list.map((op) => [op.name, op.operands.join(", "), op.summary]),
        ),
        result: { ops: list },
      };
    }
    const { FRONTENDS } = await import("../frontends/index.ts");
    const frontend = FRONTENDS.find((candidate) => candidate.name === format && candidate.operators().length > 0);
    if (!frontend)
      throw new NeoError({
        code: "NEO1016",
        message: `there is no frontend for ${format}`,
        hint: `one of ${FRONTENDS.filter((f) => f.operators().length > 0)
          .map((f) => f.name)
          .join(", ")}`,
      });
    const list = frontend.operators();
    return {
      text: `${table(
        [{ title: "domain" }, { title: "operator" }, { title: "since", align: "right" }],
        list.map((op) => [op.domain || "ai.onnx", op.name, op.since]),
      )}\n${list.length} operators`,
      result: { frontend: format, operators: list },
    };
  },
};
