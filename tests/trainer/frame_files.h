/* Files of frames as the trainer's tests need them, good and bad, and recipes that name them. */
#ifndef FRAME_FILES_H
#define FRAME_FILES_H

#include <hdf5.h>

#include "recipe/recipe.h"
#include "temporary_folder.h"

/* Number k of frame f is f + k/8: exact in float, and any number tells its frame. */
double frame_value(uint64_t frame, size_t k);

/* An HDF5 file in MDTraj's layout. Unset members mean: as MDTraj does it. */
typedef struct hdf5_file {
    uint64_t frames;
    int beads;
    int dimensions;
    const char *units;         /* NULL: no attribute */
    bool variable_units;       /* as a string of variable length */
    const double *log_weights; /* frames, or NULL */
    const double *coordinates; /* frames x beads x dimensions, or NULL: frame_value */
    const char *name;          /* of the coordinates; NULL: "coordinates" */
    hid_t type;                /* in the file; 0: float */
    bool contiguous;           /* not in compressed chunks of 4 frames */
    const char *topology;      /* JSON, or NULL */
    bool variable_topology;    /* as a string of variable length */
    const double *box;         /* lengths and angles of all frames, 6 numbers, or NULL */
    const char *box_units;     /* NULL: no attribute */
    const char *angle_units;   /* of cell_angles, or NULL */
    uint64_t boxed;            /* frames that have the box, those after them lengths of 0; 0: all */
    uint64_t claimed;          /* frames that the file claims; 0: as many as it has */
    const double *forces;      /* like coordinates, or NULL: there are none */
    const char *force_units;   /* NULL: no attribute */
    uint64_t force_frames;     /* 0: as many as there are frames, */
    int force_beads;           /* and as many as there are beads */
} hdf5_file;

void write_hdf5(const char *path, const hdf5_file *file);

/* A .npy file of float32: header, then frames x values of frame_value. */
void write_npy(const char *path, int version, const char *header, uint64_t frames, size_t values);

/* A recipe whose <Data> names `path`, of a model that is not centred and has scale 1 nm: what is
 * drawn is what the file has, in nm. */
score_recipe recipe_for(char *path, int beads, int dimensions);

#endif
