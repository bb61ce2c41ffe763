import { Command, CommanderError, Option } from "commander";
import { exitCodeFor, NeoError } from "../support/errors.ts";
import { COMMANDS } from "./commands.ts";
import { applyConfig } from "./config.ts";
import type { CommandSpec, OptionSpec, OptionValues, Outcome } from "./command.ts";
import { errorDiagnostic } from "./diagnostics.ts";
import { SHARED_OPTIONS } from "./shared-options.ts";
import { watchTemporaries } from "../support/node/temporary.ts";
import { Reporter, type ProgressMode } from "./reporter.ts";
import { writeStdout } from "./stdout.ts";
import { VERSION } from "../support/node/version.ts";

/** The command line: all commands by name and summary, `called` with its arguments and options. */
export function buildProgram(called: CommandSpec | undefined, run: (spec: CommandSpec, args: unknown[], options: OptionValues) => Promise<void>): Command {
  const program = new Command("neo")
    .description("Compiles trained models into small, signed, self-contained bundles and runs them.")
    .version(VERSION, "--version")
    .exitOverride()
    .configureOutput({ writeErr: () => {}, getOutHelpWidth: helpWidth })
    .showSuggestionAfterError(true)
    .addHelpText("before", `${EXAMPLES.map((example) => `  $ ${example}`).join("\n")}\n`)
    .addHelpText("after", `\n\`neo COMMAND --help\` tells more.\n\nExit codes:\n${EXITS.map(([code, when]) => `  ${code.padStart(3)}  ${when}`).join("\n")}`);
  for (const { name, summary } of COMMANDS) {
    const command = program.command(name).summary(summary).description(summary).usage("[options]").exitOverride();
    if (called?.name === name) describe(command, called, run);
  }
  return program;
}

/** As wide as the terminal, or as COLUMNS says behind a pipe; between 80 and 120 columns. */
function helpWidth(): number {
  return Math.min(120, Math.max(80, process.stdout.columns ?? (Number(process.env["COLUMNS"]) || 80)));
}

const EXAMPLES = ["neo compile model.onnx", "neo run model.host.neo --input x=@input.npy"] as const;

const EXITS: readonly (readonly [string, string])[] = [
  ["0", "ok"],
  ["1", "a bug in neo"],
  ["2", "usage"],
  ["3", "unsupported model or target"],
  ["4", "assertion or numbers failed"],
  ["5", "signature or integrity failed"],
  ["6", "I/O"],
  ["7", "limit exceeded"],
  ["130", "interrupted"],
];

function describe(command: Command, spec: CommandSpec, run: (spec: CommandSpec, args: unknown[], options: OptionValues) => Promise<void>): void {
  for (const arg of spec.args) {
    const name = `${arg.name}${arg.repeat ? "..." : ""}`;
    command.argument(arg.optional ? `[${name}]` : `<${name}>`, arg.text);
  }
  command.usage(`[options]${spec.args.map((arg) => (arg.optional ? ` [${arg.name}]` : ` <${arg.name}>`)).join("")}`);
  for (const option of [...spec.options, ...SHARED_OPTIONS]) command.addOption(commanderOption(option));
  command.addHelpText("before", `${spec.examples.map((example) => `  $ ${example}`).join("\n")}\n`);
  command.addHelpText(
    "after",
    `\nExit codes:\n${Object.entries(spec.exits)
      .map(([code, when]) => `  ${code.padStart(3)}  ${when}`)
      .join("\n")}`,
  );
  command.action(async (...given: unknown[]) => {
    const flags = Object.entries(command.opts<OptionValues>()).filter(([key]) => command.getOptionValueSource(key) === "cli");
    await run(spec, given.slice(0, spec.args.length).flat() as unknown[], Object.fromEntries(flags));
  });
}

function commanderOption(spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.text);
  if (spec.choices) option.choices(spec.choices);
  if (spec.fallback !== undefined) option.default(spec.fallback);
  if (spec.repeat) option.argParser((value: string, before: unknown) => [...((before as string[] | undefined) ?? []), value]);
  return option;
}

