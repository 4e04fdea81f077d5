/* The frames a model is trained on: MDTraj's HDF5 trajectories (data set `coordinates`, frames x
 * beads x dimensions) and NumPy's .npy (frames x beads x dimensions; of one bead also frames x
 * dimensions), float32 or float64.
 *
 * The file is read once, in pieces, into memory, or, where the frames exceed data.memory, into an
 * unlinked scratch file from which single frames are read: the operating system's page cache is
 * then the bounded cache. Both give the same numbers in the same order.
 *
 * SPLIT. The held-out frames are contiguous blocks, one at a random place in each of ten equal
 * parts of the series: frames of a trajectory are correlated in time, and a single held-out frame
 * would have near copies of itself among the training frames.
 *
 * ORDER. Sample number j of a split of n frames belongs to epoch j / n. In every epoch
 * k = permutation(j % n), a permutation keyed by (seed, epoch) and computed in place, so that a
 * resumed run needs no state. Frames of equal weight: frame k, each once an epoch. Weighted frames:
 * the frame where the cumulative weight reaches (k + U)/n of its total, U uniform in (0, 1):
 * stratified draws with probability proportional to the weight. */
#ifndef SCORE_DATASET_H
#define SCORE_DATASET_H

#include <stdint.h>

#include "recipe/recipe.h"

typedef enum score_split { SCORE_SPLIT_TRAINING, SCORE_SPLIT_VALIDATION } score_split;

typedef struct score_dataset score_dataset;

/* Reads the frames named by recipe->data for a model of recipe->model (beads, dimensions, centred),
 * split with recipe->seed. `scratch` is a folder for the scratch file, used only where the frames
 * do not fit data.memory. HDF5 is used in this call alone (one thread).
 * SCORE_ERROR_FILE: cannot be read or written, or is no regular file; SCORE_ERROR_FORMAT: wrong type or
 * shape, no frames, no unit, a coordinate that is not finite or beads that are all in one point (with
 * the frame), beads of other names or residues than the recipe's, a periodic box that is none, is that
 * of some frames only or too small, frames that were never written, weights that are not numbers or all
 * zero, forces that a loss needs and that are missing, of another shape, without a unit or not finite,
 * nothing left on either side of the split; SCORE_ERROR_MEMORY. */
score_status score_dataset_open(const score_recipe *recipe, const char *scratch,
                                score_dataset **dataset, score_error *error);
void score_dataset_close(score_dataset *dataset);

/* Frames of one side of the split; 0 for validation where held_out is 0. */
uint64_t score_dataset_frames(const score_dataset *dataset, score_split split);

/* Kish's effective number of frames, (sum w)^2 / sum w^2; the number of frames where all weigh the
 * same. */
double score_dataset_effective_frames(const score_dataset *dataset, score_split split);

/* CRC-32 of the frames as they were read, their unit, their log-weights and, where a loss needs them,
 * their forces: of what this data set
 * holds, whatever becomes of the file. */
uint32_t score_dataset_checksum(const score_dataset *dataset);

/* data.scale_nm where the recipe gives it, else the weighted population standard deviation of all
 * coordinates of the training frames (centred where the model is), in nm. */
double score_dataset_scale_nm(const score_dataset *dataset);

/* Sample number `sample` of a split that is not empty: x (beads x dimensions), normalised:
 * (r - mean over beads of r)/scale, or r/scale where the model is not centred. Any number of
 * threads may draw at once. SCORE_ERROR_FILE: the scratch file cannot be read. */
score_status score_dataset_draw(const score_dataset *dataset, score_split split, uint64_t sample,
                                double *x, score_error *error);

/* The forces on the same sample, of a recipe with a loss that needs them: F scale/(kT), the negative
 * derivative of the energy by the normalised coordinates; without their mean over beads where the
 * model is centred, which does not feel it. */
score_status score_dataset_draw_forces(const score_dataset *dataset, score_split split,
                                       uint64_t sample, double *forces, score_error *error);

/* Training frame number `index` in the order of the file, normalised like a sample, with its weight
 * relative to the largest, whatever is emphasised. SCORE_ERROR_FILE as above. */
score_status score_dataset_training_frame(const score_dataset *dataset, uint64_t index, double *x,
                                          double *weight, score_error *error);

/* From now on training frames are drawn with their weights times g of the emphasis (emphasis.h);
 * with their weights alone where it has no factor, after an error, and before the first call.
 * Nothing else here changes, nor do the frames held out. `recipe` is what an error names.
 * SCORE_ERROR_FORMAT: of the training frames that weigh anything, none is in the range of the
 * emphasis, or all are; SCORE_ERROR_FILE: the scratch file cannot be read; SCORE_ERROR_MEMORY. */
score_status score_dataset_emphasise(score_dataset *dataset, const score_emphasis *emphasis,
                                     const char *recipe, score_error *error);

/* How far the training frames that weigh anything reach. SCORE_ERROR_FILE, SCORE_ERROR_MEMORY. */
score_status score_dataset_range(const score_dataset *dataset, score_data_range *range,
                                 score_error *error);

/* The training frame that weighs most, the first of equals, in nm (beads x dimensions), centred
 * where the model is: the frame that a model file keeps. */
score_status score_dataset_start_frame(const score_dataset *dataset, double *positions_nm,
                                       score_error *error);

#endif
