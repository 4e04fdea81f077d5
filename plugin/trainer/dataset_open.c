#include "dataset_open.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/input_file.h"
#include "dataset_hdf5.h"
#include "dataset_npy.h"

score_status score_frame_source_open(const score_data_config *data, int beads, int dimensions,
                                     score_frame_source **source, score_error *error) {
    static const char npy[6] = "\x93NUMPY", hdf5[8] = "\x89HDF\r\n\x1a\n";
    *source = NULL;
    FILE *file = NULL;
    const score_status status = score_open_input(data->path, &file, error);
    if (status != SCORE_OK)
        return status;
    char start[8] = {0};
    size_t size = fread(start, 1, sizeof start, file);
    int failed = ferror(file), why = errno;
    fclose(file);
    if (failed)
        return score_fail_at(error, SCORE_ERROR_FILE, data->path, 0, "cannot be read: %s",
                             strerror(why));
    if (size >= sizeof npy && memcmp(start, npy, sizeof npy) == 0)
        return score_frame_source_open_npy(data, beads, dimensions, source, error);
    if (size >= sizeof hdf5 && memcmp(start, hdf5, sizeof hdf5) == 0)
        return score_frame_source_open_hdf5(data, beads, dimensions, source, error);
    return score_fail_at(error, SCORE_ERROR_FORMAT, data->path, 0,
                         "is neither an HDF5 nor a NumPy .npy file");
}
