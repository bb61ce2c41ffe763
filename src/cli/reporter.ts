import type { Note } from "../support/errors.ts";
import { InternalError, NeoError } from "../support/errors.ts";

export type ProgressMode = "auto" | "tty" | "plain" | "json" | "none";

export interface ReporterOptions {
  readonly write: (text: string) => void;
  readonly isTTY: boolean;
  readonly color: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly progress: ProgressMode;
  readonly now: () => number;
}

/** Everything that goes to stderr: warnings, errors, progress. Results never pass here. */
export class Reporter {
  private readonly options: ReporterOptions;
  private spinner: { text: string; stop(): unknown; start(): unknown } | undefined;

  /** When progress was shown last. */
  private shownAt = -Infinity;

  constructor(options: ReporterOptions) {
    this.options = options;
  }

  get verbose(): boolean {
    return this.options.verbose;
  }

  warn(text: string): void {
    if (this.options.quiet) return;
    this.line(`${this.paint("33", "warning")}: ${text}`);
  }

  info(text: string): void {
    if (!this.options.quiet) this.line(text);
  }

  /** Runs one stage with its progress shown; `n` of `of` where the stages are counted. */
  async stage<T>(name: string, run: () => Promise<T> | T): Promise<T> {
    const start = this.options.now();
    await this.begin(name);
    try {
      return await run();
    } finally {
      this.end(name, this.options.now() - start);
    }
  }

  private async begin(stage: string): Promise<void> {
    const mode = this.mode();
    if (mode === "json") this.options.write(`${JSON.stringify({ t: "start", stage })}\n`);
    if (mode !== "tty") return;
    if (!this.spinner) {
      // A hidden cursor would have to be brought back by a signal handler, which a long stage keeps from being called.
      const { default: ora } = await import("ora");
      this.spinner = ora({ text: stage, stream: process.stderr, discardStdin: false, hideCursor: false }) as unknown as {
        text: string;
        stop(): unknown;
        start(): unknown;
      };
      this.spinner.start();
    }
    this.spinner.text = stage;
  }

  /** How far a stage is: `done` of `total`, where that is known, and what else there is to say. Shown a few times a second at most. */
  progress(stage: string, done: number, total: number | undefined, text: string): void {
    const now = this.options.now();
    const mode = this.mode();
    if (now - this.shownAt < 100 || (mode !== "tty" && mode !== "json")) return;
    this.shownAt = now;
    if (mode === "json") this.options.write(`${JSON.stringify({ t: "step", stage, n: done, ...(total === undefined ? {} : { of: total }) })}\n`);
    else if (this.spinner) this.spinner.text = [stage, ...(total === undefined ? [] : [bar(done / Math.max(1, total))]), text].join("  ");
  }

  private end(stage: string, ms: number): void {
    const mode = this.mode();
    if (mode === "json") this.options.write(`${JSON.stringify({ t: "end", stage, ms: Math.round(ms * 10) / 10 })}\n`);
    if (mode === "plain") this.line(`${stage} ${ms.toFixed(0)} ms`);
  }

  /** Stops the spinner, before results are printed. */
  close(): void {
    this.spinner?.stop();
    this.spinner = undefined;
  }

  private mode(): ProgressMode {
    if (this.options.progress !== "auto") return this.options.progress;
    return this.options.isTTY && !this.options.quiet ? "tty" : "none";
  }

  error(error: unknown): void {
    this.close();
    for (const line of errorLines(error, this.options.verbose))
      this.line(
        line.startsWith("error")
          ? line.replace("error", this.paint("31", "error"))
          : line.startsWith("hint")
            ? line.replace("hint", this.paint("36", "hint"))
            : line,
      );
  }

  private line(text: string): void {
    this.options.write(`${text}\n`);
  }

  private paint(code: string, text: string): string {
    return this.options.color ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

const BAR = 20;

/** "██████░░░░░░░░░░░░░░  30 %" */
function bar(share: number): string {
  const full = Math.round(BAR * Math.min(1, share));
  return `${"█".repeat(full)}${"░".repeat(BAR - full)} ${String(Math.floor(100 * Math.min(1, share))).padStart(3)} %`;
}

const MAX_NOTES = 20;
const MAX_TEXT = 200;

/** The lines of an error in the format of the guide: code and what was found, one line a place, one hint. */
export function errorLines(error: unknown, verbose: boolean): string[] {
  if (!(error instanceof NeoError)) return internalLines(error);
  const lines = [`error ${error.code}: ${error.file && !error.message.includes(error.file) ? `${clean(error.file)}: ` : ""}${clean(error.message, 400)}`];
  const shown = verbose ? error.notes : error.notes.slice(0, MAX_NOTES);
  const width = Math.min(48, Math.max(0, ...shown.map((note) => clean(note.where).length)));
  for (const note of shown) lines.push(noteLine(note, width));
  if (shown.length < error.notes.length) lines.push(`  … and ${error.notes.length - shown.length} more (--verbose)`);
  if (error.hint) lines.push(`hint: ${clean(error.hint, 400)}`);
  if (verbose && error.cause instanceof Error) lines.push(`cause: ${clean(error.cause.message, 400)}`);
  return lines;
}

function noteLine(note: Note, width: number): string {
  return `  ${clean(note.where).padEnd(width)}  ${clean(note.text)}`.trimEnd();
}

function internalLines(error: unknown): string[] {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof InternalError ? "NEO9001" : "NEO9000";
  return [
    `error ${code}: a bug in neo: ${clean(message, 1000)}`,
    ...(error instanceof Error && error.stack ? error.stack.split("\n").slice(1, 12) : []),
    "hint: please report it with the command and, if you may share it, the model file",
  ];
}

/** Text that may come from a file, made safe for a terminal: control characters escaped, length limited. */
export function clean(text: string, limit = MAX_TEXT): string {
  const safe = text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return safe.length > limit ? `${safe.slice(0, limit - 1)}…` : safe;
}
