import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { NeoError } from "../support/errors.ts";
import { nearestWord } from "../support/nearest.ts";
import type { CommandSpec } from "./command.ts";

const FOLDER = fileURLToPath(new URL("../../docs/errors/", import.meta.url));

/** Codes that have a page. */
export function documentedCodes(): string[] {
  return existsSync(FOLDER)
    ? readdirSync(FOLDER)
        .filter((file) => /^NEO\d{4}\.md$/.test(file))
        .map((file) => file.slice(0, 7))
        .sort()
    : [];
}

export const explain: CommandSpec = {
  name: "explain",
  args: [{ name: "code", text: "as printed, e.g. NEO2004, or an area, e.g. NEO2; without it, all codes", optional: true }],
  options: [],
  examples: ["neo explain NEO2004", "neo explain NEO5"],
  exits: { 0: "ok", 2: "no such code" },
  async run({ args }) {
    const codes = documentedCodes();
    const asked = args[0]?.toUpperCase().replace(/^(\d)/, "NEO$1");
    const area = asked === undefined ? "" : /^(NEO\d)X*$/.exec(asked)?.[1];
    if (area !== undefined && codes.some((code) => code.startsWith(area))) {
      const titles = codes.filter((code) => code.startsWith(area)).map((code) => ({ code, title: titleOf(code) }));
      return { text: titles.map(({ code, title }) => `${code}  ${title}`).join("\n"), result: { codes: titles } };
    }
    if (asked === undefined || !codes.includes(asked)) {
      const near = nearestWord(asked ?? "", codes);
      throw new NeoError({ code: "NEO1004", message: `there is no error code ${asked}`, hint: near ? `did you mean ${near}?` : "`neo explain` lists them" });
    }
    const page = readFileSync(`${FOLDER}${asked}.md`, "utf8");
    return { text: page, result: { code: asked, title: titleOf(asked), page } };
  },
};

function titleOf(code: string): string {
  return readFileSync(`${FOLDER}${code}.md`, "utf8")
    .split("\n", 1)[0]!
    .replace(/^# NEO\d{4}:\s*/, "");
}
