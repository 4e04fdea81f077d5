/* MDTraj's HDF5 layout. Objects carry no time of their making, so that the same samples give the
 * same bytes. */
#include <hdf5.h>
#include <stdio.h>
#include <string.h>

#include "hdf5_writer.h"
#include "sample_file.h"

static void write_set(score_hdf5_writer *to, const char *name, hid_t stored, hid_t given, int rank,
                      const hsize_t *shape, const void *values, const char *unit) {
    hid_t plan = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(rank, shape, NULL);
    score_hdf5_note(to, H5Pset_obj_track_times(plan, false));
    hid_t set = H5Dcreate2(to->file, name, stored, space, H5P_DEFAULT, plan, H5P_DEFAULT);
    score_hdf5_note(to, H5Dwrite(set, given, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
    if (unit != NULL)
        score_hdf5_text_attribute(to, set, "units", unit);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(plan);
}

static void write_attributes(score_hdf5_writer *to, const score_samples *samples) {
    const score_model_config *config = score_model_get_config(samples->model);
    static const char *const texts[][2] = {{"conventions", "Pande"},
                                           {"conventionVersion", "1.1"},
                                           {"program", "score-sample"},
                                           {"programVersion", SCORE_VERSION}};
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
        score_hdf5_text_attribute(to, to->file, texts[k][0], texts[k][1]);
    score_hdf5_text_attribute(to, to->file, "model", samples->model_name);
    score_hdf5_text_attribute(to, to->file, "solver", samples->solver);
    score_hdf5_integer_attribute(to, to->file, "steps", samples->steps);
    score_hdf5_integer_attribute(to, to->file, "seed", (int64_t)samples->seed);
    score_hdf5_numbers_attribute(to, to->file, "temperature_k", &config->temperature_k, 1);
}

static void write_sets(score_hdf5_writer *to, const score_samples *samples, const char *topology) {
    const score_model_config *config = score_model_get_config(samples->model);
    const hsize_t shape[3] = {samples->count, (hsize_t)config->bead_count,
                              (hsize_t)config->dimensions};
    const hsize_t one = 1;
    write_set(to, "coordinates", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 3, shape, samples->positions_nm,
              "nanometers");
    if (samples->log_density != NULL)
        write_set(to, "log_density", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, shape,
                  samples->log_density, "natural logarithm");
    hid_t type = score_hdf5_text_type(topology);
    write_set(to, "topology", type, type, 1, &one, topology, NULL);
    H5Tclose(type);
}

score_status score_samples_write_hdf5(const char *path, const score_samples *samples,
                                      score_error *error) {
    char *topology = NULL;
    const score_status status = score_sample_topology(samples->model, &topology, error);
    if (status != SCORE_OK)
        return status;
    score_hdf5_writer to;
    score_hdf5_create(&to, path);
    if (!to.failed)
        write_attributes(&to, samples);
    if (!to.failed)
        write_sets(&to, samples, topology);
    score_hdf5_close(&to);
    score_free(topology);
    return to.failed ? score_fail_at(error, SCORE_ERROR_FILE, path, 0,
                                     "HDF5 cannot write the samples (%s)", to.cause)
                     : SCORE_OK;
}
