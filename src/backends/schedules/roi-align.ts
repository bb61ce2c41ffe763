import { roiAlign } from "../../ir/ops/window.ts";
import type { RegionAttrs } from "../../ir/ops/roi-align.ts";
import { elementCount, type DType } from "../../ir/types.ts";
import { I32, type KernelBuilder, type Term } from "../../kernel/build.ts";
import type { Trips } from "../../kernel/kernel.ts";
import { plainLayout } from "../layout.ts";
import type { LowerContext, Place, Schedule } from "../schedule.ts";
import type { Op } from "../../ir/graph.ts";
import { cornersOf, type Corner } from "./bilinear.ts";
import { castRegister } from "./cast-expressions.ts";
import { declare, kernelOf, times } from "./gather.ts";
import { loadIndex } from "./indexing.ts";
import { loadElement, registerElem, registerType, storeCursor, storeElement } from "./storage.ts";

/**
 * Bin by bin: each sample's four pixels and their weights, then all channels. Where regions choose their own number of samples, loops
 * go to the number that the largest of them needs, or that can lie on the image if that is less, and begin where the image does:
 * samples beyond a region's own weigh nothing, and those far outside of the image are 0.
 */
export const roiAlignSchedule: Schedule = { ops: [roiAlign], lower: lowerRoiAlign };

