/* What score-sample writes. The ending of the name says how:
 *   .h5   MDTraj's HDF5 layout (https://mdtraj.org/1.9.4/hdf5_format.html), with topology, the data
 *         set `log_density` (frames, float64) and attributes that say where the samples came from
 *   .npy  NumPy's format, frames x beads x dimensions, float32; log-densities (frames, float64) in
 *         a second file, whose name has .log_density.npy in place of .npy
 * Files appear whole or not at all (base/atomic_file.h). */
#ifndef SCORE_SAMPLE_FILE_H
#define SCORE_SAMPLE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic_file.h"
#include "score/model.h"

typedef struct score_samples {
    const score_model *model;
    const char *model_name;
    const char *solver;
    int steps;
    uint64_t seed;
    uint32_t count;
    const float *positions_nm; /* count x beads x dimensions */
    const double *log_density; /* count, or NULL: the model has none */
} score_samples;

typedef struct score_sample_file {
    bool is_hdf5;
    const char *path;
    char *density_path; /* .npy only */
    score_atomic_file frames;
    score_atomic_file density; /* .npy of a model with energies only */
} score_sample_file;

/* Whether the name ends in .h5 or .npy. */
bool score_sample_file_knows(const char *path);

/* Makes sure, before the work, that the result can be written. SCORE_ERROR_FILE;
 * SCORE_ERROR_ARGUMENT: .h5 for coordinates that are not three. `path` must outlive the file. Ends
 * with write or abandon. */
score_status score_sample_file_open(const char *path, const score_model *model, bool has_density,
                                    score_sample_file *file, score_error *error);

/* Writes the samples and puts the file, or both files, in their place. A file of log-densities of
 * earlier samples is removed where these have none. */
score_status score_sample_file_write(score_sample_file *file, const score_samples *samples,
                                     score_error *error);
void score_sample_file_abandon(score_sample_file *file);

/* To `path`, which is replaced. SCORE_ERROR_FILE, SCORE_ERROR_MEMORY. */
score_status score_samples_write_hdf5(const char *path, const score_samples *samples,
                                      score_error *error);

/* The topology as MDTraj's JSON, for score_free: one chain, residues numbered from 1, an element
 * where the mass is that of one, and no bonds, which the model does not know. */
score_status score_sample_topology(const score_model *model, char **json, score_error *error);

#endif
