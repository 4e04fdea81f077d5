/* The model of a run: made from recipe and data, and written with what is to be known of it. */
#ifndef SCORE_RUN_MODEL_H
#define SCORE_RUN_MODEL_H

#include "data/dataset.h"
#include "run/run_state.h"
#include "score/model.h"

/* All weights zero; scale and start frame are the data's. */
score_status score_run_model_create(const score_recipe *recipe, const score_dataset *dataset,
                                    score_model **model, score_error *error);

/* Writes the model as it is at `state`. Nothing that is not the same in a repeated run goes into
 * the file: no time, no speed. */
score_status score_run_model_write(score_model *model, const score_run_state *state,
                                   const char *path, score_error *error);

#endif
