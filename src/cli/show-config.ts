import { NeoError } from "../support/errors.ts";
import { nearestWord } from "../support/nearest.ts";
import { table } from "../support/table.ts";
import type { CommandSpec } from "./command.ts";
import { longName, settingsOf } from "./config.ts";
import { clean } from "./reporter.ts";
import { SHARED_OPTIONS } from "./shared-options.ts";

export const config: CommandSpec = {
  name: "config",
  args: [{ name: "command", text: "whose flags; without it, those of all commands", optional: true }],
  options: [{ flags: "--resolved", text: "also those that nobody set and that have their default" }],
  examples: ["neo config --resolved", "neo config compile --json"],
  exits: { 0: "ok", 2: "usage; a variable or file that says nothing sensible", 6: "a file can't be read" },
  async run({ args, options, env, cwd, commands }) {
    const [name] = args;
    const chosen = name === undefined ? commands : commands.filter((command) => command.name === name);
    if (chosen.length === 0) {
      const near = nearestWord(
        name!,
        commands.map((command) => command.name),
      );
      throw new NeoError({ code: "NEO1001", message: `unknown command '${name}'`, hint: near ? `did you mean ${near}?` : "`neo --help` lists the commands" });
    }
    const given = options["config"] === undefined ? {} : { config: options["config"] };
    const values = new Map<string, { key: string; value: string | boolean | readonly string[]; origin: string }>();
    for (const { load } of chosen) {
      const spec = await load();
      for (const { option, value, origin } of await settingsOf(spec, given, { env, cwd, commands })) {
        const key = SHARED_OPTIONS.includes(option) ? longName(option) : `${spec.name}.${longName(option)}`;
        if (longName(option) !== "config" && (options["resolved"] === true || origin !== "default")) values.set(key, { key, value, origin });
      }
    }
    const rows = [...values.values()];
    return {
      text:
        rows.length === 0
          ? "nothing is set: --resolved shows the defaults"
          : table(
              [{ title: "flag" }, { title: "value", max: 48 }, { title: "from" }],
              rows.map(({ key, value, origin }) => [key, clean(String(value)), clean(origin)]),
            ),
      result: { values: rows },
    };
  },
};
