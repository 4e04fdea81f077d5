/* The beads that a topology in MDTraj's HDF5 layout names: against those of a recipe, or for it. */
#ifndef SCORE_DATASET_BEADS_H
#define SCORE_DATASET_BEADS_H

#include <hdf5.h>

#include "score/model.h"

/* `file` is the open one at `path`; without a topology every bead is right. SCORE_ERROR_FORMAT: there
 * are more or fewer beads, one has another name or residue, or the topology is not that of MDTraj's
 * layout; SCORE_ERROR_MEMORY. */
score_status score_dataset_check_beads(hid_t file, const char *path, const score_bead *beads,
                                       int count, score_error *error);

/* All atoms of the topology in the HDF5 file `path` as beads, for free(), with features and frame 0.
 * mass_amu: of each, or 0: the standard atomic weight of its element (IUPAC 2021, abridged).
 * SCORE_ERROR_FILE: cannot be read; SCORE_ERROR_FORMAT: is no HDF5 file, is damaged, has no topology
 * or not that of MDTraj's layout, an atom has a name or residue that is too long or an element whose
 * weight is not known; SCORE_ERROR_MEMORY. */
score_status score_dataset_read_beads(const char *path, double mass_amu, score_bead **beads,
                                      int *count, score_error *error);

/* Reads what `score_dataset_check_beads` reads. */
void score_dataset_try_beads(hid_t file);

#endif
