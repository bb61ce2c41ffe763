import { KernelBuilder, type Advance } from "../../kernel/build.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { columnOffset, reductionLength, type Axis, type ColumnSection, type ColumnSide, type Contraction, type OuterAxis, type Plan } from "./contraction.ts";
import { isLight } from "./epilogue.ts";
import { memoryElem, storeCursor } from "./storage.ts";
import { MicroTile, type PixelOffset } from "./micro-tile.ts";
import { columnTables } from "./requantise.ts";
import type { Cut } from "./tile.ts";
import { outerPitch, panelLayout } from "./weight-panels.ts";

/** Cursors of one tile shape in one section of columns and one block of the reduction. */
interface Site {
  readonly block: number;
  readonly section: ColumnSection;
  readonly row: Cut;
  readonly col: Cut;
  /** By segment. */
  readonly a: readonly string[];
  readonly w: readonly string[];
  readonly bias: string | undefined;
  /** By table of the requantisation; undefined where it has one number for all columns. */
  readonly factors: readonly (string | undefined)[];
  readonly y: string;
  readonly residual: string | undefined;
  /** Walks over the stored tile where the activation is applied after it. */
  readonly stored: string | undefined;
  /** Walks over the panel of the next group, so many elements a tile. */
  readonly ahead: string | undefined;
  readonly aheadShare: number;
}

/** Elements each kind of cursor moves in one iteration of a loop. */
interface Move {
  readonly a: number;
  readonly w: number;
  readonly bias: number;
  readonly y: number;
  readonly residual: number;
  readonly ahead: number;
}

/** Parameters: x, w (packed panels, or the second operand itself), residual where there is one, tables of factors by column, y. */
export function contractionKernel(c: Contraction, plan: Plan): Kernel {
  const { tile } = plan;
  const suffix = c.activation.name === "none" ? "" : `_${c.activation.name.toLowerCase()}`;
  const b = new KernelBuilder(`${c.name}_mr${tile.rows * tile.cols}nv${tile.nv}${c.residual ? "_add" : ""}${suffix}`, {
    lanes: c.lanes,
    mode: c.requantise ? "exact" : "fast",
    loc: c.loc,
  });
  b.param("x", c.elem, c.a.size, "in");
  b.param("w", c.elem, c.direct?.size ?? panelLayout(c, plan).size, "in");
  if (c.residual) b.param("residual", c.elem, c.residual.size, "in");
  for (const table of columnTables(c)) b.param(table.param, table.elem, panelLayout(c, plan).panelStart, "in");
  b.param("y", c.requantise ? memoryElem(c.requantise.dtype) : c.elem, c.y.size, plan.kBlocks.length > 1 || !isLight(c.activation) ? "inout" : "out");
  new ContractionBody(b, c, plan, { x: "x", w: "w", y: "y", residual: "residual" }).emit();
  return b.finish();
}

/** Parameters of the kernel that a contraction is part of. */
export interface ContractionParams {
  readonly x: string;
  readonly w: string;
  readonly y: string;
  readonly residual?: string;
}

/** Fewer tiles than these would each have to fetch large parts of the next panel: what they stream is fetched by the processor itself. */
const FEWEST_TILES = 3;

/** The loops of a contraction as part of a kernel. The first `open` outer axes are loops that the caller has opened round it. */
export class ContractionBody {
  private readonly c: Contraction;
  private readonly plan: Plan;
  private readonly b: KernelBuilder;
  private readonly params: ContractionParams;
  private readonly open: number;
  private readonly sites: readonly Site[];
  private readonly tile: MicroTile;

  constructor(b: KernelBuilder, c: Contraction, plan: Plan, params: ContractionParams, open = 0) {
    this.b = b;
    this.c = c;
    this.plan = plan;
    this.params = params;
    this.open = open;
    this.tile = new MicroTile(b, c, plan.tile);
    this.sites = this.makeSites();
  }

  /** How far the cursors move in one iteration of outer axis `index`: the caller's loop over it must advance them so. */
  advance(index: number): Advance {
    return this.advanceOf(this.sites, (site) => this.axisMove(this.c.outer[index]!, site));
  }

  emit(): void {
    const own = this.c.outer.slice(this.open).filter((axis) => axis.source !== 0 || axis.bias !== 0);
    this.axes(own, this.sites, () => {
      for (const block of this.plan.kBlocks.keys()) {
        const sites = this.sites.filter((site) => site.block === block);
        if (this.plan.order === "groups-outer") this.groups(sites, (inner) => this.pixels(inner, (site) => this.emitTile(site)));
        else this.pixels(sites, undefined, (inner) => this.groups(inner, ([site]) => this.emitTile(site!)));
      }
    });
  }