function lowerRoiAlign(op: Op, context: LowerContext): void {
  const [x, rois, images, y] = [context.operand(op, "x")!, context.operand(op, "rois")!, context.operand(op, "batchIndices")!, context.result(op)];
  if (elementCount(y.layout.shape) === 0) return;
  const attrs = op.attrs as unknown as RegionAttrs;
  const [batch, channels, height, width] = x.layout.shape as [number, number, number, number];
  const [plane, bins] = [height * width, attrs.height * attrs.width];
  const held: DType = registerElem(x.dtype) === "f64" ? "f64" : "f32";
  const type = registerType(held, 1);
  const b = kernelOf(op, context, `${x.layout.shape.join("x")}_${attrs.kind}_${rois.layout.shape[0]!}x${attrs.height}x${attrs.width}`);
  declare(b, { x, rois, images, y });
  const sums = b.param("sums", held, channels, "inout");
  const adaptive = attrs.samplingRatio > 0 ? undefined : sampleCounts(op, context, rois, { rows: mostOn(height), columns: mostOn(width) }, held);
  const c = (value: number): Term => b.constant(type, value);
  const [from, region, image, to] = [b.cursor("x", "x"), b.cursor("r", "rois"), b.cursor("n", "images"), storeCursor(b, "y", "y", 0, y.dtype)];
  const sum = b.cursor("s", sums);
  b.loop("r", rois.layout.shape[0]!, { [region]: 4, [image]: 1, [to]: channels * bins }, () => {
    const start = times(b, loadIndex(b, images.dtype, batch, image).at, channels * plane);
    const [left, top, right, bottom] = edgesOf(b, region, rois.dtype, attrs, held);
    const rows = axisBins(b, top, bottom, attrs.height, attrs, height);
    const columns = axisBins(b, left, right, attrs.width, attrs, width);
    const count = b.mul(rows.samples, columns.samples);
    const isEmpty = b.let("z", b.select(b.compare("le", count, c(0)), b.constant(I32, 1), b.constant(I32, 0)));
    const share = b.let("f", b.div(c(1), b.pmax(count, c(1))));
    const [i, rowStart] = [b.let("i", c(0)), b.let("b", rows.start)];
    b.loop("i", attrs.height, { [to]: attrs.width }, () => {
      const columnStart = b.let("b", columns.start);
      b.loop("j", attrs.width, { [to]: 1 }, () => {
        const [firstRow, firstColumn] = [rows.first(rowStart), columns.first(columnStart)];
        const isAll = b.op("and", { mask: 1 }, [rows.isAll(firstRow), columns.isAll(firstColumn)]);
        const least = b.let("l", attrs.kind === "max" && adaptive ? b.select(isAll, c(-Infinity), c(0)) : c(attrs.kind === "max" ? -Infinity : 0));
        b.loop("c", channels, { [sum]: 1 }, () => b.store(sum, 0, least));
        const a = b.let("a", firstRow);
        b.loop("a", rows.trips("rows"), {}, () => {
          const d = b.let("d", firstColumn);
          b.loop("d", columns.trips("columns"), {}, () => {
            const place = (binStart: Term, at: Term, axis: AxisBins): Term =>
              b.let("p", b.add(binStart, b.div(b.mul(b.add(at, c(0.5)), axis.size), b.pmax(axis.samples, c(1)))));
            const [row, column] = [place(rowStart, a, rows), place(columnStart, d, columns)];
            const active = b.let(
              "g",
              b.select(
                b.op("and", { mask: 1 }, [b.compare("lt", a, rows.samples), b.compare("lt", d, columns.samples)]),
                b.constant(I32, 1),
                b.constant(I32, 0),
              ),
            );
            const near = (value: Term, extent: number): Term => b.op("and", { mask: 1 }, [b.compare("ge", value, c(-1)), b.compare("le", value, c(extent))]);
            const reaches = b.let("g", b.op("and", { mask: 1 }, [near(row, height), near(column, width)]));
            const clamped = (value: Term, extent: number): Term => b.let("p", b.pmin(b.pmax(c(0), value), c(extent - 1)));
            const corners = cornersOf(b, clamped(row, height), clamped(column, width), { height, width }, false);
            const weighted = corners.map((corner): Corner => ({ at: corner.at, weight: b.let("w", b.select(reaches, corner.weight, c(0))) }));
            const isActive = (): Term => b.compare("ne", active, b.constant(I32, 0));
            b.loop("c", channels, { [from]: plane, [sum]: 1 }, () => {
              const old = b.let("o", b.load(type, sum));
              const parts = weighted.map(({ at, weight }) => {
                const value = castRegister(b, b.let("v", loadElement(b, x.dtype, 1, from, 0, { index: b.let("q", b.add(at, start)) })), x.dtype, held, type);
                return b.let("v", b.mul(weight, value));
              });
              const next =
                attrs.kind === "max"
                  ? parts.reduce((most, part) => b.pmax(most, part), old)
                  : b.add(
                      old,
                      parts.reduce((total, part) => b.add(total, part)),
                    );
              b.store(sum, 0, b.select(isActive(), b.let("v", next), old));
            });
            b.set(d, b.add(d, c(1)));
          });
          b.set(a, b.add(a, c(1)));
        });
        b.loop("c", channels, { [sum]: 1, [to]: bins }, () => {
          const total = b.load(type, sum);
          const value = b.let("v", attrs.kind === "max" ? total : b.mul(total, share));
          const pooled = b.let("v", b.select(b.compare("ne", isEmpty, b.constant(I32, 0)), c(0), value));
          storeElement(b, y.dtype, 1, to, 0, castRegister(b, pooled, held, y.dtype, registerType(y.dtype, 1)));
        });
        b.set(columnStart, b.add(columnStart, columns.size));
      });
      b.set(i, b.add(i, c(1)));
      b.set(rowStart, b.madd(i, rows.size, rows.start));
    });
  });
  const args = { x: x.buffer, rois: rois.buffer, images: images.buffer, y: y.buffer, sums: context.scratch(held as "f32", channels) };
  context.call(b.finish(), args, adaptive);
}

/** Along an axis of so many pixels lie so many samples at most: two stand more than half a pixel apart, or there are few. */
function mostOn(extent: number): number {
  return extent + 6;
}

