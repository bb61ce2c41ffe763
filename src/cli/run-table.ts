import { NeoError } from "../support/errors.ts";
import { formatCount, formatMs } from "../support/table.ts";
import { rowBlock } from "../tables/row-block.ts";
import { textOption, type Invocation, type Outcome } from "./command.ts";
import { openPredictions, type PredictionWriter } from "./prediction-writer.ts";
import type { RowModel } from "./row-model.ts";
import { openRows, type RowSource } from "./row-source.ts";
import type { TableSettings } from "./table-options.ts";

/** Milliseconds by what they went to. `read` is waiting for the file. */
interface Times {
  read: number;
  parse: number;
  predict: number;
  write: number;
}

/** Runs the rows of a file through a model, a block at a time, in memory that does not grow with them. */
export async function runTable(model: RowModel, settings: TableSettings, base: object, label: string, invocation: Invocation): Promise<Outcome> {
  const { options, json, reporter, cwd } = invocation;
  const output = textOption(options, "output");
  if (json && output === undefined)
    throw new NeoError({ code: "NEO1008", message: "predictions and --json both want stdout", hint: "name a file with --output preds.csv" });
  const source = await openRows(settings, model.port, cwd);
  let writer: PredictionWriter | undefined;
  const times: Times = { read: 0, parse: 0, predict: 0, write: 0 };
  const start = performance.now();
  try {
    writer = await openPredictions(output, model.outputs, () => source.reader.hasHeader, cwd);
    const { rows, files } = await reporter.stage(`running ${settings.file}`, () => stream(model, source, writer!, settings.file, times, invocation));
    const ms = performance.now() - start;
    const rate = Math.round((rows / Math.max(ms, 1e-3)) * 1000);
    const shares = (["read", "parse", "predict", "write"] as const).map((part) => `${part} ${formatMs(times[part])}`).join(", ");
    const text = [
      ...files.map((path) => `wrote ${path}`),
      `${formatCount(rows)} rows in ${formatMs(ms)}, ${formatCount(rate)} rows/s (${shares}), ${label}`,
    ].join("\n");
    const result = { ...base, rows, ms, rowsPerSecond: rate, times, files };
    if (output !== undefined) return { text, result };
    reporter.close();
    reporter.info(text);
    return { text: "", result };
  } catch (error) {
    await writer?.abandon();
    throw error;
  } finally {
    await source.close();
  }
}

async function stream(
  model: RowModel,
  source: RowSource,
  writer: PredictionWriter,
  file: string,
  times: Times,
  { reporter }: Invocation,
): Promise<{ rows: number; files: string[] }> {
  const block = rowBlock(model.port.dtype as "f32" | "f64", model.port.shape[1]!, model.blockRows);
  const { reader } = source;
  const begin = performance.now();
  let [rows, bytes, mark] = [0, 0, begin];
  const lap = (part: keyof Times): void => {
    const now = performance.now();
    times[part] += now - mark;
    mark = now;
  };
  const flush = async (): Promise<void> => {
    const data = model.predict(block);
    lap("predict");
    await writer.add(data, block.count);
    lap("write");
    rows += block.count;
    block.count = 0;
  };
  for (let isLast = false; !isLast;) {
    const count = await source.advance();
    lap("read");
    isLast = count === 0;
    bytes += count;
    while (reader.fill(block)) {
      lap("parse");
      await flush();
    }
    lap("parse");
    const rate = Math.round((rows / Math.max(1, mark - begin)) * 1000);
    reporter.progress(`running ${file}`, bytes, source.totalBytes, `${formatCount(rows)} rows, ${formatCount(rate)} rows/s`);
  }
  if (block.count > 0) await flush();
  const files = await writer.finish();
  lap("write");
  return { rows, files };
}
