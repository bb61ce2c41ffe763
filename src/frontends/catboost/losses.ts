/** What predictions are, by loss. */
export type Meaning = "raw" | "exponent" | "binary" | "classes" | "oneVsAll" | "labels";

const MEANINGS: Readonly<Record<Meaning, readonly string[]>> = {
  raw: [
    "",
    "RMSE",
    "MAE",
    "Quantile",
    "GroupQuantile",
    "MAPE",
    "Huber",
    "Lq",
    "Expectile",
    "LogCosh",
    "LogLinQuantile",
    "Cox",
    "SurvivalAft",
    "MultiRMSE",
    "MultiRMSEWithMissingValues",
    "MultiQuantile",
    "YetiRank",
    "YetiRankPairwise",
    "PairLogit",
    "PairLogitPairwise",
    "QueryRMSE",
    "QuerySoftMax",
    "QueryCrossEntropy",
    "StochasticRank",
    "StochasticFilter",
    "LambdaMart",
    "PythonUserDefinedPerObject",
    "PythonUserDefinedMultiTarget",
  ],
  exponent: ["Poisson", "Tweedie"],
  binary: ["Logloss", "CrossEntropy", "Focal"],
  /** One class a row; probabilities come to 1. */
  classes: ["MultiClass"],
  /** One class a row; each has a probability of its own. */
  oneVsAll: ["MultiClassOneVsAll"],
  /** Any number of labels a row, each with a probability of its own. */
  labels: ["MultiLogloss", "MultiCrossEntropy"],
};

export const LOSSES: ReadonlyMap<string, Meaning> = new Map(
  Object.entries(MEANINGS).flatMap(([meaning, losses]) => losses.map((loss) => [loss, meaning as Meaning] as const)),
);
