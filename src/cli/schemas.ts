import { z } from "zod";

/**
 * What `--json` prints, one schema a command. `npm run schemas` writes them to `schemas/` for other programs, and tests hold every
 * command's real output against them. Only those two import this file: zod is no part of a running command.
 */

/** JSON has neither NaN nor infinities: they are null. */
const real = z.number().nullable();
const count = z.number().int().nonnegative();
const hex = z.string().regex(/^[0-9a-f]{64}$/);
const counts = z.record(z.string(), count);
const shape = z.array(count);

const port = z.strictObject({
  name: z.string(),
  dtype: z.string(),
  shape,
  bytes: count,
  labels: z.array(z.string()).optional().describe("names of the columns, or of what whole numbers stand for"),
});
const modelTensor = z.strictObject({
  name: z.string(),
  dtype: z.string().optional(),
  elementType: z.string(),
  dims: z.array(z.union([count, z.string()])).optional(),
});
const modelVersion = z.strictObject({ ir: z.number(), opset: z.record(z.string(), z.number()), producer: z.string() });
const pass = z.strictObject({ name: z.string(), ms: z.number(), changed: z.boolean() });

const difference = z.strictObject({
  name: z.string(),
  elements: count,
  maxAbs: real,
  meanAbs: real,
  maxRel: real,
  rmse: real,
  cosine: real,
  sqnrDb: real.describe("null where they are equal"),
  kl: real.describe("null where the rows are no distributions"),
  topEqual: z.boolean(),
  ratio: real.describe("largest error over what is usual for the dtype"),
  requiredTolerance: real,
  worst: z
    .strictObject({ index: z.array(count), found: real, wanted: real })
    .optional()
    .describe("where the error is largest; absent where they are equal"),
  topk: z.strictObject({ k: count, rows: count, equalRows: count, overlap: z.number() }).optional().describe("--topk"),
});
const nodeDifference = difference.extend({
  node: z.string().describe("source nodes of the op"),
  op: z.string(),
  bad: z.boolean(),
});

const region = z.strictObject({
  name: z.string(),
  accelerator: z.string(),
  nodes: z.array(z.string()).describe("source nodes"),
  macs: count,
  inBytes: count,
  outBytes: count,
  quantised: z.boolean().describe("integers cross its border"),
  us: z.number().describe("estimated microseconds, the call and what crosses included"),
  cpuUs: z.number().describe("the same ops as code"),
});
const refusalCode = z.enum(["op", "dtype", "shape", "attribute", "quantisation", "constant", "limit", "tool", "worth", "order"]);
const cpuOp = z
  .strictObject({
    node: z.string(),
    op: z.string(),
    accelerator: z.string(),
    code: refusalCode,
    reason: z.string(),
    found: z.string().optional(),
    wanted: z.string().optional(),
    hint: z.string().optional(),
    macs: count,
    cpuUs: z.number(),
    savesUs: z.number().optional(),
    costsUs: z.number().optional(),
  })
  .describe("why one accelerator has not got an op that the CPU runs");
const partition = z.strictObject({
  accelerators: z.array(z.strictObject({ name: z.string(), engine: z.string(), exchange: z.string(), regions: count, ops: count })),
  ops: count,
  macs: count,
  macShare: z.number().describe("of the multiply-accumulates, in regions"),
  totalUs: z.number(),
  allCpuUs: z.number(),
  regions: z.array(region),
  cpuOps: z.array(cpuOp),
  borders: z.array(z.strictObject({ value: z.string(), bytes: count, from: z.string(), to: z.array(z.string()) })),
  whatIf: z
    .array(
      z.strictObject({
        accelerator: z.string(),
        op: z.string(),
        code: refusalCode,
        reason: z.string(),
        count,
        joins: z.array(z.string()).describe("regions that would be one"),
        totalUs: z.number(),
        savesUs: z.number(),
      }),
    )
    .describe("what the plan would be if the accelerator took one kind of op"),
});
const partitions = z.record(z.string(), partition).optional().describe("who runs what, by target: where accelerators were asked");