  /** Tiles that run over one group's weights before the next. */
  private tilesOfGroup(): number {
    return countBefore(this.plan.rowCuts) * countBefore(this.plan.colCuts) * this.sharedAxes().reduce((n, axis) => n * axis.trips, 1);
  }

  /** Tiles in one iteration of a shared axis. */
  private tilesInside(axis: OuterAxis): number {
    const axes = this.sharedAxes();
    return countBefore(this.plan.rowCuts) * countBefore(this.plan.colCuts) * axes.slice(axes.indexOf(axis) + 1).reduce((n, inner) => n * inner.trips, 1);
  }

  private sharedAxes(): OuterAxis[] {
    return this.c.outer.slice(this.open).filter((axis) => axis.source === 0 && axis.bias === 0);
  }

  private makeSites(): Site[] {
    const { c, plan, b, params } = this;
    const tiles = this.tilesOfGroup();
    const layout = panelLayout(c, plan);
    return plan.kBlocks.flatMap((segments, block) =>
      plan.sections.flatMap((section, s) =>
        plan.rowCuts.flatMap((row) =>
          plan.colCuts.map((col): Site => {
            const pixel = (axis: "a" | "y" | "residual"): number => row.start * c.rows[axis] + col.start * c.cols[axis];
            const column = section.unit * c.lanes;
            const side = (stem: string, param: string, of: ColumnSide, axis: "y" | "residual"): string => {
              const at = of.base + pixel(axis) + columnOffset(of, column);
              return c.requantise ? storeCursor(b, stem, param, at, c.requantise.dtype) : b.cursor(stem, param, at);
            };
            let panel = layout.panelStart + layout.starts[block]![s]!;
            const w = segments.map((segment) => {
              const at = c.direct ? c.direct.base + segment.source + column * c.columnSource : panel;
              panel += section.nv * c.lanes * segment.loops.reduce((n, l) => n * l.trips, 1);
              return b.cursor("k", params.w, at);
            });
            const fetched = plan.fetchAhead && tiles >= FEWEST_TILES ? segments[0] : undefined;
            const aheadShare = fetched ? this.tile.fetchShare(section, fetched, tiles) : 0;
            const ordinal = countBefore(plan.rowCuts, row) * countBefore(plan.colCuts) + countBefore(plan.colCuts, col);
            const start = layout.panelStart + layout.starts[block]![s]! + section.nv * c.lanes * reductionLength(segments) + ordinal * aheadShare;
            return {
              block,
              section,
              row,
              col,
              w,
              aheadShare,
              a: segments.map((segment) => b.cursor("i", params.x, c.a.base + pixel("a") + segment.a)),
              factors: (c.requantise?.tables ?? []).map((table) => (table.values.length > 1 ? b.cursor("q", table.param, column) : undefined)),
              bias: c.hasBias && block === 0 ? b.cursor("d", params.w, column) : undefined,
              y: side("o", params.y, c.y, "y"),
              residual: c.residual && block === plan.kBlocks.length - 1 ? side("r", params.residual!, c.residual, "residual") : undefined,
              ahead: fetched && b.cursor("f", params.w, start),
              stored: isLight(c.activation) || block < plan.kBlocks.length - 1 ? undefined : side("e", params.y, c.y, "y"),
            };
          }),
        ),
      ),
    );
  }

  private loop(stem: string, trips: number, sites: readonly Site[], move: (site: Site) => Move, body: () => void): void {
    if (trips === 1) return body();
    this.b.loop(stem, trips, this.advanceOf(sites, move), body);
  }

  private advanceOf(sites: readonly Site[], move: (site: Site) => Move): Advance {
    const advance: Record<string, number> = {};
    for (const site of sites) {
      const step = move(site);
      for (const cursor of site.a) advance[cursor] = step.a;
      for (const cursor of site.w) advance[cursor] = step.w;
      for (const cursor of [site.bias, ...site.factors]) if (cursor) advance[cursor] = step.bias;
      advance[site.y] = step.y;
      if (site.stored) advance[site.stored] = step.y;
      if (site.residual) advance[site.residual] = step.residual;
      if (site.ahead) advance[site.ahead] = step.ahead;
    }
    return advance;
  }

