#define _POSIX_C_SOURCE 200809L
#include "sample_file.h"

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

score_status score_sample_file_open(const char *path, const score_model *model, bool has_density,
                                    score_sample_file *file, score_error *error) {
    const int dimensions = score_model_get_config(model)->dimensions;
    *file = (score_sample_file){.is_hdf5 = score_ends_with(path, ".h5"), .path = path};
    if (!score_sample_file_knows(path))
        return score_fail(error, SCORE_ERROR_ARGUMENT, "'%s' ends neither in .h5 nor in .npy",
                          path);
    if (file->is_hdf5 && dimensions != 3)
        return score_fail_at(error, SCORE_ERROR_ARGUMENT, path, 0,
                             "beads of MDTraj's layout have 3 coordinates, those of the model %d: "
                             "choose a name that ends in .npy",
                             dimensions);
    score_status status = file->is_hdf5 ? SCORE_OK : check_copies(path, error);
    if (status == SCORE_OK)
        status = score_atomic_open(path, &file->frames, error);
    if (status != SCORE_OK || file->is_hdf5)
        return status;
    file->density_path = beside(path, DENSITY);
    if (file->density_path == NULL)
        status = score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a file name");
    else if (has_density)
        status = score_atomic_open(file->density_path, &file->density, error);
    if (status != SCORE_OK)
        score_sample_file_abandon(file);
    return status;
}

void score_sample_file_abandon(score_sample_file *file) {
    score_atomic_abandon(&file->frames);
    score_atomic_abandon(&file->density);
    free(file->density_path);
    file->density_path = NULL;
}

/* NumPy's format 1.0: magic, size of the header, header padded to a multiple of 64 bytes, values in
 * this machine's order of bytes. Errors stay in the file. */
static void write_npy(score_atomic_file *file, const char *type, const char *shape,
                      const void *values, size_t size, size_t count) {
    enum { PREFIX = 10, LINE = 64 };
    const uint16_t one = 1;
    char text[2 * LINE];
    const int used = snprintf(text, sizeof text,
                              "{'descr': '%c%s', 'fortran_order': False, 'shape': (%s), }",
                              *(const unsigned char *)&one == 1 ? '<' : '>', type, shape);
    const int header = (PREFIX + used + LINE) / LINE * LINE - PREFIX; /* with the end of the line */
    score_atomic_print(file, "%cNUMPY%c%c%c%c%s%*s\n", 0x93, 1, 0, header, 0, text,
                       header - used - 1, "");
    score_atomic_write(file, values, size * count);
}

static score_status write_npy_files(score_sample_file *file, const score_samples *samples,
                                    score_error *error) {
    const score_model_config *config = score_model_get_config(samples->model);
    const size_t values = (size_t)config->bead_count * (size_t)config->dimensions;
    char shape[64];
    snprintf(shape, sizeof shape, "%lu, %d, %d", (unsigned long)samples->count, config->bead_count,
             config->dimensions);
    write_npy(&file->frames, "f4", shape, samples->positions_nm, sizeof(float),
              values * samples->count);
    score_status status = SCORE_OK;
    if (samples->log_density == NULL) {
        unlink(file->density_path);
    } else {
        snprintf(shape, sizeof shape, "%lu,", (unsigned long)samples->count);
        write_npy(&file->density, "f8", shape, samples->log_density, sizeof(double),
                  samples->count);
        status = score_atomic_commit(&file->density, error);
    }
    if (status == SCORE_OK)
        status = score_atomic_commit(&file->frames, error);
    return status;
}

score_status score_sample_file_write(score_sample_file *file, const score_samples *samples,
                                     score_error *error) {
    score_status status;
    if (!file->is_hdf5) {
        status = write_npy_files(file, samples, error);
    } else {
        /* HDF5 takes a path: that of the temporary, which the open stream will sync. */
        status = score_samples_write_hdf5(file->frames.temporary, samples, error);
        if (status == SCORE_OK)
            status = score_atomic_commit(&file->frames, error);
    }
    score_sample_file_abandon(file);
    return status;
}
