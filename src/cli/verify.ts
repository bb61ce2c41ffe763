import { examineBundle } from "../package/read-bundle.ts";
import { nodeCrypto } from "../support/node/crypto.ts";
import { NeoError } from "../support/errors.ts";
import { formatBytes, table } from "../support/table.ts";
import type { CommandSpec } from "./command.ts";
import { readInput } from "./files.ts";
import { TRUST_OPTIONS, trustFrom } from "./trust-options.ts";

export const verify: CommandSpec = {
  name: "verify",
  args: [{ name: "bundle", text: "a .neo file, or - for stdin" }],
  options: [...TRUST_OPTIONS, { flags: "--self-test", text: "also runs the known answers stored in the bundle" }],
  examples: ["neo verify model.neo --trust release.pub", "neo verify model.neo --self-test"],
  exits: {
    0: "ok",
    2: "usage",
    3: "--self-test: this machine can't run it",
    4: "--self-test: other numbers",
    5: "not signed by a trusted key, or damaged",
    6: "no such file",
  },
  async run(invocation) {
    const [file] = invocation.args as [string];
    const bytes = await readInput(file, invocation.cwd);
    const { report, bundle, error } = examineBundle(bytes, { trust: await trustFrom(invocation), crypto: nodeCrypto, file });
    const result: Record<string, unknown> = {
      signatures: report.signatures,
      files: report.files,
      ...(bundle ? { digest: bundle.digest, name: bundle.manifest.name } : {}),
    };
    const lines = [
      ...report.signatures.map((s) => `signature ${s.keyId.slice(0, 16)}…  ${s.text}`),
      ...(report.files.length > 0
        ? [
            table(
              [{ title: "file" }, { title: "size", align: "right" }, { title: "digest" }],
              report.files.map((f) => [f.name, formatBytes(f.bytes), f.ok ? "good" : "BAD"]),
            ),
          ]
        : []),
    ];
    if (error) return { text: lines.join("\n"), result, diagnostics: [error] };
    if (invocation.options["selfTest"] === true) {
      const { openBundle } = await import("../session/load.ts");
      const [{ nativeRunner }, { nodeEngines }] = await Promise.all([import("../session/node/native-engine.ts"), import("../session/node/engines.ts")]);
      const session = await openBundle(bundle!, { native: nativeRunner(), engines: nodeEngines(), file });
      try {
        const { vectors } = await session.selfTest();
        const failed = vectors.filter((vector) => !vector.ok);
        result["selfTest"] = { artifact: session.artifact.id, vectors };
        lines.push(`self-test on ${session.artifact.id}: ${vectors.length - failed.length} of ${vectors.length} known answers`);
        if (failed.length > 0) {
          const notes = failed.flatMap((vector) =>
            vector.outputs
              .filter((o) => !o.ok)
              .map((o) => ({ where: `${vector.program}: ${o.output}[${o.index}]`, text: `found ${o.found}, wanted ${o.wanted}` })),
          );
          const wrong = new NeoError({
            code: "NEO4001",
            message: `${failed.length} of ${vectors.length} self-test vectors of ${file} gave other numbers`,
            notes,
            hint: "the machine or the code is at fault: try another artifact with `neo run --executor wasm`",
          });
          return { text: lines.join("\n"), result, diagnostics: [wrong] };
        }
      } finally {
        session.close();
      }
    }
    return { text: [...lines, `${file}: good, ${formatBytes(bytes.length)}, ${bundle!.digest.slice(0, 16)}…`, `next: neo run ${file}`].join("\n"), result };
  },
};
