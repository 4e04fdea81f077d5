/* The periodic box of frames in MDTraj's HDF5 layout, in which molecules are made whole. */
#ifndef SCORE_DATASET_BOX_H
#define SCORE_DATASET_BOX_H

#include <stdbool.h>
#include <stdint.h>

#include "data/dataset_source.h"
#include "data/hdf5_set.h"

typedef struct score_frame_box {
    const score_frame_source *source;
    score_hdf5_set lengths, angles; /* not open: there are none */
    double unit;                    /* of the lengths, in that of the frames */
    bool is_boxed;                  /* frame 0, and so every frame, has a box */
} score_frame_box;

/* Finds the box of the frames of a source, if the file has any. Without angles all of them are right.
 * To be closed also after an error. */
score_status score_frame_box_open(score_frame_box *box, const score_frame_source *source,
                                  hid_t file, score_error *error);
void score_frame_box_close(score_frame_box *box);

/* Makes the molecules of the source's next `count` frames whole. Lengths of 0 are no box.
 * SCORE_ERROR_FORMAT, with the frame: its box is none; it has one and frame 0 has none, or the other
 * way round; two beads that follow each other are nearly half of the box apart, so that nobody knows
 * which of their images belong together. */
score_status score_frame_box_make_whole(score_frame_box *box, uint64_t count, void *frames,
                                        score_error *error);

#endif
