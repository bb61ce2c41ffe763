import { argmaxRows, exactExp, hinge, identity, logistic32, softmaxRows, type Transform } from "../tabular/transforms.ts";

/** What an objective does to the base score at the start of sums, and to sums at their end. */
export interface Objective {
  /** From the base score of the file to a margin, each step rounded to f32. */
  readonly toMargin: (score: number) => number;
  /** The way back, for files from before 1.0, which hold margins. */
  readonly fromMargin: (margin: number) => number;
  readonly transform: Transform;
}

const f = Math.fround;
const same = (score: number): number => score;
const [logit, sigmoid] = [
  (p: number): number => f(-f(Math.log(f(f(1 / p) - 1)))),
  (m: number): number => f(1 / f(f(f(Math.exp(Math.min(-m, f(88.7)))) + 1) + f(1e-16))),
];
const [log, exponential] = [(mean: number): number => f(Math.log(mean)), (m: number): number => f(Math.exp(m))];

const plain: Objective = { toMargin: same, fromMargin: same, transform: identity };
const logistic: Objective = { toMargin: logit, fromMargin: sigmoid, transform: logistic32 };
const counted: Objective = { toMargin: log, fromMargin: exponential, transform: exactExp };

export const OBJECTIVES: ReadonlyMap<string, Objective> = new Map<string, Objective>([
  ["reg:squarederror", plain],
  ["reg:linear", plain],
  ["reg:squaredlogerror", plain],
  ["reg:absoluteerror", plain],
  ["reg:pseudohubererror", plain],
  ["reg:quantileerror", plain],
  ["reg:expectileerror", plain],
  ["rank:pairwise", plain],
  ["rank:ndcg", plain],
  ["rank:map", plain],
  ["binary:logitraw", plain],
  ["binary:logistic", logistic],
  ["reg:logistic", logistic],
  ["binary:hinge", { ...plain, transform: hinge }],
  ["multi:softprob", { ...plain, transform: softmaxRows }],
  ["multi:softmax", { ...plain, transform: argmaxRows }],
  ["count:poisson", counted],
  ["reg:gamma", counted],
  ["reg:tweedie", counted],
  ["survival:cox", counted],
  ["survival:aft", counted],
]);
