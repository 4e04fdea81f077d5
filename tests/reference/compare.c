#include "compare.h"

#include <math.h>
#include <string.h>

#include "unit_test.h"

static double largest(const double *values, size_t count) {
    double found = 0;
    for (size_t k = 0; k < count; k++)
        found = fmax(found, fabs(values[k]));
    return found;
}

void compare_scaled(const char *what, const double *found, const double *expected, size_t count,
                    double scale) {
    double worst = 0;
    for (size_t k = 0; k < count; k++) {
        double error = fabs(found[k] - expected[k]) / scale;
        if (!(error <= TOLERANCE))
            fail_msg("%s[%zu] is %.15g, expected %.15g: off by %.2g of %.3g", what, k, found[k],
                     expected[k], error, scale);
        worst = fmax(worst, error);
    }
    if (getenv("SCORE_TEST_VERBOSE") != NULL)
        print_message("    %-45s %.1e\n", what, worst);
}

void compare_array(const char *what, const double *found, const double *expected, size_t count) {
    compare_scaled(what, found, expected, count, largest(expected, count));
}

void compare_scores(const fixture *f, const double *found) {
    const int d = f->dimensions;
    double *expected = fixture_read(f, "expected/score", (size_t)f->rows * (size_t)d);
    for (int k = 0; k < f->samples; k++) {
        const int first = f->first_row[k] * d;
        compare_array("score", found + first, expected + first, (size_t)fixture_coordinates(f, k));
    }
    free(expected);
}

void compare_expected(const fixture *f, const char *name, const double *found, size_t count) {
    char path[80];
    snprintf(path, sizeof path, "expected/%s", name);
    double *expected = fixture_read(f, path, count);
    compare_array(name, found, expected, count);
    free(expected);
}

void compare_loss(const fixture *f, const char *name, double found) {
    double expected = fixture_attribute(f, name);
    compare_array(name, &found, &expected, 1);
}

void compare_gradient(const fixture *f, const char *group, const char *second_group,
                      const double *found) {
    const score_network *network = f->network;
    const size_t count = network->parameter_count;
    double *expected = calloc(count, sizeof *expected);
    assert_non_null(expected);
    for (int k = 0; k < network->tensor_count; k++) {
        const score_tensor *tensor = &network->tensors[k];
        const char *groups[] = {group, second_group};
        for (int g = 0; g < 2 && groups[g] != NULL; g++) {
            char path[SCORE_NAME_SIZE + 32];
            snprintf(path, sizeof path, "%s/%s", groups[g], tensor->name);
            double *part = fixture_read(f, path, tensor->size);
            for (size_t i = 0; i < tensor->size; i++)
                expected[tensor->offset + i] += part[i];
            free(part);
        }
    }
    const double whole = largest(expected, count);
    for (int k = 0; k < network->tensor_count; k++) {
        const score_tensor *tensor = &network->tensors[k];
        const double own = largest(expected + tensor->offset, tensor->size);
        const int vanishes = network->expert.output == SCORE_OUTPUT_ENERGY &&
                             strcmp(tensor->name, "readout.bias") == 0;
        compare_scaled(tensor->name, found + tensor->offset, expected + tensor->offset,
                       tensor->size, vanishes ? whole : own);
    }
    free(expected);
}
