#include "run/run_model.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/data_gaussian.h"

static score_status set_start_frame(const score_recipe *recipe, const score_dataset *dataset,
                                    score_bead *beads, score_error *error) {
    const int count = recipe->model.bead_count, dimensions = recipe->model.dimensions;
    double *frame = calloc((size_t)count * (size_t)dimensions, sizeof *frame);
    if (frame == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a frame");
    score_status status = score_dataset_start_frame(dataset, frame, error);
    for (int b = 0; b < count && status == SCORE_OK; b++)
        for (int d = 0; d < dimensions; d++)
            beads[b].frame_nm[d] = frame[b * dimensions + d];
    free(frame);
    return status;
}

static score_status set_notes(const score_recipe *recipe, const score_dataset *dataset,
                              score_model *model, score_error *error) {
    char text[512];
    const char *slash = strrchr(recipe->data.path, '/');
    snprintf(text, sizeof text, "%.300s: %" PRIu64 " training and %" PRIu64 " held-out frames",
             slash == NULL ? recipe->data.path : slash + 1,
             score_dataset_frames(dataset, SCORE_SPLIT_TRAINING),
             score_dataset_frames(dataset, SCORE_SPLIT_VALIDATION));
    score_status status = score_model_set_note(model, SCORE_NOTE_FRAMES, text, error);
    snprintf(text, sizeof text, "%" PRIu64, recipe->seed);
    return status == SCORE_OK ? score_model_set_note(model, SCORE_NOTE_SEED, text, error) : status;
}

score_status score_run_model_create(const score_recipe *recipe, const score_dataset *dataset,
                                    score_model **model, score_error *error) {
    const size_t size = (size_t)recipe->model.bead_count * sizeof(score_bead);
    score_bead *beads = malloc(size);
    if (beads == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %d beads",
                          recipe->model.bead_count);
    memcpy(beads, recipe->beads, size);
    score_model_config config = recipe->model;
    config.scale_nm = score_dataset_scale_nm(dataset);
    config.beads = beads;
    *model = NULL;
    score_gaussian *gaussian = NULL;
    score_status status = set_start_frame(recipe, dataset, beads, error);
    if (status == SCORE_OK && score_recipe_has_base(recipe))
        status = score_data_gaussian_create(recipe, dataset, &gaussian, error);
    config.gaussian = gaussian;
    if (status == SCORE_OK)
        status = score_dataset_range(dataset, &config.range, error);
    if (status == SCORE_OK)
        status = score_model_create(&config, model, error);
    if (status == SCORE_OK)
        status = set_notes(recipe, dataset, *model, error);
    score_data_gaussian_destroy(gaussian);
    free(beads);
    if (status != SCORE_OK) {
        score_model_destroy(*model);
        *model = NULL;
    }
    return status;
}

score_status score_run_model_write(score_model *model, const score_run_state *state,
                                   const char *path, score_error *error) {
    char text[256];
    int size = snprintf(text, sizeof text, "%" PRIu64 " samples", state->samples);
    if (!isnan(state->last_loss))
        size += snprintf(text + size, sizeof text - (size_t)size, ", loss %.8g", state->last_loss);
    if (!isnan(state->last_validation_loss))
        snprintf(text + size, sizeof text - (size_t)size, ", validation loss %.8g",
                 state->last_validation_loss);
    score_status status = score_model_set_note(model, SCORE_NOTE_TRAINING, text, error);
    return status == SCORE_OK ? score_model_write(model, path, error) : status;
}
