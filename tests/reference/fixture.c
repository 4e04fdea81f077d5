#include "fixture.h"

#include <string.h>

#include "unit_test.h"

static void check(int holds, const char *what, const char *name) {
    if (!holds)
        fail_msg("fixture: %s '%s'", what, name);
}

static void *allocate(size_t count, size_t size) {
    void *memory = calloc(count + 1, size);
    assert_non_null(memory);
    return memory;
}

static size_t space_size(hid_t space) {
    hssize_t points = H5Sget_simple_extent_npoints(space);
    return points < 0 ? 0 : (size_t)points;
}

/* Reads `count` values of memory type `type` from data set `path`. */
static void read_dataset(hid_t file, const char *path, hid_t type, size_t count, void *values) {
    hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
    check(dataset >= 0, "no data set", path);
    hid_t space = H5Dget_space(dataset);
    check(space_size(space) == count, "wrong size of data set", path);
    check(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0, "cannot read", path);
    H5Sclose(space);
    H5Dclose(dataset);
}

static size_t dataset_size(hid_t file, const char *path) {
    hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
    check(dataset >= 0, "no data set", path);
    hid_t space = H5Dget_space(dataset);
    size_t size = space_size(space);
    H5Sclose(space);
    H5Dclose(dataset);
    return size;
}

static void read_attribute(hid_t file, const char *name, hid_t type, size_t count, void *values) {
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
    check(attribute >= 0, "no attribute", name);
    hid_t space = H5Aget_space(attribute);
    check(space_size(space) == count, "wrong size of attribute", name);
    check(H5Aread(attribute, type, values) >= 0, "cannot read attribute", name);
    H5Sclose(space);
    H5Aclose(attribute);
}

static int read_integer(hid_t file, const char *name) {
    int value = 0;
    read_attribute(file, name, H5T_NATIVE_INT, 1, &value);
    return value;
}

static double read_real(hid_t file, const char *name) {
    double value = 0;
    read_attribute(file, name, H5T_NATIVE_DOUBLE, 1, &value);
    return value;
}

/* Whether the text of attribute `name` is `first`; it must be that or `second`. */
static int reads(hid_t file, const char *name, const char *first, const char *second) {
    char text[64] = "";
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, sizeof text);
    read_attribute(file, name, type, 1, text);
    H5Tclose(type);
    int is_first = strcmp(text, first) == 0;
    check(is_first || strcmp(text, second) == 0, "unknown text of attribute", name);
    return is_first;
}

static score_expert_config read_expert(hid_t file) {
    return (score_expert_config){
        .architecture = reads(file, "architecture", "mlp", "graph_transformer")
                            ? SCORE_MLP
                            : SCORE_GRAPH_TRANSFORMER,
        .output = reads(file, "output", "energy", "score") ? SCORE_OUTPUT_ENERGY
                                                           : SCORE_OUTPUT_SCORE,
        .hidden = read_integer(file, "hidden"),
        .layers = read_integer(file, "layers"),
        .heads = read_integer(file, "heads"),
        .head_width = read_integer(file, "head_width"),
        .t_begin = read_real(file, "t_begin"),
        .t_end = read_real(file, "t_end"),
        .time_variance = H5Aexists(file, "time_variance") > 0 ? read_real(file, "time_variance")
                                                              : 0,
        .dtype = SCORE_FLOAT64,
        .activation = H5Aexists(file, "activation") > 0 &&
                              reads(file, "activation", "gelu", "gelu-tanh")
                          ? SCORE_GELU_ERF
                          : SCORE_GELU,
        .norm_epsilon = H5Aexists(file, "norm_epsilon") > 0 ? read_real(file, "norm_epsilon") : 0,
    };
}

/* What lies beneath the network, and its numbers, where the file has a Gaussian. */
typedef struct base {
    score_gaussian gaussian;
    double *variances;
    double *directions;
    double *mean;
} base;

static double *read_numbers(hid_t file, const char *path, size_t count) {
    double *values = allocate(count, sizeof *values);
    read_dataset(file, path, H5T_NATIVE_DOUBLE, count, values);
    return values;
}

static score_over read_over(hid_t file) {
    static const char *const words[] = {"all", "beads", "coordinates"};
    char text[64] = "";
    hid_t group = H5Gopen2(file, "gaussian", H5P_DEFAULT), type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, sizeof text);
    read_attribute(group, "over", type, 1, text);
    H5Tclose(type);
    H5Gclose(group);
    for (int k = 0; k < 3; k++)
        if (strcmp(text, words[k]) == 0)
            return (score_over)k;
    fail_msg("fixture: a Gaussian over '%s'", text);
    return SCORE_OVER_ALL;
}

