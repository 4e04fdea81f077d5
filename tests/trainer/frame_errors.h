/* Files of frames that are not what they should be. */
#ifndef FRAME_ERRORS_H
#define FRAME_ERRORS_H

#include "frame_files.h"

enum { FRAMES = 20, BEADS = 2, VALUES = 6 };

/* FRAMES frames of BEADS beads, as MDTraj writes them. */
hdf5_file good_file(void);

/* Opening is an error of kind `code` in the recipe's file whose message has `message`. */
void check_error(const score_recipe *recipe, score_status code, const char *message);

/* Opening finds `frames` training frames. */
void check_good(const score_recipe *recipe, uint64_t frames);

#endif
