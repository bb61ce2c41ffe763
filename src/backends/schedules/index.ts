import type { Schedule } from "../schedule.ts";
import { attentionSchedule } from "./attention.ts";
import { convTransposeSchedule } from "./conv-transpose.ts";
import { convSchedule } from "./conv.ts";
import { couplingSchedule } from "./coupling.ts";
import { deformConvSchedule } from "./deform-conv.ts";
import { elementwiseSchedule } from "./elementwise.ts";
import { gatherElementsSchedule, gatherNdSchedule, gatherSchedule } from "./gather.ts";
import { gridSampleSchedule } from "./grid-sample.ts";
import { linearSchedule } from "./linear.ts";
import { lrnSchedule } from "./lrn.ts";
import { matmulSchedule } from "./matmul.ts";
import { detSchedule, inverseSchedule } from "./matrix-inverse.ts";
import { maxPoolWithIndicesSchedule, maxUnpoolSchedule } from "./max-pool-indices.ts";
import { broadcastSchedule, concatSchedule, padSchedule, reverseSchedule, rollSchedule, sliceSchedule, transposeSchedule } from "./movement.ts";
import { batchNormSchedule, groupNormSchedule, l2NormaliseSchedule, layerNormSchedule, rmsNormSchedule } from "./normalisation.ts";
import { poolSchedule } from "./pool.ts";
import { dequantiseSchedule, quantiseSchedule } from "./quantise.ts";
import { recurrenceSchedule } from "./recurrence.ts";
import { reduceSchedule } from "./reduce.ts";
import { resizeSchedule } from "./resize.ts";
import { roiAlignSchedule } from "./roi-align.ts";
import { argReduceSchedule, cumulativeSchedule } from "./scan.ts";
import { scatterElementsSchedule, scatterNdSchedule } from "./scatter.ts";
import { shapeOfSchedule } from "./shape-of.ts";
import { softmaxSchedule } from "./softmax.ts";
import { sortSchedule, topKSchedule } from "./sorting.ts";
import { treeContributionsSchedule } from "./tree-contributions.ts";
import { treesSchedule } from "./trees.ts";
import { weightOnlySchedule } from "./weight-only.ts";

/** Every schedule, one row a family. Ops that are in no row, and that lowering doesn't handle itself, can't be compiled for a CPU. */
export const SCHEDULES: readonly Schedule[] = [
  attentionSchedule,
  convSchedule,
  convTransposeSchedule,
  deformConvSchedule,
  linearSchedule,
  weightOnlySchedule,
  matmulSchedule,
  detSchedule,
  inverseSchedule,
  couplingSchedule,
  poolSchedule,
  maxPoolWithIndicesSchedule,
  maxUnpoolSchedule,
  lrnSchedule,
  roiAlignSchedule,
  gridSampleSchedule,
  elementwiseSchedule,
  quantiseSchedule,
  dequantiseSchedule,
  transposeSchedule,
  broadcastSchedule,
  sliceSchedule,
  reverseSchedule,
  concatSchedule,
  rollSchedule,
  padSchedule,
  resizeSchedule,
  gatherSchedule,
  gatherElementsSchedule,
  gatherNdSchedule,
  scatterElementsSchedule,
  scatterNdSchedule,
  sortSchedule,
  topKSchedule,
  reduceSchedule,
  argReduceSchedule,
  cumulativeSchedule,
  softmaxSchedule,
  layerNormSchedule,
  rmsNormSchedule,
  groupNormSchedule,
  batchNormSchedule,
  l2NormaliseSchedule,
  recurrenceSchedule,
  shapeOfSchedule,
  treesSchedule,
  treeContributionsSchedule,
];
