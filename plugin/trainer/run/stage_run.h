/* One stage of training: an expert's weights, what the optimizer knows of them, and the step. */
#ifndef SCORE_STAGE_RUN_H
#define SCORE_STAGE_RUN_H

#include "data/dataset.h"
#include "recipe/recipe.h"
#include "run/run_state.h"
#include "score/executor.h"
#include "score/model.h"

typedef struct score_stage_run score_stage_run;

/* Begins stage number `stage` from the model's weights of its expert. `frames`: drawn by earlier
 * stages. All pointers must outlive the stage. SCORE_ERROR_MEMORY and what
 * score_stage_steps and the network say. */
score_status score_stage_run_create(const score_recipe *recipe, const score_dataset *dataset,
                                    const score_model *model, int stage, uint64_t frames,
                                    const score_executor *executor, score_stage_run **run,
                                    score_error *error);
void score_stage_run_destroy(score_stage_run *run);

uint64_t score_stage_run_steps(const score_stage_run *run);
/* Frames that one step draws. */
int score_stage_run_frames(const score_stage_run *run);
double score_stage_run_rate(const score_stage_run *run, uint64_t step);

/* Adds weights, both Adam moments and the averaged weights: with the number of steps done, the
 * whole state. After they have been replaced, score_stage_run_restored() must be called. */
void score_stage_run_arrays(score_stage_run *run, score_run_arrays *arrays);
void score_stage_run_restored(score_stage_run *run);

/* Step number `step` (from 0). Gives the losses before the step and the norm of the gradient of their
 * sum. SCORE_ERROR_NUMERIC: one of them is not finite; the weights are then as they were. */
score_status score_stage_run_step(score_stage_run *run, uint64_t step,
                                  double losses[SCORE_LOSS_KINDS], double *norm,
                                  score_error *error);

/* The denoising loss of the averaged weights on the held-out frames, always with the same noise and times.
 * Not a number where nothing is held out. SCORE_ERROR_NUMERIC: it is not finite. */
score_status score_stage_run_validate(score_stage_run *run, double *loss, score_error *error);

/* SCORE_ERROR_NUMERIC: a weight, a moment or an average is not finite. A step can leave such
 * weights though loss and gradient were finite: the recipe's numbers can lead out of float. */
score_status score_stage_run_check(const score_stage_run *run, score_error *error);

/* Copies the averaged weights to the expert in `model`. */
void score_stage_run_publish(const score_stage_run *run, score_model *model);

#endif
