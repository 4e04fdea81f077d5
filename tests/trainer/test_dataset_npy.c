/* Headers of .npy files that are not what they should be. */
#include "frame_errors.h"

static void wrong_npy_headers(void **state) {
    (void)state;
    static const struct {
        int version;
        const char *header, *message;
    } cases[] = {
        {4, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3)}", "version 4.0"},
        {0, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3)}", "version 0.0"},
        {1, "{'descr': '<f4', 'fortran_order': True, 'shape': (20, 2, 3)}", "Fortran"},
        {1, "{'descr': '>f4', 'fortran_order': False, 'shape': (20, 2, 3)}", "'>f4'"},
        {1, "{'descr': '|O', 'fortran_order': False, 'shape': (20, 2, 3)}", "'|O'"},
        {1, "{'descr': '<i4', 'fortran_order': False, 'shape': (20, 2, 3)}", "'<i4'"},
        {1, "{'descr': '<f8', 'fortran_order': False, 'shape': (20, 2, 3)}", "truncated"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (19, 2, 3)}", "claims"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (21, 2, 3)}", "truncated"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 3, 2)}", "(20 x 3 x 2)"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 6)}", "(20 x 6)"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (120,)}", "(120)"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': ()}", "has shape ()"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2, 3)}", "0 frames"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 2, 3)}", "4294967296"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967295, 2, 3)}", "truncated"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 2, 3)}",
         "understood"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 20, 2, 3)}", "understood"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, -2, 3)}", "understood"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20 2, 3)}", "understood"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3)", "understood"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3", "understood"},
        {1, "{'descr': '<f4', 'fortran_order': False}", "understood"},
        {1, "{'descr': '<f4', 'descr': '<f4', 'shape': (20, 2, 3)}", "understood"},
        {1, "{'descr': '<f8', 'fortran_order': False, 'shape': (20, 2, 3), 'descr': '<f4'}",
         "understood"},
        {1, "{'descr': '<f4', 'fortran_order': 0, 'shape': (20, 2, 3)}", "understood"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3), 'more': 1}",
         "understood"},
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3)} x", "understood"},
        {1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (20, 2, 3)}", "understood"},
        {1, "{'descr': 'a name of many characters', 'shape': (20, 2, 3)}", "understood"},
        {1, "", "understood"},
        {1, "{", "understood"},
        {1, "{,}", "understood"},
    };
    score_recipe recipe = recipe_for("a.npy", BEADS, 3);
    recipe.data.unit_nm = 1;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        write_npy("a.npy", cases[k].version, cases[k].header, FRAMES, VALUES);
        check_error(&recipe, SCORE_ERROR_FORMAT, cases[k].message);
    }
    write_npy("a.npy", 1, cases[2].header, FRAMES, VALUES);
    FILE *file = fopen("a.npy", "r+b"); /* a header of 4 GB, and one with a NUL in it */
    fseek(file, 6, SEEK_SET);
    fwrite("\x02\0\xff\xff\xff\xff", 1, 6, file);
    fclose(file);
    check_error(&recipe, SCORE_ERROR_FORMAT, "4294967295 bytes, the limit");
    write_npy("a.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3)} ", FRAMES,
              VALUES);
    file = fopen("a.npy", "r+b");
    fseek(file, 10 + 61, SEEK_SET);
    fputc(0, file);
    fclose(file);
    check_error(&recipe, SCORE_ERROR_FORMAT, "understood");
}

static void npy_needs_a_unit_and_has_no_weights(void **state) {
    (void)state;
    write_npy("a.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 2, 3)}", FRAMES,
              VALUES);
    score_recipe recipe = recipe_for("a.npy", BEADS, 3);
    check_error(&recipe, SCORE_ERROR_FORMAT, "unit=\"nm\"");
    recipe.data.unit_nm = 1;
    recipe.data.log_weights = "log_weights";
    check_error(&recipe, SCORE_ERROR_FORMAT, "HDF5");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_npy_headers),
        cmocka_unit_test(npy_needs_a_unit_and_has_no_weights),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
