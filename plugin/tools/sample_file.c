#define _POSIX_C_SOURCE 200809L
#include "sample_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

static const char NPY[] = ".npy", DENSITY[] = ".log_density.npy", COPIES[] = "_copy.npy";

bool score_sample_file_knows(const char *path) {
    return score_ends_with(path, ".h5") || score_ends_with(path, NPY);
}

/* The name of a file beside stem.npy, or NULL without memory. */
static char *beside(const char *path, const char *end) {
    const size_t stem = strlen(path) - strlen(NPY), size = stem + strlen(end) + 1;
    char *name = malloc(size);
    if (name != NULL)
        snprintf(name, size, "%.*s%s", (int)stem, path, end);
    return name;
}

/* Samples do not take the name of a simulation's frames: what stands beside those would be taken
 * for theirs. */
static score_status check_copies(const char *path, score_error *error) {
    score_status status = SCORE_OK;
    char *name = beside(path, COPIES);
    if (name == NULL)
        status = score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a file name");
    else if (access(name, F_OK) == 0)
        status = score_fail_at(error, SCORE_ERROR_ARGUMENT, path, 0,
                               "is of a simulation, whose copies are in %s: remove both, or choose "
                               "another name",
                               name);
    free(name);
    return status;
}

static score_status open_hdf5(const char *path, const score_samples *samples,
                              score_sample_file *file, score_error *error) {
    const score_model_config *config = score_model_get_config(samples->model);
    char *topology = NULL;
    score_status status = score_sample_topology(samples->model, &topology, error);
    if (status != SCORE_OK)
        return status;
    const score_frames_layout layout = {
        .rows = samples->count,
        .program = "score-sample",
        .topology = topology,
        .columns = samples->has_density ? 2 : 1,
        .column = {{"coordinates", "nanometers", SCORE_FRAMES_F32, {config->bead_count, 3}},
                   {"log_density", "natural logarithm", SCORE_FRAMES_F64, {0, 0}}},
        .attributes = 5,
        .attribute = {{.name = "model", .text = samples->model_name},
                      {.name = "solver", .text = samples->solver},
                      {.name = "steps", .integer = samples->steps},
                      {.name = "seed", .integer = (int64_t)samples->seed},
                      {.name = "temperature_k", .numbers = &config->temperature_k, .count = 1}}};
    status = score_frames_file_create(path, &layout, &file->frames, error);
    score_free(topology);
    return status;
}

static score_status open_npy(const char *path, const score_samples *samples,
                             score_sample_file *file, score_error *error) {
    const score_model_config *config = score_model_get_config(samples->model);
    const score_frames_column positions = {
        "positions", NULL, SCORE_FRAMES_F32, {config->bead_count, config->dimensions}};
    const score_frames_column density = {"log-densities", NULL, SCORE_FRAMES_F64, {0, 0}};
    score_status status = check_copies(path, error);
    if (status == SCORE_OK)
        status = score_frames_file_create_npy(path, samples->count, &positions, &file->frames,
                                              error);
    if (status != SCORE_OK)
        return status;
    file->density_path = beside(path, DENSITY);
    if (file->density_path == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a file name");
    return samples->has_density ? score_frames_file_create_npy(file->density_path, samples->count,
                                                               &density, &file->density, error)
                                : SCORE_OK;
}

score_status score_sample_file_open(const char *path, const score_samples *samples,
                                    score_sample_file *file, score_error *error) {
    const int dimensions = score_model_get_config(samples->model)->dimensions;
    *file = (score_sample_file){.is_hdf5 = score_ends_with(path, ".h5"),
                                .has_density = samples->has_density,
                                .frames = {.descriptor = -1},
                                .density = {.descriptor = -1}};
    if (!score_sample_file_knows(path))
        return score_fail(error, SCORE_ERROR_ARGUMENT, "'%s' ends neither in .h5 nor in .npy",
                          path);
    if (file->is_hdf5 && dimensions != 3)
        return score_fail_at(error, SCORE_ERROR_ARGUMENT, path, 0,
                             "beads of MDTraj's layout have 3 coordinates, those of the model %d: "
                             "choose a name that ends in .npy",
                             dimensions);
    const score_status status = file->is_hdf5 ? open_hdf5(path, samples, file, error)
                                              : open_npy(path, samples, file, error);
    if (status != SCORE_OK)
        score_sample_file_abandon(file);
    return status;
}

score_status score_sample_file_write(score_sample_file *file, uint32_t first, uint32_t count,
                                     const float *positions_nm, const double *log_density,
                                     score_error *error) {
    const score_status status = score_frames_file_write(&file->frames, 0, first, count,
                                                        positions_nm, error);
    if (status != SCORE_OK || !file->has_density)
        return status;
    return file->is_hdf5
               ? score_frames_file_write(&file->frames, 1, first, count, log_density, error)
               : score_frames_file_write(&file->density, 0, first, count, log_density, error);
}

score_status score_sample_file_finish(score_sample_file *file, score_error *error) {
    score_status status = SCORE_OK;
    if (!file->is_hdf5 && file->has_density)
        status = score_frames_file_finish(&file->density, error);
    else if (!file->is_hdf5)
        unlink(file->density_path);
    if (status == SCORE_OK)
        status = score_frames_file_finish(&file->frames, error);
    score_sample_file_abandon(file);
    return status;
}

void score_sample_file_abandon(score_sample_file *file) {
    score_frames_file_abandon(&file->frames);
    score_frames_file_abandon(&file->density);
    free(file->density_path);
    file->density_path = NULL;
}