  private axes(axes: readonly OuterAxis[], sites: readonly Site[], body: () => void): void {
    const [axis, ...rest] = axes;
    if (!axis) return body();
    this.loop(
      axis.stem,
      axis.trips,
      sites,
      (site) => this.axisMove(axis, site),
      () => this.axes(rest, sites, body),
    );
  }

  private axisMove(axis: OuterAxis, site: Site): Move {
    const index = this.c.outer.indexOf(axis);
    const layout = panelLayout(this.c, this.plan);
    const w = this.c.direct ? axis.source : outerPitch(this.c, index, "source") * layout.setSize;
    const shared = axis.source === 0 && axis.bias === 0;
    return {
      a: axis.a,
      y: axis.y,
      residual: axis.residual,
      w,
      ahead: shared ? this.tilesInside(axis) * site.aheadShare : w,
      bias: outerPitch(this.c, index, "bias") * layout.biasRow,
    };
  }

  /** Loops over the groups of each section. */
  private groups(sites: readonly Site[], body: (sites: readonly Site[]) => void): void {
    for (const section of this.plan.sections) {
      const inside = sites.filter((site) => site.section === section);
      this.loop(
        "g",
        section.groups,
        inside,
        (site) => this.groupMove(site),
        () => body(inside),
      );
    }
  }

  private groupMove(site: Site): Move {
    const { c, plan } = this;
    const width = site.section.nv * c.lanes;
    const panel = width * reductionLength(plan.kBlocks[site.block]!);
    return {
      a: 0,
      w: c.direct ? width * c.columnSource : panel,
      ahead: panel,
      bias: width,
      y: columnOffset(c.y, width),
      residual: c.residual ? columnOffset(c.residual, width) : 0,
    };
  }

  /** Loops over batches, rows and columns of tiles: `each` gets every tile on its own, or `together` all that share a tile of pixels. */
  private pixels(sites: readonly Site[], each?: (site: Site) => void, together?: (sites: readonly Site[]) => void): void {
    const acrossRow = countBefore(this.plan.colCuts);
    const step = (axis: Axis, size: number, site: Site, tiles: number): Move => ({
      a: axis.a * size,
      w: 0,
      bias: 0,
      y: axis.y * size,
      residual: axis.residual * size,
      ahead: tiles * site.aheadShare,
    });
    this.axes(this.sharedAxes(), sites, () => {
      for (const row of this.plan.rowCuts) {
        const inRow = sites.filter((site) => site.row === row);
        this.loop(
          "row",
          row.count,
          inRow,
          (site) => step(this.c.rows, row.size, site, acrossRow),
          () => {
            for (const col of this.plan.colCuts) {
              const inTile = inRow.filter((site) => site.col === col);
              this.loop(
                "col",
                col.count,
                inTile,
                (site) => step(this.c.cols, col.size, site, 1),
                () => (together ? together(inTile) : inTile.forEach((site) => each!(site))),
              );
            }
          },
        );
      }
    });
  }

  private emitTile(site: Site): void {
    const { c, plan } = this;
    const pixels: PixelOffset[] = [];
    for (let r = 0; r < site.row.size; r++) {
      for (let q = 0; q < site.col.size; q++) {
        const at = (axis: "a" | "y" | "residual"): number => r * c.rows[axis] + q * c.cols[axis];
        pixels.push({ a: at("a"), y: at("y"), residual: at("residual") });
      }
    }
    const last = site.block === plan.kBlocks.length - 1;
    this.tile.begin(site.section, pixels);
    if (site.block > 0) this.tile.resume(site.y);
    else this.tile.start(site.bias);
    plan.kBlocks[site.block]!.forEach((segment, i) =>
      this.tile.reduce(segment, {
        a: site.a[i]!,
        w: site.w[i]!,
        ahead: i === 0 && site.ahead ? { cursor: site.ahead, tiles: this.tilesOfGroup() } : undefined,
      }),
    );
    if (!last) this.tile.suspend(site.y);
    else {
      this.tile.store(site.y, site.residual, site.factors);
      if (site.stored) this.tile.activate(site.stored, site.row.size, site.col.size);
    }
  }
}

/** Pieces of all cuts, or of those before one. */
function countBefore(cuts: readonly Cut[], before?: Cut): number {
  const index = before ? cuts.indexOf(before) : cuts.length;
  return cuts.slice(0, index).reduce((n, cut) => n + cut.count, 0);
}
