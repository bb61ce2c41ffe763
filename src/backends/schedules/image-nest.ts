import type { KernelBuilder } from "../../kernel/build.ts";
import type { Elem } from "../../kernel/kernel.ts";
import type { Layout } from "../layout.ts";
import { channelLanes } from "./columnar.ts";
import type { TargetProfile } from "../../target/profile.ts";
import type { Cut } from "./tile.ts";

/** A cursor of the nest and how far it moves from one vector of channels, image, row and pixel to the next. */
export interface NestCursor {
  readonly name: string;
  readonly block: number;
  readonly part: number;
  readonly batch: number;
  readonly row: number;
  readonly pixel: number;
}

export interface ImageNest<T extends { readonly cursors: readonly NestCursor[] }> {
  /** Blocks of channels, and vectors in a block. */
  readonly blocks: number;
  readonly parts: number;
  readonly batch: number;
  readonly rows: readonly Cut[];
  readonly cols: readonly Cut[];
  /** Makes the cursors of one shape of tile. */
  tile(row: Cut, col: Cut): T;
  /** Emitted once per vector of channels before its pixels, when channels are the outer loop. */
  prologue?(tiles: readonly T[]): void;
  body(tile: T): void;
}

/**
 * Loops over vectors of channels and tiles of pixels. Where channels lie in blocks they are the outer loop, so that what belongs to
 * a channel stays in registers and the rows in cache; where all channels of a pixel lie together they are the inner one.
 */
export function emitImageNest<T extends { readonly cursors: readonly NestCursor[] }>(b: KernelBuilder, layout: Layout, nest: ImageNest<T>): void {
  const tiles = nest.rows.flatMap((row) => nest.cols.map((col) => ({ row, col, tile: nest.tile(row, col) })));
  type Entry = (typeof tiles)[number];
  const loop = (stem: string, trips: number, over: readonly Entry[], step: (cursor: NestCursor, entry: Entry) => number, body: () => void): void => {
    if (trips === 1) return body();
    b.loop(stem, trips, Object.fromEntries(over.flatMap((entry) => entry.tile.cursors.map((cursor) => [cursor.name, step(cursor, entry)]))), body);
  };
  const channels = (over: readonly Entry[], body: () => void): void =>
    loop(
      "cb",
      nest.blocks,
      over,
      (cursor) => cursor.block,
      () => loop("cv", nest.parts, over, (cursor) => cursor.part, body),
    );
  const pixels = (body: (entry: Entry) => void): void => {
    for (const row of nest.rows) {
      const inRow = tiles.filter((entry) => entry.row === row);
      loop(
        "row",
        row.count,
        inRow,
        (cursor, entry) => cursor.row * entry.row.size,
        () => {
          for (const entry of inRow)
            loop(
              "col",
              entry.col.count,
              [entry],
              (cursor) => cursor.pixel * entry.col.size,
              () => body(entry),
            );
        },
      );
    }
  };
  loop(
    "n",
    nest.batch,
    tiles,
    (cursor) => cursor.batch,
    () => {
      if (layout.block) {
        channels(tiles, () => {
          nest.prologue?.(tiles.map((entry) => entry.tile));
          pixels((entry) => nest.body(entry.tile));
        });
      } else pixels((entry) => channels([entry], () => nest.body(entry.tile)));
    },
  );
}

/** Blocks and vectors in a block that hold the channels of a columnar layout. */
export function channelVectors(layout: Layout, target: TargetProfile): { readonly lanes: number; readonly blocks: number; readonly parts: number } {
  const lanes = channelLanes(layout, target);
  const channels = layout.shape[1]!;
  return layout.block
    ? { lanes, blocks: Math.ceil(channels / layout.block.size), parts: layout.block.size / lanes }
    : { lanes, blocks: 1, parts: Math.ceil(channels / lanes) };
}

/** A cursor that starts at a tile of pixels of an image and reads `strides` input pixels per output pixel. */
export function imageCursor(
  b: KernelBuilder,
  stem: string,
  param: string,
  layout: Layout,
  lanes: number,
  at: { readonly row: Cut; readonly col: Cut; readonly strides?: readonly [number, number]; readonly start?: number },
  elem?: Elem,
): NestCursor {
  const [sy, sx] = at.strides ?? [1, 1];
  const row = layout.shape.length >= 4 ? layout.strides.at(-2)! * sy : 0;
  const pixel = layout.strides.at(-1)! * sx;
  const name = b.cursor(stem, param, layout.offset + (at.start ?? 0) + at.row.start * row + at.col.start * pixel, elem);
  return { name, block: layout.block?.stride ?? 0, part: lanes, batch: layout.strides[0]!, row, pixel };
}
