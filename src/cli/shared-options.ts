import type { OptionSpec } from "./command.ts";

/** Flags that every command takes. */
export const SHARED_OPTIONS: readonly OptionSpec[] = [
  { flags: "--json", text: "one JSON document on stdout" },
  { flags: "--progress <mode>", text: "how progress is shown", choices: ["auto", "tty", "plain", "json", "none"], fallback: "auto" },
  { flags: "--color <when>", text: "coloured output", choices: ["auto", "always", "never"], fallback: "auto" },
  { flags: "--quiet", text: "only results and errors" },
  { flags: "--verbose", text: "all notes, causes and stack traces" },
  { flags: "--config <file>", text: "configuration file (default: neo.config.json of the project)" },
];
