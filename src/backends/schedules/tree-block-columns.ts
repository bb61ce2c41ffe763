import { scalar, type KernelBuilder } from "../../kernel/build.ts";
import { variantOf } from "./tree-columns.ts";
import type { TreeColumns } from "./tree-tests.ts";
import { transposeTile } from "./transpose-tile.ts";

export interface VectorType {
  readonly elem: "f32" | "f64";
  readonly lanes: number;
}

/** The vectors of a block's columns: as many bytes as `lanes` f32. */
export function columnVector(elem: "f32" | "f64", lanes: number): VectorType {
  return { elem, lanes: elem === "f32" ? lanes : lanes / 2 };
}

/** The features of a block's rows, each as a row of its own, and their variants. */
export function transposeRows(
  b: KernelBuilder,
  columns: TreeColumns,
  type: VectorType,
  size: number,
  { first, rows }: { readonly first: number; readonly rows: number },
): { readonly cursors: readonly string[]; readonly emit: () => void } {
  const { features, variants } = columns;
  const { elem, lanes } = type;
  const asIs = variants.findIndex(({ missing, zeroIsMissing }) => missing === "right" && !zeroIsMissing);
  // Behind all columns where no test looks at the features as they are.
  const plainAt = (asIs >= 0 ? asIs * features : columns.count) * size;
  const tiled = { rows: Math.floor(rows / lanes) * lanes, features: Math.floor(features / lanes) * lanes };
  const corner = b.cursor("x", "x", first * features);
  const right = b.cursor("x", "x", first * features + tiled.features);
  const below = b.cursor("x", "x", (first + tiled.rows) * features);
  const emitTiles = (): void => {
    const to = b.cursor("t", "columns", plainAt);
    b.loop("r", tiled.rows / lanes, { [corner]: lanes * features, [to]: lanes }, () =>
      b.loop("f", tiled.features / lanes, { [corner]: lanes, [to]: lanes * size }, () => {
        const tile = Array.from({ length: lanes }, (_, i) => b.let("x", b.load(type, corner, i * features)));
        transposeTile(b, tile).forEach((column, i) => b.store(to, i * size, column));
      }),
    );
  };
  const emitSingles = (from: string, row: number, rowCount: number, feature: number, featureCount: number): void => {
    if (rowCount === 0 || featureCount === 0) return;
    const to = b.cursor("t", "columns", plainAt + feature * size + row);
    b.loop("r", rowCount, { [from]: features, [to]: 1 }, () =>
      b.loop("f", featureCount, { [from]: 1, [to]: size }, () => b.store(to, 0, b.load(scalar(elem), from))),
    );
  };
  const emitVariants = (): void => {
    const others = variants.flatMap((variant, i) => (i === asIs ? [] : [{ variant, to: b.cursor("v", "columns", i * features * size) }]));
    if (others.length === 0) return;
    const from = b.cursor("v", "columns", plainAt);
    b.loop("v", (features * size) / lanes, Object.fromEntries([from, ...others.map(({ to }) => to)].map((cursor) => [cursor, lanes])), () => {
      const x = b.let("x", b.load(type, from));
      for (const { variant, to } of others) b.store(to, 0, variantOf(b, x, variant));
    });
  };
  return {
    cursors: [corner, right, below],
    emit: () => {
      if (tiled.rows > 0 && tiled.features > 0) emitTiles();
      emitSingles(right, 0, tiled.rows, tiled.features, features - tiled.features);
      emitSingles(below, tiled.rows, rows - tiled.rows, 0, features);
      emitVariants();
    },
  };
}
