/* What score-sample writes. The ending of the name says how:
 *   .h5   MDTraj's HDF5 layout (https://mdtraj.org/1.9.4/hdf5_format.html), with topology, the data
 *         set `log_density` (frames, float64) and attributes that say where the samples came from
 *   .npy  NumPy's format, frames x beads x dimensions, float32; log-densities (frames, float64) in
 *         a second file, whose name has .log_density.npy in place of .npy
 * Samples go to their places in <name>.unfinished as they are drawn (frames_file.h), and the files
 * get their names when all of them are there. */
#ifndef SCORE_SAMPLE_FILE_H
#define SCORE_SAMPLE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "programs/frames_file.h"
#include "score/model.h"

/* Samples, and where they come from. */
typedef struct score_samples {
    const score_model *model;
    const char *model_name;
    const char *solver;
    int steps;
    uint64_t seed;
    uint32_t count;
    bool has_density;
} score_samples;

typedef struct score_sample_file {
    bool is_hdf5, has_density;
    char *density_path;        /* .npy only */
    score_frames_file frames;  /* of .h5 with the log-densities */
    score_frames_file density; /* .npy of a model with energies only */
} score_sample_file;

/* Whether the name ends in .h5 or .npy. */
bool score_sample_file_knows(const char *path);

/* Makes sure, before the work, that the result can be written, and has its room on the disk.
 * SCORE_ERROR_FILE; SCORE_ERROR_ARGUMENT: .h5 for coordinates that are not three. Ends with finish or
 * abandon. */
score_status score_sample_file_open(const char *path, const score_samples *samples,
                                    score_sample_file *file, score_error *error);

/* Samples first to first + count - 1: positions (count x beads x dimensions) and, where the model
 * has them, log-densities (count). Any number of threads may write others. */
score_status score_sample_file_write(score_sample_file *file, uint32_t first, uint32_t count,
                                     const float *positions_nm, const double *log_density,
                                     score_error *error);

/* Puts the file, or both files, in their place. A file of log-densities of earlier samples is removed
 * where these have none. */
score_status score_sample_file_finish(score_sample_file *file, score_error *error);
void score_sample_file_abandon(score_sample_file *file);

/* The topology as MDTraj's JSON, for score_free: one chain, residues numbered from 1, an element
 * where the mass is that of one, and no bonds, which the model does not know. */
score_status score_sample_topology(const score_model *model, char **json, score_error *error);

#endif
