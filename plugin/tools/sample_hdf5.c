/* MDTraj's HDF5 layout. Objects carry no time of their making, so that the same samples give the
 * same bytes. */
#include <hdf5.h>
#include <stdio.h>
#include <string.h>

#include "sample_file.h"

/* Every call is made whatever became of the ones before: HDF5 refuses handles that are negative.
 * The first failure stays, with HDF5's words for it. */
typedef struct writer {
    hid_t file;
    bool failed;
    char cause[128];
} writer;

static herr_t copy_cause(unsigned index, const H5E_error2_t *entry, void *writer_argument) {
    writer *to = writer_argument;
    if (index == 0 && entry->desc != NULL)
        snprintf(to->cause, sizeof to->cause, "%s", entry->desc);
    return 0;
}

static void note(writer *to, herr_t result) {
    if (to->failed || result >= 0)
        return;
    to->failed = true;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, copy_cause, to);
}

static void write_attribute(writer *to, hid_t owner, const char *name, hid_t type,
                            const void *value) {
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(owner, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    note(to, H5Awrite(attribute, type, value));
    H5Aclose(attribute);
    H5Sclose(space);
}

/* Text of fixed length, as NumPy's bytes are. */
static hid_t text_type(const char *text) {
    hid_t type = H5Tcopy(H5T_C_S1);
    const size_t size = strlen(text);
    H5Tset_size(type, size > 0 ? size : 1);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    return type;
}

static void write_text_attribute(writer *to, hid_t owner, const char *name, const char *text) {
    hid_t type = text_type(text);
    write_attribute(to, owner, name, type, text);
    H5Tclose(type);
}

static void write_set(writer *to, const char *name, hid_t stored, hid_t given, int rank,
                      const hsize_t *shape, const void *values, const char *unit) {
    hid_t plan = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(rank, shape, NULL);
    note(to, H5Pset_obj_track_times(plan, false));
    hid_t set = H5Dcreate2(to->file, name, stored, space, H5P_DEFAULT, plan, H5P_DEFAULT);
    note(to, H5Dwrite(set, given, H5S_ALL, H5S_ALL, H5P_DEFAULT, values));
    if (unit != NULL)
        write_text_attribute(to, set, "units", unit);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(plan);
}

static void write_attributes(writer *to, const score_samples *samples) {
    const score_model_config *config = score_model_get_config(samples->model);
    const int64_t steps = samples->steps, seed = (int64_t)samples->seed;
    static const char *const texts[][2] = {{"conventions", "Pande"},
                                           {"conventionVersion", "1.1"},
                                           {"program", "score-sample"},
                                           {"programVersion", SCORE_VERSION}};
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
        write_text_attribute(to, to->file, texts[k][0], texts[k][1]);
    write_text_attribute(to, to->file, "model", samples->model_name);
    write_text_attribute(to, to->file, "solver", samples->solver);
    write_attribute(to, to->file, "steps", H5T_NATIVE_INT64, &steps);
    write_attribute(to, to->file, "seed", H5T_NATIVE_INT64, &seed);
    write_attribute(to, to->file, "temperature_k", H5T_NATIVE_DOUBLE, &config->temperature_k);
}

static void write_sets(writer *to, const score_samples *samples, const char *topology) {
    const score_model_config *config = score_model_get_config(samples->model);
    const hsize_t shape[3] = {samples->count, (hsize_t)config->bead_count,
                              (hsize_t)config->dimensions};
    const hsize_t one = 1;
    write_set(to, "coordinates", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 3, shape, samples->positions_nm,
              "nanometers");
    if (samples->log_density != NULL)
        write_set(to, "log_density", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, shape,
                  samples->log_density, "natural logarithm");
    hid_t type = text_type(topology);
    write_set(to, "topology", type, type, 1, &one, topology, NULL);
    H5Tclose(type);
}

score_status score_samples_write_hdf5(const char *path, const score_samples *samples,
                                      score_error *error) {
    char *topology = NULL;
    const score_status status = score_sample_topology(samples->model, &topology, error);
    if (status != SCORE_OK)
        return status;
    H5E_auto2_t printing;
    void *argument;
    H5Eget_auto2(H5E_DEFAULT, &printing, &argument);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t plan = H5Pcreate(H5P_FILE_CREATE);
    writer to = {.cause = "unknown cause"};
    note(&to, H5Pset_obj_track_times(plan, false));
    to.file = H5Fcreate(path, H5F_ACC_TRUNC, plan, H5P_DEFAULT);
    note(&to, to.file < 0 ? -1 : 0);
    if (!to.failed)
        write_attributes(&to, samples);
    if (!to.failed)
        write_sets(&to, samples, topology);
    if (to.file >= 0)
        note(&to, H5Fclose(to.file));
    H5Pclose(plan);
    H5Eset_auto2(H5E_DEFAULT, printing, argument);
    score_free(topology);
    return to.failed ? score_fail_at(error, SCORE_ERROR_FILE, path, 0,
                                     "HDF5 cannot write the samples (%s)", to.cause)
                     : SCORE_OK;
}
