#include "data/dataset_open.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/input_file.h"
#include "data/dataset_hdf5.h"
#include "data/dataset_npy.h"

typedef enum file_kind { UNKNOWN, NPY, HDF5 } file_kind;

static score_status find_kind(const char *path, file_kind *kind, score_error *error) {
    static const char npy[6] = "\x93NUMPY", hdf5[8] = "\x89HDF\r\n\x1a\n";
    FILE *file = NULL;
    const score_status status = score_open_input(path, &file, error);
    if (status != SCORE_OK)
        return status;
    char start[8] = {0};
    size_t size = fread(start, 1, sizeof start, file);
    int failed = ferror(file), why = errno;
    fclose(file);
    if (failed)
        return score_fail_at(error, SCORE_ERROR_FILE, path, 0, "cannot be read: %s", strerror(why));
    *kind = UNKNOWN;
    if (size >= sizeof npy && memcmp(start, npy, sizeof npy) == 0)
        *kind = NPY;
    else if (size >= sizeof hdf5 && memcmp(start, hdf5, sizeof hdf5) == 0)
        *kind = HDF5;
    return SCORE_OK;
}

score_status score_frame_source_open(const score_data_config *data, int beads, int dimensions,
                                     score_frame_source **source, score_error *error) {
    *source = NULL;
    file_kind kind = UNKNOWN;
    const score_status status = find_kind(data->path, &kind, error);
    if (status != SCORE_OK)
        return status;
    if (kind == NPY)
        return score_frame_source_open_npy(data, beads, dimensions, source, error);
    if (kind == HDF5)
        return score_frame_source_open_hdf5(data, beads, dimensions, source, error);
    return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                         "is neither an HDF5 nor a NumPy .npy file");
}

/* Forces in a file of their own: an array like that of the frames, in another unit. */
static score_status open_own(score_force_source *forces, const score_data_config *data, int beads,
                             int dimensions, score_error *error) {
    file_kind kind = UNKNOWN;
    const score_status status = find_kind(data->forces, &kind, error);
    if (status != SCORE_OK)
        return status;
    if (kind != NPY)
        return score_fail_at(error, SCORE_ERROR_FORMAT, data->forces, 0,
                             "is not a NumPy .npy file; in HDF5, forces are the data set 'forces' "
                             "of the file of frames");
    forces->data = (score_data_config){.path = data->forces, .unit_nm = data->force_unit};
    return score_frame_source_open_npy(&forces->data, beads, dimensions, &forces->source, error);
}

static score_status open_beside_frames(score_force_source *forces, const score_data_config *data,
                                       int beads, int dimensions, score_error *error) {
    file_kind kind = UNKNOWN;
    const score_status status = find_kind(data->path, &kind, error);
    if (status != SCORE_OK)
        return status;
    if (kind == HDF5)
        return score_force_source_open_hdf5(data, beads, dimensions, &forces->source, error);
    return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                         "has no forces, which a loss of the recipe needs: its <Data> must have "
                         "forces=\"FILE.npy\"");
}

score_status score_force_source_open(score_force_source *forces, const score_data_config *data,
                                     int beads, int dimensions, uint64_t frames,
                                     score_error *error) {
    forces->source = NULL;
    const score_status status = data->forces != NULL
                                    ? open_own(forces, data, beads, dimensions, error)
                                    : open_beside_frames(forces, data, beads, dimensions, error);
    if (status == SCORE_OK && forces->source != NULL && forces->source->frames != frames)
        return score_fail_at(error, SCORE_ERROR_FORMAT, forces->source->data->path, 0,
                             "has forces on %llu frames, must be %llu, as many as there are frames",
                             (unsigned long long)forces->source->frames,
                             (unsigned long long)frames);
    return status;
}