const dump = z.array(z.string()).optional().describe("--dump-ir: the files");
const compileResult = z.union([
  z.strictObject({
    hostMs: z.number().optional().describe("the shortest of a few runs on this machine, where an artifact fits it"),
    bundle: z.strictObject({ path: z.string(), bytes: count, digest: hex, keyId: hex.optional() }),
    artifacts: z.array(
      z.strictObject({ target: z.string(), codeBytes: count, weightsBytes: count, arenaBytes: count, arenaLowerBound: count, kernels: count }),
    ),
    arena: z.strictObject({ planned: count, lowerBound: count }),
    weightsBytes: count,
    codeBytes: count,
    macs: count,
    ops: counts,
    regions: z.array(z.strictObject({ id: count, accelerator: z.string(), nodes: count, macShare: z.number(), reason: z.string() })),
    passes: z.array(pass),
    partitions,
    dump,
  }),
  z.strictObject({ files: z.array(z.strictObject({ path: z.string(), bytes: count })), dump }).describe("--emit without bundle"),
  z.strictObject({ graph: z.string(), path: z.string().optional(), dump }).describe("--stop-after"),
]);

const runBase = {
  name: z.string(),
  artifact: z.string(),
  executor: z.enum(["native", "wasm", "interpreter"]),
  refusals: z.array(z.strictObject({ artifact: z.string(), reason: z.string() })),
};
const runResult = z.union([
  z.strictObject({
    ...runBase,
    ms: z.number(),
    outputs: z.array(
      z.strictObject({
        name: z.string(),
        dtype: z.string(),
        shape,
        data: z
          .array(z.union([z.number(), z.string(), z.boolean()]))
          .optional()
          .describe("up to 1024 elements; texts are integers beyond 2^53, NaN and infinities"),
      }),
    ),
    files: z.array(z.string()),
  }),
  z
    .strictObject({
      ...runBase,
      rows: count,
      ms: z.number(),
      rowsPerSecond: count,
      times: z.strictObject({ read: z.number(), parse: z.number(), predict: z.number(), write: z.number() }).describe("milliseconds"),
      files: z.array(z.string()),
    })
    .describe("--input with a file of rows"),
  z.strictObject(runBase).describe("--check"),
]);

const inspectResult = z.union([
  z.strictObject({
    format: z.literal("neo"),
    digest: hex,
    signatures: z.array(hex),
    manifest: z.looseObject({ name: z.string() }),
    inputs: z.array(port),
    outputs: z.array(port),
    ops: counts,
    tensors: z.array(z.never()),
  }),
  z.strictObject({
    format: z.string(),
    version: modelVersion,
    inputs: z.array(modelTensor),
    outputs: z.array(modelTensor),
    ops: counts,
    tensors: z.array(z.strictObject({ name: z.string(), dtype: z.string(), shape, bytes: count, min: z.number().optional(), max: z.number().optional() })),
    files: z
      .array(z.strictObject({ path: z.string(), bytes: count }))
      .optional()
      .describe("--html, --svg, --dot"),
    cost: z.strictObject({ macs: count, bytes: count, ops: counts }).optional(),
    partitions,
    memory: z
      .strictObject({
        buffers: z.array(z.strictObject({ name: z.string(), offset: count, bytes: count, from: z.number().int(), to: z.number().int() })),
        planned: count,
        lowerBound: count,
      })
      .optional(),
  }),
]);

const benchFigures = {
  runs: count,
  warmup: count,
  firstMs: z.number(),
  ms: z.object({ min: z.number(), mean: z.number(), max: z.number(), ci95: z.number() }).catchall(z.number()).describe("with p50, p90 … as asked for"),
  throughput: real,
  stable: z.boolean(),
};

const device = z.strictObject({ artifact: z.string(), executor: z.enum(["native", "wasm"]) });

const peaks = z
  .strictObject({ macsPerMs: z.number(), bytesPerMs: z.number() })
  .describe("what a core gives: multiply-accumulates of f32, bytes read from a working set as large as the model's");

const profiledStep = z.strictObject({
  step: count,
  op: z.string(),
  nodes: z.array(z.string()).describe("of the model file"),
  kernels: z.array(z.string()),
  macs: count,
  bytes: count.describe("of all that the kernels are handed"),
  ...{ first: z.number(), min: z.number(), avg: z.number(), p50: z.number(), p99: z.number() },
  share: z.number(),
  gflops: z.number(),
  roofline: z.number().nullable().describe("the least time that arithmetic and memory allow as a share of the least time measured"),
  bound: z.enum(["arithmetic", "memory"]).nullable(),
});

const answer = z.strictObject({ output: z.string(), ok: z.boolean(), maxAbs: real, index: count, found: real, wanted: real });

