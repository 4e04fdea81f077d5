#include "data/dataset_box.h"

#include <math.h>
#include <stdlib.h>

#include "data/hdf5_text.h"
#include "data/periodic.h"

static score_status open_threes(const score_frame_box *box, hid_t file, const char *name,
                                score_hdf5_set *set, score_error *error) {
    const char *path = box->source->data->path;
    const unsigned long long frames = box->source->frames;
    const score_status status = score_hdf5_open_set(file, path, name, set, error);
    if (status != SCORE_OK || (set->rank == 2 && set->shape[0] == frames && set->shape[1] == 3))
        return status;
    return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                         "data set %s has %d dimensions, the first of %llu, must be %llu x 3: "
                         "three numbers a frame",
                         name, set->rank, (unsigned long long)set->shape[0], frames);
}

score_status score_frame_box_open(score_frame_box *box, const score_frame_source *source,
                                  hid_t file, score_error *error) {
    const char *path = source->data->path;
    *box = (score_frame_box){.source = source, .lengths = {.id = -1}, .angles = {.id = -1}};
    if (!score_hdf5_has(file, "cell_lengths"))
        return SCORE_OK;
    char text[64];
    score_status status = open_threes(box, file, "cell_lengths", &box->lengths, error);
    if (status == SCORE_OK)
        status = score_hdf5_length_unit(box->lengths.id, path, "cell_lengths", 1, text, &box->unit,
                                        error);
    box->unit /= source->unit;
    if (status != SCORE_OK || !score_hdf5_has(file, "cell_angles"))
        return status;
    status = open_threes(box, file, "cell_angles", &box->angles, error);
    return status == SCORE_OK ? score_hdf5_check_degrees(box->angles.id, path, "cell_angles", error)
                              : status;
}

void score_frame_box_close(score_frame_box *box) {
    score_hdf5_close_set(&box->lengths);
    score_hdf5_close_set(&box->angles);
}

/* Three numbers of each of the source's next frames. */
static score_status read_threes(const score_frame_box *box, const score_hdf5_set *set,
                                uint64_t count, double *values, score_error *error) {
    const hsize_t start[2] = {box->source->next, 0}, size[2] = {count, 3};
    hid_t space = H5Dget_space(set->id), memory = H5Screate_simple(2, size, NULL);
    const bool good = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL) >= 0 &&
                      H5Dread(set->id, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, values) >= 0;
    if (memory >= 0)
        H5Sclose(memory);
    if (space >= 0)
        H5Sclose(space);
    return good ? SCORE_OK
                : score_hdf5_fail(box->source->data->path, SCORE_ERROR_FILE, "read",
                                  "the periodic box", error);
}

/* x: frame number `frame`; lengths and angles: three each. */
static score_status make_frame_whole(score_frame_box *box, uint64_t frame, const double *lengths,
                                     const double *angles, double *x, score_error *error) {
    const score_frame_source *source = box->source;
    const char *path = source->data->path;
    const int beads = (int)(source->values / 3);
    const bool is_boxed = lengths[0] != 0 || lengths[1] != 0 || lengths[2] != 0;
    if (frame == 0)
        box->is_boxed = is_boxed;
    if (is_boxed != box->is_boxed)
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "frame %llu has %s box, and frame 0 has %s", (unsigned long long)frame,
                             is_boxed ? "a" : "no", is_boxed ? "none" : "one");
    if (!is_boxed)
        return SCORE_OK;
    score_box of_frame;
    const double scaled[3] = {box->unit * lengths[0], box->unit * lengths[1],
                              box->unit * lengths[2]};
    if (!score_box_make(scaled, angles, &of_frame))
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "frame %llu has a box of lengths %g, %g, %g and angles %g, %g, %g",
                             (unsigned long long)frame, lengths[0], lengths[1], lengths[2],
                             angles[0], angles[1], angles[2]);
    for (int k = 0; k < 3 * beads; k++)
        if (!isfinite(x[k])) /* has an error of its own */
            return SCORE_OK;
    score_box_make_whole(&of_frame, beads, x);
    const int far = score_box_find_far(&of_frame, beads, x);
    if (far == 0)
        return SCORE_OK;
    return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                         "frame %llu has beads %d and %d as far apart as nearly half of its box of "
                         "lengths %g, %g, %g: which of their images belong together is not known",
                         (unsigned long long)frame, far - 1, far, lengths[0], lengths[1],
                         lengths[2]);
}

/* Through doubles: a frame that is whole keeps its bits. */
static score_status make_whole(score_frame_box *box, uint64_t count, const double *lengths,
                               const double *angles, double *x, void *frames, score_error *error) {
    const score_frame_source *source = box->source;
    score_status status = SCORE_OK;
    for (uint64_t frame = 0; frame < count && status == SCORE_OK; frame++) {
        const size_t first = frame * source->values;
        double *doubles = (double *)frames + first;
        float *floats = (float *)frames + first;
        for (size_t k = 0; k < source->values; k++)
            x[k] = source->is_double ? doubles[k] : (double)floats[k];
        status = make_frame_whole(box, source->next + frame, lengths + 3 * frame,
                                  angles + 3 * frame, x, error);
        for (size_t k = 0; k < source->values; k++)
            if (source->is_double)
                doubles[k] = x[k];
            else
                floats[k] = (float)x[k];
    }
    return status;
}

score_status score_frame_box_make_whole(score_frame_box *box, uint64_t count, void *frames,
                                        score_error *error) {
    if (box->lengths.id < 0)
        return SCORE_OK;
    double *lengths = calloc(count * 3, sizeof *lengths);
    double *angles = calloc(count * 3, sizeof *angles);
    double *x = calloc(box->source->values, sizeof *x);
    score_status status = SCORE_OK;
    if (lengths == NULL || angles == NULL || x == NULL)
        status = score_fail(error, SCORE_ERROR_MEMORY, "not enough memory to read %s",
                            box->source->data->path);
    for (uint64_t k = 0; k < 3 * count && status == SCORE_OK; k++)
        angles[k] = 90;
    if (status == SCORE_OK)
        status = read_threes(box, &box->lengths, count, lengths, error);
    if (status == SCORE_OK && box->angles.id >= 0)
        status = read_threes(box, &box->angles, count, angles, error);
    if (status == SCORE_OK)
        status = make_whole(box, count, lengths, angles, x, frames, error);
    free(lengths);
    free(angles);
    free(x);
    return status;
}
