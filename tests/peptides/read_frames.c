#include "read_frames.h"

#include <string.h>

hid_t open_frames(const char *path) {
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

void close_frames(hid_t file) {
    assert_true(H5Fclose(file) >= 0);
}

void read_set(hid_t file, const char *name, hid_t type, int rank, const hsize_t *shape,
              void *values) {
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    if (set < 0)
        fail_msg("there is no %s", name);
    hid_t space = H5Dget_space(set), plan = H5Dget_create_plist(set), found_type = H5Dget_type(set);
    hsize_t found[3] = {0};
    assert_int_equal(H5Sget_simple_extent_ndims(space), rank);
    H5Sget_simple_extent_dims(space, found, NULL);
    for (int k = 0; k < rank; k++)
        assert_int_equal(found[k], shape[k]);
    assert_true(H5Pget_layout(plan) == H5D_CONTIGUOUS);
    assert_true(H5Tequal(found_type, type) > 0);
    assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Tclose(found_type);
    H5Pclose(plan);
    H5Sclose(space);
    H5Dclose(set);
}

bool has_set(hid_t file, const char *name) {
    return H5Lexists(file, name, H5P_DEFAULT) > 0;
}

bool has_attribute(hid_t owner, const char *name) {
    return H5Aexists(owner, name) > 0;
}

void expect_text(hid_t file, const char *set, const char *name, const char *expected) {
    char text[64] = "";
    hid_t attribute = H5Aopen_by_name(file, set == NULL ? "." : set, name, H5P_DEFAULT,
                                      H5P_DEFAULT);
    hid_t type = H5Aget_type(attribute);
    assert_true(attribute >= 0 && H5Tget_class(type) == H5T_STRING);
    assert_int_equal(H5Tget_size(type), strlen(expected));
    assert_true(H5Aread(attribute, type, text) >= 0);
    assert_string_equal(text, expected);
    H5Tclose(type);
    H5Aclose(attribute);
}

void expect_numbers(hid_t file, const char *name, hid_t type, int count, const double *expected) {
    enum { MOST = 64 };
    double found[MOST] = {0};
    assert_true(count <= MOST && has_attribute(file, name));
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT), found_type = H5Aget_type(attribute);
    hid_t space = H5Aget_space(attribute);
    assert_true(H5Tequal(found_type, type) > 0);
    assert_int_equal(H5Sget_simple_extent_ndims(space), count == 1 ? 0 : 1);
    assert_int_equal(H5Sget_simple_extent_npoints(space), count);
    assert_true(H5Aread(attribute, H5T_NATIVE_DOUBLE, found) >= 0);
    for (int k = 0; k < count; k++)
        if (!(found[k] == expected[k]))
            fail_msg("%s[%d] is %.17g, expected %.17g", name, k, found[k], expected[k]);
    H5Sclose(space);
    H5Tclose(found_type);
    H5Aclose(attribute);
}

void expect_number(hid_t file, const char *name, hid_t type, double expected) {
    expect_numbers(file, name, type, 1, &expected);
}