const RESULTS = {
  compile: compileResult,
  run: runResult,
  check: z.strictObject({
    model: z.strictObject({ format: z.string(), version: modelVersion, inputs: z.array(modelTensor), outputs: z.array(modelTensor), nodes: count }),
    ops: z.array(
      z.strictObject({
        op: z.string(),
        count,
        supported: z.boolean(),
        nodes: z.array(z.string()).optional().describe("those that are in the way"),
        reason: z.string().optional(),
        nearest: z.string().optional(),
        code: z.string().optional(),
      }),
    ),
    findings: z
      .array(
        z.strictObject({
          node: z.string().describe("or the value, dim or file that it is about"),
          op: z.string().optional(),
          opset: count.optional(),
          code: z.string(),
          reason: z.string().optional(),
          text: z.string(),
          nearest: z.string().optional().describe("the form nearest to it that is taken"),
        }),
      )
      .describe("all that is in the way of compiling"),
    dims: z
      .array(
        z.strictObject({
          where: z.enum(["input", "output", "inside"]),
          value: z.string(),
          axis: count,
          name: z.string().optional().describe("of the dim, in the file"),
          state: z.enum(["fixed", "bound", "open", "missing"]),
          size: count.optional(),
          low: count.optional(),
          high: count.optional().describe("absent where nothing bounds it"),
          from: z.string().optional().describe("the flag, or the nodes that find the length"),
        }),
      )
      .describe("of inputs and outputs, and of values inside where lengths are found"),
    latency: z.strictObject({ artifact: z.string(), figure: z.string(), ms: z.number() }).optional().describe("--assert-latency"),
    fallback: z.strictObject({ nodes: z.array(z.string()), macShare: z.number() }),
    estimate: z.strictObject({ macs: count, targets: z.array(z.strictObject({ target: z.string(), arenaBytes: count, weightsBytes: count, kernels: count })) }),
    partitions,
  }),
  inspect: inspectResult,
  verify: z.strictObject({
    signatures: z.array(z.strictObject({ kind: z.string(), keyId: z.string(), ok: z.boolean(), text: z.string() })),
    files: z.array(z.strictObject({ name: z.string(), bytes: count, ok: z.boolean() })),
    digest: hex.optional(),
    name: z.string().optional(),
    selfTest: z
      .strictObject({ artifact: z.string(), vectors: z.array(z.strictObject({ program: z.string(), ok: z.boolean(), outputs: z.array(answer) })) })
      .optional(),
  }),
  sign: z.strictObject({ path: z.string(), keyId: hex, bytes: count }),
  keygen: z.strictObject({ secretKey: z.string(), publicKey: z.string(), keyId: hex }),
  bench: z.union([
    z
      .strictObject({
        device,
        peaks: peaks.optional(),
        runs: count,
        callMs: z.number().describe("what calling a step costs, taken off all times"),
        nodes: z.array(profiledStep).describe("the steps of the program, in order"),
        byType: z.array(z.strictObject({ op: z.string(), steps: count, p50: z.number(), share: z.number(), macs: count })),
        advice: z.array(z.string()),
      })
      .describe("--profile"),
    z.strictObject({ device, peaks: peaks.optional(), kernels: z.array(profiledStep) }).describe("--kernel"),
    z.strictObject({
      device,
      ...benchFigures,
      levels: z
        .array(z.strictObject({ sessions: count, ...benchFigures }))
        .optional()
        .describe("--concurrency; the figures beside it are those of the first"),
      rssBytes: z.number().int(),
      memory: z
        .strictObject({ arenaBytes: count, weightsBytes: count, borderBytes: count, peakRssBytes: count, peakOf: z.enum(["runs", "process"]) })
        .optional()
        .describe("--memory; the process is Node's"),
      samples: z.string().optional(),
      advice: z.array(z.string()),
    }),
  ]),
  compare: z.strictObject({
    outputs: z.array(difference),
    heatmaps: z
      .array(
        z.strictObject({
          output: z.string(),
          path: z.string(),
          width: count,
          height: count,
          max: z.number().describe("the error of the brightest colour"),
          nonFinite: count.describe("elements whose error is NaN or infinite"),
          scale: z.number().describe("pixels an element; below 1 a pixel shows the largest error of several"),
        }),
      )
      .optional()
      .describe("--save-heatmap: the pictures"),
    firstBad: z
      .strictObject({ node: z.string(), value: z.string(), op: z.string(), maxAbs: real, worst: difference.shape.worst })
      .optional()
      .describe("the first value inside that differs"),
    nodes: z.array(nodeDifference).describe("--mode"),
    skipped: z.array(z.strictObject({ where: z.string(), text: z.string() })).describe("ops that can't be compiled alone"),
    bisect: z
      .strictObject({ path: z.string(), inputs: z.string(), nodes: z.array(z.string()), ops: count })
      .nullable()
      .optional()
      .describe("--bisect; null where nothing fails"),
  }),
  opt: z.strictObject({ graphs: z.array(z.string()), passes: z.array(pass) }),
  selftest: z.strictObject({ graphs: count, seed: z.number().int(), executors: z.array(z.string()), mismatches: z.array(z.string()) }),
  targets: z.strictObject({
    targets: z.array(
      z.strictObject({
        name: z.string(),
        kind: z.enum(["native", "wasm"]),
        os: z.string(),
        arch: z.string(),
        vectorBytes: count,
        registers: count,
        cpuFeatures: z.array(z.string()),
        summary: z.string(),
      }),
    ),
  }),
  ops: z.union([
    z.strictObject({ ops: z.array(z.strictObject({ name: z.string(), operands: z.array(z.string()), attributes: z.array(z.string()), summary: z.string() })) }),
    z.strictObject({ frontend: z.string(), operators: z.array(z.strictObject({ domain: z.string(), name: z.string(), since: count })) }),
  ]),
  explain: z.union([
    z.strictObject({ code: z.string(), title: z.string(), page: z.string() }),
    z.strictObject({ codes: z.array(z.strictObject({ code: z.string(), title: z.string() })) }),
  ]),
  doctor: z.strictObject({
    findings: z.array(z.strictObject({ id: z.string(), level: z.enum(["ok", "note", "problem"]), text: z.string(), fix: z.string().optional() })),
  }),
  config: z.strictObject({
    values: z.array(
      z.strictObject({
        key: z.string().describe("the flag, behind its command where it is not one of all"),
        value: z.union([z.string(), z.boolean(), z.array(z.string())]),
        origin: z.string().describe("a variable, a file or default"),
      }),
    ),
  }),
  completion: z.strictObject({ shell: z.string(), script: z.string() }),
} as const;

