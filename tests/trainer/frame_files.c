#include "frame_files.h"

#include <string.h>

double frame_value(uint64_t frame, size_t k) {
    return (double)frame + (double)k / 8;
}

static void write_units(hid_t set, const char *units, bool variable) {
    hid_t space = H5Screate(H5S_SCALAR), type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, variable ? H5T_VARIABLE : strlen(units));
    hid_t attribute = H5Acreate2(set, "units", type, space, H5P_DEFAULT, H5P_DEFAULT);
    const void *value = variable ? (const void *)&units : units;
    assert_true(H5Awrite(attribute, type, value) >= 0);
    H5Aclose(attribute);
    H5Tclose(type);
    H5Sclose(space);
}

static void write_coordinates(hid_t root, const hdf5_file *file) {
    hsize_t shape[3] = {file->frames, (hsize_t)file->beads, (hsize_t)file->dimensions};
    hsize_t claimed[3] = {file->claimed > 0 ? file->claimed : shape[0], shape[1], shape[2]};
    hsize_t chunk[3] = {4, shape[1], shape[2]}, start[3] = {0}, most[3];
    memcpy(most, claimed, sizeof most);
    hid_t plan = H5Pcreate(H5P_DATASET_CREATE);
    if (!file->contiguous) {
        most[0] = H5S_UNLIMITED;
        H5Pset_chunk(plan, 3, chunk);
        H5Pset_shuffle(plan);
        H5Pset_deflate(plan, 1);
    }
    hid_t space = H5Screate_simple(3, claimed, most), memory = H5Screate_simple(3, shape, NULL);
    hid_t set = H5Dcreate2(root, file->name == NULL ? "coordinates" : file->name,
                           file->type == 0 ? H5T_NATIVE_FLOAT : file->type, space, H5P_DEFAULT,
                           plan, H5P_DEFAULT);
    assert_true(set >= 0);
    size_t values = (size_t)file->beads * (size_t)file->dimensions;
    double *numbers = malloc((file->frames * values + 1) * sizeof *numbers);
    assert_non_null(numbers);
    for (size_t k = 0; k < file->frames * values; k++)
        numbers[k] = file->coordinates != NULL ? file->coordinates[k]
                                               : frame_value(k / values, k % values);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, shape, NULL);
    if (file->frames > 0)
        assert_true(H5Dwrite(set, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, numbers) >= 0);
    free(numbers);
    if (file->units != NULL)
        write_units(set, file->units, file->variable_units);
    H5Dclose(set);
    H5Sclose(memory);
    H5Sclose(space);
    H5Pclose(plan);
}

static void write_topology(hid_t root, const hdf5_file *file) {
    const hsize_t one = 1;
    hid_t space = H5Screate_simple(1, &one, NULL), type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, file->variable_topology ? H5T_VARIABLE : strlen(file->topology));
    hid_t set = H5Dcreate2(root, "topology", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const void *value = file->variable_topology ? (const void *)&file->topology : file->topology;
    assert_true(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value) >= 0);
    H5Dclose(set);
    H5Tclose(type);
    H5Sclose(space);
}

static void write_box(hid_t root, const hdf5_file *file) {
    for (int part = 0; part < 2; part++) {
        const hsize_t shape[2] = {file->frames, 3};
        double *numbers = calloc(3 * file->frames, sizeof *numbers);
        assert_non_null(numbers);
        for (uint64_t k = 0; k < 3 * file->frames; k++)
            numbers[k] = part == 0 && file->boxed > 0 && k / 3 >= file->boxed
                             ? 0
                             : file->box[(uint64_t)(3 * part) + k % 3];
        hid_t space = H5Screate_simple(2, shape, NULL);
        hid_t set = H5Dcreate2(root, part == 0 ? "cell_lengths" : "cell_angles", H5T_NATIVE_FLOAT,
                               space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        assert_true(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) >= 0);
        if (part == 0 && file->box_units != NULL)
            write_units(set, file->box_units, false);
        if (part == 1 && file->angle_units != NULL)
            write_units(set, file->angle_units, false);
        H5Dclose(set);
        H5Sclose(space);
        free(numbers);
    }
}

void write_hdf5(const char *path, const hdf5_file *file) {
    hid_t root = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(root >= 0);
    write_coordinates(root, file);
    if (file->topology != NULL)
        write_topology(root, file);
    if (file->box != NULL)
        write_box(root, file);
    if (file->forces != NULL)
        write_coordinates(
            root, &(hdf5_file){.frames = file->force_frames > 0 ? file->force_frames : file->frames,
                               .beads = file->force_beads > 0 ? file->force_beads : file->beads,
                               .dimensions = file->dimensions,
                               .coordinates = file->forces,
                               .name = "forces",
                               .type = file->type,
                               .units = file->force_units});
    if (file->log_weights != NULL) {
        hsize_t frames = file->frames;
        hid_t space = H5Screate_simple(1, &frames, NULL);
        hid_t set = H5Dcreate2(root, "log_weights", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT,
                               H5P_DEFAULT, H5P_DEFAULT);
        assert_true(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                             file->log_weights) >= 0);
        H5Dclose(set);
        H5Sclose(space);
    }
    assert_true(H5Fclose(root) >= 0);
}

void write_npy(const char *path, int version, const char *header, uint64_t frames, size_t values) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    size_t length = strlen(header);
    fwrite("\x93NUMPY", 1, 6, file);
    fputc(version, file);
    fputc(0, file);
    for (int k = 0; k < (version == 1 ? 2 : 4); k++)
        fputc((int)(length >> 8 * k & 255), file);
    fwrite(header, 1, length, file);
    for (uint64_t k = 0; k < frames * values; k++) {
        float value = (float)frame_value(k / values, k % values);
        fwrite(&value, sizeof value, 1, file);
    }
    assert_int_equal(fclose(file), 0);
}

score_recipe recipe_for(char *path, int beads, int dimensions) {
    score_recipe recipe = {.path = "recipe.xml", .seed = 11};
    recipe.data.path = path;
    recipe.data.scale_nm = 1;
    recipe.data.memory = 1 << 30;
    recipe.model.bead_count = beads;
    recipe.model.dimensions = dimensions;
    return recipe;
}