/** Extents of the samples that loops go through along each axis: what the largest region needs, at most `most`. */
function sampleCounts(op: Op, context: LowerContext, rois: Place, most: { rows: number; columns: number }, held: DType): Record<string, string> {
  const attrs = op.attrs as unknown as RegionAttrs;
  const type = registerType(held, 1);
  const b = kernelOf(op, context, `samples_${rois.layout.shape[0]!}_${attrs.height}x${attrs.width}_most${most.rows}x${most.columns}`);
  b.param("rois", rois.layout.elem, rois.layout.size, "in");
  const region = b.cursor("r", "rois");
  const found = (["rows", "columns"] as const).map((axis) => {
    b.param(axis, "i32", 1, "out");
    return b.let("m", b.constant(type, 0));
  });
  b.loop("r", rois.layout.shape[0]!, { [region]: 4 }, () => {
    const [left, top, right, bottom] = edgesOf(b, region, rois.dtype, attrs, held);
    const samples = [axisBins(b, top, bottom, attrs.height, attrs, most.rows).samples, axisBins(b, left, right, attrs.width, attrs, most.columns).samples];
    found.forEach((greatest, i) => b.set(greatest, b.pmax(greatest, samples[i]!)));
  });
  const places = (["rows", "columns"] as const).map((axis, i): Place => {
    const inside = b.let("m", b.pmin(b.constant(type, most[axis]), found[i]!));
    b.store(b.cursor("o", axis), 0, held === "f64" ? b.op("convert", I32, [inside]) : b.op("truncToInt", I32, [inside]));
    const layout = plainLayout("i32", []);
    return { buffer: context.scratch("i32", layout.size), layout, dtype: "i32" };
  });
  context.call(b.finish(), { rois: rois.buffer, rows: places[0]!.buffer, columns: places[1]!.buffer });
  return { rows: context.length(places[0]!, most.rows).name, columns: context.length(places[1]!, most.columns).name };
}

function edgesOf(b: KernelBuilder, region: string, dtype: DType, { spatialScale, halfPixel }: RegionAttrs, held: DType): readonly [Term, Term, Term, Term] {
  const type = registerType(held, 1);
  const edge = (offset: number): Term => {
    const read = castRegister(b, loadElement(b, dtype, 1, region, offset), dtype, held, type);
    return b.let("e", b.sub(b.mul(read, b.constant(type, spatialScale)), b.constant(type, halfPixel ? 0.5 : 0)));
  };
  return [edge(0), edge(1), edge(2), edge(3)];
}

/** One axis of a region: where it starts, how long a bin is, how many samples it has (a float), and which of them are gone through. */
interface AxisBins {
  readonly start: Term;
  readonly size: Term;
  readonly samples: Term;
  /** Of loops; where regions choose, the extent of this name says it. */
  trips(extent: string): Trips;
  /** The first sample of the bin from a place on that may reach the image. */
  first(binStart: Term): Term;
  /** Whether from there on all samples of the bin are gone through. */
  isAll(first: Term): Term;
}

function axisBins(b: KernelBuilder, from: Term, to: Term, count: number, attrs: RegionAttrs, extent: number): AxisBins {
  const c = (value: number): Term => b.constant(from.type, value);
  const whole = b.let("l", b.sub(to, from));
  const length = attrs.halfPixel ? whole : b.let("l", b.pmax(whole, c(1)));
  const size = b.let("l", b.div(length, c(count)));
  if (attrs.samplingRatio > 0)
    return {
      start: from,
      size,
      samples: c(attrs.samplingRatio),
      trips: () => attrs.samplingRatio,
      first: () => c(0),
      isAll: (first) => b.compare("eq", first, c(0)),
    };
  const most = mostOn(extent);
  const samples = b.let("k", b.pmax(c(0), b.op("ceil", size.type, [size])));
  return {
    start: from,
    size,
    samples,
    trips: (name) => ({ extent: name, per: 1, max: most }),
    // One sample earlier, for what rounding may do.
    first: (binStart) =>
      b.let("q", b.pmax(c(0), b.op("floor", size.type, [b.sub(b.div(b.mul(b.sub(c(-1), binStart), samples), b.pmax(size, c(1e-6))), c(1.5))]))),
    isAll: (first) => b.op("and", { mask: 1 }, [b.compare("eq", first, c(0)), b.compare("le", samples, c(most))]),
  };
}