const diagnostic = z.strictObject({
  code: z.string().regex(/^NEO\d{4}$/),
  severity: z.literal("error"),
  message: z.string(),
  file: z.string().optional(),
  notes: z.array(
    z.strictObject({
      where: z.string(),
      text: z.string(),
      op: z.string().optional().describe("of a node: its operator, as the file calls it"),
      opset: count.optional().describe("the version of the operator's domain that the file imports"),
      reason: z.enum(["operator", "opset", "attribute", "dtype", "rank", "shape", "length", "dim", "constant", "binding", "structure"]).optional(),
      nearest: z.string().optional().describe("the form nearest to what was found that is taken"),
      code: z
        .string()
        .regex(/^NEO\d{4}$/)
        .optional()
        .describe("of this finding, where an error tells of several kinds"),
    }),
  ),
  hint: z.string().optional(),
  docs: z.string().optional(),
  awsName: z.string().optional(),
});

function envelopeOf(command: string, result: z.ZodType) {
  return z
    .strictObject({
      schema: z.literal(`urn:neo-edge:schema:${command}:1`),
      neo: z.string(),
      command: z.literal(command),
      ok: z.boolean(),
      exitCode: z.union([0, 1, 2, 3, 4, 5, 6, 7].map((code) => z.literal(code))),
      diagnostics: z.array(diagnostic),
      result: result.optional(),
    })
    .refine(({ ok, exitCode }) => ok === (exitCode === 0), "ok means exit 0");
}

/** The schema of each command's document; fields it does not name are errors here. */
export const ENVELOPES: ReadonlyMap<string, z.ZodType> = new Map(Object.entries(RESULTS).map(([command, result]) => [command, envelopeOf(command, result)]));

/** The files of `schemas/`, by name. In them unknown fields are allowed: later versions may add some. */
export function schemaFiles(): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [command, schema] of ENVELOPES) {
    const json = z.toJSONSchema(schema, {
      override({ jsonSchema }) {
        if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      },
    });
    files.set(`${command}.schema.json`, `${JSON.stringify({ $id: `urn:neo-edge:schema:${command}:1`, title: `neo ${command} --json`, ...json }, null, 2)}\n`);
  }
  return files;
}
