#define _POSIX_C_SOURCE 200809L
#include "data/hdf5_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recipe/recipe.h"

enum { MOST_TEXT = 1 << 26 };

static bool is_single_text(hid_t type, hid_t space) {
    return type >= 0 && space >= 0 && H5Tget_class(type) == H5T_STRING &&
           H5Sget_simple_extent_npoints(space) == 1;
}

static void cut_spaces(char *text) {
    size_t size = strlen(text);
    while (size > 0 && text[size - 1] == ' ')
        text[--size] = '\0';
}

bool score_hdf5_attribute(hid_t object, const char *name, char *text, size_t size) {
    text[0] = '\0';
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0)
        return false;
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    bool done = false;
    if (is_single_text(type, space)) {
        if (H5Tis_variable_str(type) > 0) {
            char *value = NULL;
            done = H5Aread(attribute, type, &value) >= 0 && value != NULL && strlen(value) < size;
            if (done)
                snprintf(text, size, "%s", value);
            if (value != NULL)
                H5free_memory(value);
        } else if (H5Tget_size(type) < size) {
            done = H5Aread(attribute, type, text) >= 0;
            text[H5Tget_size(type)] = '\0';
        }
    }
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    H5Aclose(attribute);
    cut_spaces(text);
    return done;
}

char *score_hdf5_text(hid_t set) {
    hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    char *text = NULL, *value = NULL;
    if (is_single_text(type, space)) {
        if (H5Tis_variable_str(type) > 0) {
            if (H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value) >= 0 && value != NULL)
                text = strdup(value);
            if (value != NULL)
                H5free_memory(value);
        } else if (H5Tget_size(type) <= MOST_TEXT) {
            text = calloc(1, H5Tget_size(type) + 1);
            if (text != NULL && H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) < 0) {
                free(text);
                text = NULL;
            }
        }
    }
    if (space >= 0)
        H5Sclose(space);
    if (type >= 0)
        H5Tclose(type);
    return text;
}

/* `text` is empty without such an attribute. */
static score_status read_units(hid_t set, const char *path, const char *name, char text[64],
                               bool *found, score_error *error) {
    text[0] = '\0';
    *found = H5Aexists(set, "units") > 0;
    if (*found && !score_hdf5_attribute(set, "units", text, 64))
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "data set %s has an attribute 'units' that is not a text", name);
    return SCORE_OK;
}

const char *score_hdf5_same_unit(const char *text) {
    static const char *const names[][2] = {{"nanometer", "nanometers"},
                                           {"nm", "nanometers"},
                                           {"angstrom", "angstroms"},
                                           {"degree", "degrees"},
                                           {"dimensionless", "natural logarithm"}};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        if (strcmp(text, names[k][0]) == 0)
            return names[k][1];
    return text;
}

score_status score_hdf5_length_unit(hid_t set, const char *path, const char *name, double missing,
                                    char text[64], double *nm, score_error *error) {
    *nm = missing;
    bool found = false;
    const score_status status = read_units(set, path, name, text, &found, error);
    if (status != SCORE_OK || !found)
        return status;
    const char *unit = score_hdf5_same_unit(text);
    *nm = strcmp(unit, "nanometers") == 0 ? 1 : 0.1;
    if (*nm == 1 || strcmp(unit, "angstroms") == 0)
        return SCORE_OK;
    return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                         "%s have units '%s', must be nanometers or angstroms", name, text);
}

score_status score_hdf5_force_unit(hid_t set, const char *path, const char *name, double *kj_mol_nm,
                                   score_error *error) {
    static const struct {
        const char *name;
        double kj_mol_nm;
    } units[] = {{"kJ/mol/nm", 1},
                 {"kilojoules/mole/nanometer", 1},
                 {"kcal/mol/angstrom", SCORE_KCAL_MOL_ANGSTROM},
                 {"kilocalories/mole/angstrom", SCORE_KCAL_MOL_ANGSTROM}};
    char text[64];
    bool found = false;
    const score_status status = read_units(set, path, name, text, &found, error);
    if (status != SCORE_OK)
        return status;
    for (size_t k = 0; k < sizeof units / sizeof units[0] && found; k++)
        if (strcmp(text, units[k].name) == 0) {
            *kj_mol_nm = units[k].kj_mol_nm;
            return SCORE_OK;
        }
    return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                         "%s have units '%s', must be kJ/mol/nm or kcal/mol/angstrom", name, text);
}

/* Where units are said, they must be `one`, which `other` is another name of. */
static score_status check_units(hid_t set, const char *path, const char *name, const char *one,
                                const char *other, score_error *error) {
    char text[64];
    bool found = false;
    const score_status status = read_units(set, path, name, text, &found, error);
    if (status != SCORE_OK || !found || strcmp(score_hdf5_same_unit(text), one) == 0)
        return status;
    return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0, "%s have units '%s', must be %s or %s",
                         name, text, one, other);
}

score_status score_hdf5_check_degrees(hid_t set, const char *path, const char *name,
                                      score_error *error) {
    return check_units(set, path, name, "degrees", "degree", error);
}

score_status score_hdf5_check_logarithms(hid_t set, const char *path, const char *name,
                                         score_error *error) {
    return check_units(set, path, name, "natural logarithm", "dimensionless", error);
}
