import { table, formatBytes } from "../support/table.ts";
import type { CommandSpec } from "./command.ts";
import { targetNames } from "../support/node/target-files.ts";
import { targetByName } from "../target-by-name.ts";

export const targets: CommandSpec = {
  name: "targets",
  args: [],
  options: [],
  examples: ["neo targets", "neo compile model.onnx -t x86-64-v3"],
  exits: { 0: "ok", 2: "usage" },
  async run({ cwd }) {
    const profiles = await Promise.all(targetNames().map((name) => targetByName(name, cwd)));
    const host = await targetByName("host", cwd).catch(() => undefined);
    const all = host ? [host, ...profiles] : profiles;
    const rows = all.map((t) => [t.name, t.kind, t.os, t.arch, `${t.vectorBytes * 8} bit`, t.registers, formatBytes(t.l2Bytes), t.summary]);
    const columns = [
      { title: "target" },
      { title: "code" },
      { title: "system" },
      { title: "processor" },
      { title: "vectors", align: "right" as const },
      { title: "registers", align: "right" as const },
      { title: "L2", align: "right" as const },
      { title: "summary", max: 40 },
    ];
    return {
      text: `${table(columns, rows)}\n\nOwn profile: -t ./board.json with { "extends": "arm64", … }`,
      result: {
        targets: all.map((t) => ({
          name: t.name,
          kind: t.kind,
          os: t.os,
          arch: t.arch,
          vectorBytes: t.vectorBytes,
          registers: t.registers,
          cpuFeatures: t.cpuFeatures,
          summary: t.summary,
        })),
      },
    };
  },
};
