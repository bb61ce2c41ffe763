import { decodeImage, fullMatch, textConcat, textNormalise, textSplit } from "../../../ir/ops/texts.ts";
import type { Value } from "../../../ir/graph.ts";
import type { NodeContext } from "../context.ts";
import { since, type OperatorTable } from "./table.ts";

/** Operators of strings: sessions do them, in steps between the code. */
export const TEXTS: OperatorTable = {
  ImageDecoder: since(20, importImageDecoder),
  RegexFullMatch: since(20, (c) => c.b.create(fullMatch, { x: c.need(0, "X") }, { pattern: c.required("pattern", c.text("pattern")) })),
  StringConcat: since(20, (c) => c.b.create(textConcat, { a: c.need(0, "X"), b: c.need(1, "Y") })),
  StringNormalizer: since(10, importNormalizer),
  StringSplit: since(20, importSplit),
};

/** Both sides of the picture are at most as long as the bound. */
function importImageDecoder(c: NodeContext): Value {
  const name = c.node.output[0] ?? "";
  const most = c.bounds.of(name);
  if (most === undefined)
    return c.fail("gives a picture whose size only its file tells, and nothing says how large that can be", {
      kind: "dataDependent",
      hint: `say how long its sides can be: \`--bound ${name}=N\``,
    });
  const pixelFormat = c.word("pixel_format", ["RGB", "BGR", "Grayscale"]);
  return c.b.create(decodeImage, { x: c.need(0, "encoded_stream") }, { pixelFormat, most, extent: c.lengthName });
}

function importNormalizer(c: NodeContext): Value {
  // Cases of letters are those of Unicode, whatever the locale.
  c.ignore("locale");
  return c.b.create(
    textNormalise,
    { x: c.need(0, "X") },
    {
      changeCase: ({ NONE: "none", LOWER: "lower", UPPER: "upper" } as const)[c.word("case_change_action", ["NONE", "LOWER", "UPPER"])],
      caseSensitive: c.flag("is_case_sensitive", false),
      stopWords: c.texts("stopwords") ?? [],
      extent: c.lengthName,
    },
  );
}

/** How many parts a text has only data tell, unless the number of splits is limited, or the caller says it. */
function importSplit(c: NodeContext): readonly Value[] {
  const x = c.need(0, "X");
  const known = c.constant(x);
  const maxSplits = c.int("maxsplit", -1);
  const given = c.bounds.of(c.node.output[0] ?? "");
  const most = given ?? (maxSplits >= 0 ? maxSplits + 1 : -1);
  if (most < 0 && !known)
    c.fail("makes as many parts as its data say, and nothing says how many that can be", {
      kind: "dataDependent",
      hint: `say how many there can be: \`--bound ${c.node.output[0] ?? ""}=N\``,
    });
  const attrs = { delimiter: c.text("delimiter", ""), maxSplits, most: most < 0 ? longestOf(known!.data as readonly string[]) : most, extent: c.lengthName };
  return c.b.createAll(textSplit, { x }, attrs);
}

/** No text has more parts than characters, and one. */
function longestOf(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, text.length + 1), 0);
}