static void read_base(hid_t file, score_model_config *config, base *read) {
    *read = (base){0};
    if (H5Lexists(file, "gaussian", H5P_DEFAULT) <= 0)
        return;
    const score_over over = read_over(file);
    const size_t modes = (size_t)score_gaussian_modes(config, over);
    const size_t width = (size_t)score_gaussian_width(config, over);
    read->variances = read_numbers(file, "gaussian/variances", modes);
    if (over != SCORE_OVER_ALL)
        read->directions = read_numbers(file, "gaussian/directions", modes * width);
    if (over == SCORE_OVER_COORDINATES)
        read->mean = read_numbers(file, "gaussian/mean", width);
    read->gaussian = (score_gaussian){.over = over,
                                      .modes = (int)modes,
                                      .width = (int)width,
                                      .variances = read->variances,
                                      .directions = read->directions,
                                      .mean = read->mean};
    config->gaussian = &read->gaussian;
    config->experts[0].base = SCORE_BASE_GAUSSIAN;
}

static score_noise_schedule read_schedule(hid_t file) {
    if (H5Aexists(file, "offset") > 0)
        return (score_noise_schedule){score_noise_schedule_find("cosine"),
                                      {read_real(file, "offset")}};
    return (score_noise_schedule){0, {read_real(file, "beta_min"), read_real(file, "beta_max")}};
}

static score_model *create_model(hid_t file) {
    score_model_config config = {
        .dimensions = read_integer(file, "dimensions"),
        .centred = read_integer(file, "centred"),
        .scale_nm = read_real(file, "scale_nm"),
        .temperature_k = 300,
        .schedule = read_schedule(file),
        .feature_count = read_integer(file, "feature_count"),
        .bead_count = read_integer(file, "beads"),
        .expert_count = 1,
    };
    config.experts[0] = read_expert(file);
    if (config.feature_count > 0)
        read_attribute(file, "feature_sizes", H5T_NATIVE_INT, (size_t)config.feature_count,
                       config.feature_sizes);
    score_bead *beads = allocate((size_t)config.bead_count, sizeof *beads);
    for (int k = 0; k < config.bead_count; k++)
        beads[k] = (score_bead){.name = "C", .residue = "ALA", .mass_amu = 12};
    config.beads = beads;
    base below;
    read_base(file, &config, &below);
    score_model *model = NULL;
    score_error error = {0};
    if (score_model_create(&config, &model, &error) != SCORE_OK)
        fail_msg("fixture: %s", error.message);
    free(beads);
    free(below.variances);
    free(below.directions);
    free(below.mean);
    return model;
}

/* Every tensor of the model, and as many as the file has. */
static void read_weights(hid_t file, score_model *model) {
    const int tensors = score_model_tensor_count(model, 0);
    for (int k = 0; k < tensors; k++) {
        const score_tensor *tensor = score_model_tensor(model, 0, k);
        char path[SCORE_NAME_SIZE + 16];
        snprintf(path, sizeof path, "weights/%s", tensor->name);
        read_dataset(file, path, H5T_NATIVE_DOUBLE, tensor->size,
                     score_model_parameters(model, 0) + tensor->offset);
    }
    H5G_info_t info;
    check(H5Gget_info_by_name(file, "weights", &info, H5P_DEFAULT) >= 0, "no group", "weights");
    assert_int_equal((int)info.nlinks, tensors);
}

static void read_inputs(fixture *f) {
    f->samples = (int)dataset_size(f->file, "inputs/t");
    f->t = fixture_read(f, "inputs/t", (size_t)f->samples);
    f->beads = allocate((size_t)f->samples, sizeof(int));
    f->first_row = allocate((size_t)f->samples + 1, sizeof(int));
    read_dataset(f->file, "inputs/beads", H5T_NATIVE_INT, (size_t)f->samples, f->beads);
    for (int k = 0; k < f->samples; k++)
        f->first_row[k + 1] = f->first_row[k] + f->beads[k];
    f->rows = f->first_row[f->samples];
    f->dimensions = f->network->dimensions;
    f->x = fixture_read(f, "expected/x", (size_t)f->rows * (size_t)f->dimensions);
    if (f->network->feature_count > 0) {
        size_t count = (size_t)f->rows * (size_t)f->network->feature_count;
        f->features = allocate(count, sizeof(int));
        read_dataset(f->file, "inputs/features", H5T_NATIVE_INT, count, f->features);
    }
}

fixture *fixture_open(const char *path) {
    fixture *f = allocate(1, sizeof *f);
    f->file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    check(f->file >= 0, "cannot open", path);
    f->model = create_model(f->file);
    f->network = score_model_network(f->model, 0);
    f->weight_middle = read_real(f->file, "weight_middle");
    read_weights(f->file, f->model);
    read_inputs(f);
    return f;
}

void fixture_close(fixture *f) {
    if (f == NULL)
        return;
    score_model_destroy(f->model);
    H5Fclose(f->file);
    free(f->beads);
    free(f->first_row);
    free(f->features);
    free(f->t);
    free(f->x);
    free(f);
}

double *fixture_read(const fixture *f, const char *path, size_t count) {
    double *values = allocate(count, sizeof *values);
    read_dataset(f->file, path, H5T_NATIVE_DOUBLE, count, values);
    return values;
}

double fixture_attribute(const fixture *f, const char *name) {
    return read_real(f->file, name);
}

int fixture_coordinates(const fixture *f, int k) {
    return f->beads[k] * f->dimensions;
}

score_noise_schedule fixture_schedule(const fixture *f) {
    return score_model_get_config(f->model)->schedule;
}