/** Runs the command line and gives the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const called = COMMANDS.find(({ name }) => name === argv.find((word) => !word.startsWith("-")));
  const program = buildProgram(await called?.load(), async (spec, args, options) => {
    exitCode = await runCommand(spec, args as (string | undefined)[], options);
  });
  try {
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    return reportUsage(error, argv);
  }
}

function reportUsage(error: CommanderError, argv: readonly string[]): number {
  const text = error.message.replace(/^error: /, "").replace(/\n?\(Did you mean (.*)\?\)/s, "");
  const meant = /Did you mean (?:one of )?(.*)\?\)/s.exec(error.message)?.[1];
  const command = argv.find((arg) => COMMANDS.some((spec) => spec.name === arg));
  const usage = new NeoError({
    code: "NEO1001",
    message: text,
    hint: meant ? `did you mean ${meant}?` : `\`neo ${command ? `${command} ` : ""}--help\` lists what there is`,
  });
  const json = argv.includes("--json");
  reporterFor({}).error(usage);
  if (json) process.stdout.write(`${JSON.stringify(envelope(command ?? "neo", undefined, [usage], 2))}\n`);
  return 2;
}

async function runCommand(spec: CommandSpec, args: readonly (string | undefined)[], given: OptionValues): Promise<number> {
  let reporter = reporterFor(given);
  let json = given["json"] === true;
  let outcome: Outcome | undefined;
  let failure: unknown;
  try {
    const options = await applyConfig(spec, given, { cwd: process.cwd(), env: process.env, commands: COMMANDS });
    reporter = reporterFor(options);
    json = options["json"] === true;
    if (json && options["output"] === "-")
      throw new NeoError({ code: "NEO1008", message: "-o - and --json both want stdout", hint: "leave one of them out, or name a file with -o" });
    outcome = await spec.run({ args, options, reporter, json, env: process.env, cwd: process.cwd(), commands: COMMANDS });
  } catch (error) {
    failure = error;
  }
  reporter.close();
  const diagnostics = [...(outcome?.diagnostics ?? []), ...(failure === undefined ? [] : [failure])];
  const exitCode = exitFor(outcome, diagnostics);
  if (json) await writeStdout(`${JSON.stringify(envelope(spec.name, outcome?.result, diagnostics, exitCode))}\n`);
  else if (outcome?.bytes) await writeStdout(outcome.bytes);
  else if (outcome?.text) await writeStdout(printable(outcome.text.endsWith("\n") ? outcome.text : `${outcome.text}\n`));
  if (!json || failure !== undefined) for (const diagnostic of diagnostics) reporter.error(diagnostic);
  return exitCode;
}

/** Results may hold names out of files: what would move a terminal's cursor or turn its text around is written as an escape. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** If several kinds of findings were collected, the gravest decides. */
const GRAVEST_FIRST = [1, 5, 7, 6, 3, 4, 2];

function exitFor(outcome: Outcome | undefined, diagnostics: readonly unknown[]): number {
  const codes = [outcome?.exitCode ?? 0, ...diagnostics.map(exitCodeFor)].filter((code) => code !== 0);
  return GRAVEST_FIRST.find((code) => codes.includes(code)) ?? codes[0] ?? 0;
}

/** The document of `--json`: the same frame for every command. */
export function envelope(command: string, result: object | undefined, diagnostics: readonly unknown[], exitCode: number): object {
  return {
    schema: `urn:neo-edge:schema:${command}:1`,
    neo: VERSION,
    command,
    ok: exitCode === 0,
    exitCode,
    diagnostics: diagnostics.map(errorDiagnostic),
    ...(result ? { result } : {}),
  };
}

function reporterFor(options: OptionValues): Reporter {
  const { env, stderr } = process;
  const when = options["color"] ?? "auto";
  const plain = Boolean(env["NO_COLOR"]) || Boolean(env["CI"]) || env["TERM"] === "dumb";
  return new Reporter({
    write: (text) => void stderr.write(text),
    isTTY: Boolean(stderr.isTTY) && !plain,
    color: when === "always" || (when === "auto" && Boolean(stderr.isTTY) && !plain),
    quiet: options["quiet"] === true,
    verbose: options["verbose"] === true,
    progress: (options["progress"] as ProgressMode | undefined) ?? "auto",
    now: () => performance.now(),
  });
}

/**
 * An interrupt ends the process at once, with 130 for the shell. Node calls handlers only between two turns of its loop, which a
 * long stage of the compiler doesn't give: so there are none, and the system ends the process, but while files or compilers of ours
 * must be cleared away, which always waits for something and gives turns.
 */
function heedInterrupts(): void {
  const stop = { SIGINT: () => process.exit(130), SIGTERM: () => process.exit(143) };
  watchTemporaries((isPending) => {
    for (const [signal, handler] of Object.entries(stop)) {
      process.off(signal, handler);
      if (isPending) process.on(signal, handler);
    }
  });
}

/** Entry of `bin/neo.js`. A closed pipe behind stdout ends quietly. */
export async function start(): Promise<void> {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
  }); // `writeStdout` tells of other failures
  process.stderr.on("error", () => {});
  heedInterrupts();
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    reporterFor({}).error(error);
    process.exitCode = exitCodeFor(error);
  }
}
