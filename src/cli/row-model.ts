import { interpret } from "../ir/interpret.ts";
import { tensor } from "../ir/tensor.ts";
import type { ManifestPort } from "../package/manifest.ts";
import { extentOf } from "../session/extents.ts";
import type { Session } from "../session/session.ts";
import { NeoError } from "../support/errors.ts";
import type { Elements, PredictionColumns } from "../tables/prediction-lines.ts";
import type { RowBlock } from "../tables/row-block.ts";
import type { ModelGraphs } from "./run-interpreter.ts";

/** A model of one input of rows: what reads them need not know of sessions and graphs. */
export interface RowModel {
  readonly port: ManifestPort;
  readonly outputs: readonly PredictionColumns[];
  /** How many rows go through it at once. */
  readonly blockRows: number;
  /** Elements of each output for the rows of the block; there may be more behind. */
  predict(block: RowBlock): readonly Elements[];
}

/** Rows that a program takes: from `min` to `max` in steps. */
interface Room {
  readonly min: number;
  readonly step: number;
  readonly max: number;
}

/** The model of a session. A block has as many rows as its largest program takes; those of a last block that are missing are empty ones. */
export function rowsOfSession(session: Session): RowModel {
  const { manifest, artifact } = session;
  const rooms = manifest.programs.map((program, i): Room => {
    const rows = rowsOf(session.name, program.inputs, program.outputs);
    return extentOf(artifact.programs[i]!, "input", 0, 0) ?? { min: rows, step: 1, max: rows };
  });
  const largest = rooms.reduce((best, room, i) => (room.max > rooms[best]!.max ? i : best), 0);
  const program = manifest.programs[largest]!;
  const port = program.inputs[0]!;
  return {
    port,
    outputs: program.outputs.map(columnsOf),
    blockRows: rooms[largest]!.max,
    predict({ data, width, count }) {
      const rows = roomFor(rooms, count);
      if (rows > count) data.fill(NaN, count * width, rows * width);
      const bound = session.bindSync({ [port.name]: { data: data.subarray(0, rows * width), shape: [rows, width] } });
      bound.run();
      const outputs = bound.outputs();
      return program.outputs.map(({ name }) => outputs[name]!.data as Elements);
    },
  };
}

/** The least number of rows, at least `count`, that some program takes. */
function roomFor(rooms: readonly Room[], count: number): number {
  const fits = rooms.filter(({ max }) => max >= count).map(({ min, step, max }) => Math.min(max, Math.max(min, min + Math.ceil((count - min) / step) * step)));
  return Math.min(...fits);
}

/** The model as its graph, op by op. */
export function rowsOfGraph({ graphs, programs, name }: ModelGraphs): RowModel {
  const rooms = programs.map(({ inputs, outputs }) => rowsOf(name, inputs, outputs));
  const largest = rooms.reduce((best, rows, i) => (rows > rooms[best]! ? i : best), 0);
  const [graph, program, blockRows] = [graphs[largest]!, programs[largest]!, rooms[largest]!];
  const port = program.inputs[0]!;
  const isOpen = typeof graph.params[0]!.type.shape[0] !== "number";
  return {
    port,
    outputs: program.outputs.map(columnsOf),
    blockRows,
    predict({ data, width, count }) {
      const rows = isOpen ? count : blockRows;
      if (rows > count) data.fill(NaN, count * width, rows * width);
      const input = tensor(port.dtype as "f32" | "f64", [rows, width], data.subarray(0, rows * width));
      return interpret(graph, [input]).map((result) => result.data as Elements);
    },
  };
}

function columnsOf({ name, dtype, shape, labels }: ManifestPort): PredictionColumns {
  return { name, dtype, width: shape.slice(1).reduce((n, d) => n * d, 1), isFlat: shape.length === 1, ...(labels ? { labels } : {}) };
}

/** How many rows the program takes at most. Throws NEO1062 if it has not one input of rows, and outputs with a row for each. */
function rowsOf(name: string, inputs: readonly ManifestPort[], outputs: readonly ManifestPort[]): number {
  const [input] = inputs;
  const rows = input?.shape[0] ?? 0;
  const describe = ({ name: port, dtype, shape }: ManifestPort): { where: string; text: string } => ({ where: port, text: `${dtype} [${shape.join(", ")}]` });
  if (inputs.length === 1 && /^f(32|64)$/.test(input!.dtype) && input!.shape.length === 2 && rows > 0 && outputs.every(({ shape }) => shape[0] === rows))
    return rows;
  throw new NeoError({
    code: "NEO1062",
    message: `${name} is no model of rows: it wants one input of f32 or f64 [rows, features], and outputs with a row for each`,
    notes: [...inputs.map(describe), ...outputs.map(describe)],
    hint: "`--input NAME=@FILE` gives each input as a whole",
  });
}
