import { NeoError, type Note } from "../support/errors.ts";
import { nearestWord } from "../support/nearest.ts";

/** What becomes of a column of a table. */
export interface Column {
  /** As the header calls it, or "column 3". */
  readonly name: string;
  /** The feature that it is; -1 for none. */
  readonly feature: number;
}

/** What a model wants of a table. */
export interface Features {
  readonly count: number;
  /** Empty where the model has none. */
  readonly names: readonly string[];
}

interface ColumnOptions {
  /** Columns that are no features: names, or numbers from 1 on. */
  readonly drop: readonly string[];
  readonly file: string;
}

/** Columns by the names in a header, or by their places where header or model have none. Throws NEO1061 where they don't fit. */
export function matchColumns(header: readonly string[] | undefined, cells: number, features: Features, options: ColumnOptions): readonly Column[] {
  const names = header ?? Array.from({ length: cells }, (_, i) => `column ${i + 1}`);
  const dropped = droppedColumns(header ?? [], names.length, options);
  const left = names.map((_, i) => i).filter((i) => !dropped.has(i));
  const byName = header !== undefined && countsNames(features.names, header);
  const found = byName ? featuresByName(header, left, features, options.file) : featuresByPlace(names, left, features, options.file);
  return names.map((name, i) => ({ name: header ? name : `column ${i + 1}`, feature: found.get(i) ?? -1 }));
}

/** Among more names than these the nearest is not looked for. */
const MOST_COMPARED = 200;

/** Names that a library makes itself (f0, f1, Column_0 …) say no more than places do, unless the header has them. */
function countsNames(names: readonly string[], header: readonly string[]): boolean {
  if (names.length === 0) return false;
  const stem = /^(.*?)\d+$/.exec(names[0]!)?.[1];
  const isMade = stem !== undefined && names.every((name, i) => name === `${stem}${i}`);
  return !isMade || names.some((name) => header.includes(name));
}

function droppedColumns(header: readonly string[], count: number, { drop, file }: ColumnOptions): Set<number> {
  const dropped = new Set<number>();
  const unknown: Note[] = [];
  for (const word of drop) {
    const named = header.indexOf(word);
    const number = /^\d{1,9}$/.test(word) ? Number(word) - 1 : -1;
    if (named >= 0) dropped.add(named);
    else if (number >= 0 && number < count) dropped.add(number);
    else {
      const near = nearestWord(word, header);
      unknown.push({ where: word, text: near ? `is no column, did you mean ${near}?` : `is no column, there are ${count}` });
    }
  }
  if (unknown.length > 0) throw misfit(file, "has no column", unknown, "--drop-columns takes names of the header, or numbers from 1 on");
  return dropped;
}

function featuresByName(header: readonly string[], left: readonly number[], { names }: Features, file: string): Map<number, number> {
  const places = new Map(names.map((name, feature) => [name, feature]));
  const found = new Map<number, number>();
  const taken = new Set<number>();
  const notes: Note[] = [];
  const unknown: number[] = [];
  for (const column of left) {
    const feature = places.get(header[column]!);
    if (feature === undefined) unknown.push(column);
    else if (taken.has(feature)) notes.push({ where: header[column]!, text: "is there twice" });
    else found.set(column, feature);
    if (feature !== undefined) taken.add(feature);
  }
  const missing = names.filter((_, feature) => !taken.has(feature));
  const others = unknown.map((column) => header[column]!).slice(0, MOST_COMPARED);
  missing.forEach((name, i) => {
    const near = i < MOST_COMPARED ? nearestWord(name, others) : undefined;
    notes.push({ where: name, text: near ? `is missing; the table has ${near}` : "is missing" });
  });
  unknown.forEach((column, i) => {
    const near = i < MOST_COMPARED ? nearestWord(header[column]!, missing.slice(0, MOST_COMPARED)) : undefined;
    notes.push({
      where: header[column] || `column ${column + 1}`,
      text: near ? `is no feature of the model, which has ${near}` : "is no feature of the model",
    });
  });
  if (notes.length === 0) return found;
  const extra = unknown.length > 0 && missing.length === 0;
  throw misfit(
    file,
    "has not the features of the model",
    notes,
    extra ? `--drop-columns ${unknown.map((c) => header[c] || c + 1).join(",")} leaves them out` : "rename the columns as the model calls them",
  );
}

function featuresByPlace(names: readonly string[], left: readonly number[], features: Features, file: string): Map<number, number> {
  if (left.length === features.count) return new Map(left.map((column, feature) => [column, feature]));
  const notes = [
    { where: "table", text: `${left.length} columns${left.length < names.length ? `, and ${names.length - left.length} dropped` : ""}` },
    { where: "model", text: `${features.count} features` },
  ];
  const hint = left.length > features.count ? "--drop-columns NAMES leaves columns out" : "give a column for each feature, in the order of training";
  throw misfit(file, "has another number of columns than the model has features", notes, hint);
}

function misfit(file: string, what: string, notes: readonly Note[], hint: string): NeoError {
  return new NeoError({ code: "NEO1061", message: `${file} ${what}`, notes, hint, file });
}
