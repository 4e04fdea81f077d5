#include "data/dataset_beads.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "data/hdf5_links.h"
#include "data/hdf5_set.h"
#include "data/hdf5_text.h"
#include "data/topology_names.h"
#include "weights/text_sink.h"

static score_status compare(const char *path, const score_topology_names *names,
                            const score_bead *beads, score_error *error) {
    if (names->count != names->most)
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "has a topology of %d atoms, the recipe has %d beads", names->count,
                             names->most);
    for (int k = 0; k < names->count; k++) {
        const score_topology_atom *atom = &names->atom[k];
        if (atom->name[0] == '\0' && beads[k].name[0] != '\0')
            return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                                 "bead %d has no name, the recipe's is %s", k, beads[k].name);
        if (strncmp(atom->name, beads[k].name, SCORE_ATOM_NAME_SIZE - 1) != 0)
            return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                                 "bead %d is %s, the recipe's is %s", k, atom->name, beads[k].name);
        if (atom->residue[0] != '\0' && beads[k].residue[0] != '\0' &&
            strncmp(atom->residue, beads[k].residue, SCORE_ATOM_NAME_SIZE - 1) != 0)
            return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                                 "bead %d, %s, is of residue %s, the recipe's is of %s", k,
                                 atom->name, atom->residue, beads[k].residue);
    }
    return SCORE_OK;
}

/* names->atom, with room for `most`, is to be freed in any case. */
static score_status read_names(hid_t file, const char *path, int most, score_topology_names *names,
                               score_error *error) {
    hid_t set = score_hdf5_open_linked(file, "topology");
    char *text = set < 0 ? NULL : score_hdf5_text(set);
    score_status status = SCORE_OK;
    *names = (score_topology_names){.most = most,
                                    .atom = calloc((size_t)most, sizeof *names->atom)};
    if (names->atom == NULL)
        status = score_fail(error, SCORE_ERROR_MEMORY, "not enough memory to read %s", path);
    else if (text == NULL)
        status = score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                               "data set topology is not a single text");
    else if (!score_topology_names_read(text, names))
        status = score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                               "data set topology is not that of MDTraj's layout");
    free(text);
    if (set >= 0)
        H5Dclose(set);
    return status;
}

score_status score_dataset_check_beads(hid_t file, const char *path, const score_bead *beads,
                                       int count, score_error *error) {
    if (!score_hdf5_has(file, "topology"))
        return SCORE_OK;
    score_topology_names names;
    score_status status = read_names(file, path, count, &names, error);
    if (status == SCORE_OK)
        status = compare(path, &names, beads, error);
    free(names.atom);
    return status;
}

void score_dataset_try_beads(hid_t file) {
    hid_t set = score_hdf5_has(file, "topology") ? score_hdf5_open_linked(file, "topology") : -1;
    if (set < 0)
        return;
    free(score_hdf5_text(set));
    H5Dclose(set);
}

/* -------- beads for a recipe -------- */

/* Of the elements of biomolecules and their ions; 0: not known. */
static double weight_of(const char *element) {
    static const struct {
        char symbol[3];
        double amu;
    } elements[] = {{"H", 1.008},   {"C", 12.011},  {"N", 14.007},  {"O", 15.999},  {"F", 18.998},
                    {"Na", 22.990}, {"Mg", 24.305}, {"P", 30.974},  {"S", 32.06},   {"Cl", 35.45},
                    {"K", 39.098},  {"Ca", 40.078}, {"Mn", 54.938}, {"Fe", 55.845}, {"Cu", 63.546},
                    {"Zn", 65.38},  {"Se", 78.971}, {"Br", 79.904}, {"I", 126.90}};
    for (size_t k = 0; k < sizeof elements / sizeof *elements; k++)
        if (strcmp(element, elements[k].symbol) == 0)
            return elements[k].amu;
    return 0;
}

/* Whether a model file can hold it. One that has been cut fills its room. */
static bool is_name(const char *text) {
    return strlen(text) + 1 < SCORE_NAME_SIZE && score_is_xml_text(text) &&
           score_control_character(text) == NULL;
}

static score_status make_bead(const char *path, const score_topology_atom *atom, int k,
                              double mass_amu, score_bead *bead, score_error *error) {
    _Static_assert((int)SCORE_ATOM_NAME_SIZE == (int)SCORE_NAME_SIZE, "names are cut alike");
    if (atom->name[0] == '\0')
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0, "atom %d has no name", k);
    if (!is_name(atom->name) || !is_name(atom->residue))
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "the name of atom %d or of its residue is too long, or has characters "
                             "that no model file can hold",
                             k);
    bead->mass_amu = mass_amu > 0 ? mass_amu : weight_of(atom->element);
    if (bead->mass_amu == 0)
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "atom %d, %s, is of element '%s', whose mass is not known here: give "
                             "mass= in <Beads>",
                             k, atom->name, atom->element);
    memcpy(bead->name, atom->name, sizeof bead->name);
    memcpy(bead->residue, atom->residue, sizeof bead->residue);
    bead->residue_index = atom->residue_index;
    return SCORE_OK;
}

static score_status make_beads(const char *path, const score_topology_names *names, double mass_amu,
                               score_bead **beads, score_error *error) {
    if (names->count > names->most)
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "has a topology of %d atoms, more than %d", names->count, names->most);
    *beads = calloc((size_t)names->count, sizeof **beads);
    if (*beads == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "not enough memory to read %s", path);
    score_status status = SCORE_OK;
    for (int k = 0; k < names->count && status == SCORE_OK; k++)
        status = make_bead(path, &names->atom[k], k, mass_amu, &(*beads)[k], error);
    return status;
}

static score_status read_beads(hid_t file, const char *path, double mass_amu, score_bead **beads,
                               int *count, score_error *error) {
    if (!score_hdf5_has(file, "topology"))
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "has no topology to take beads from");
    score_topology_names names;
    score_status status = read_names(file, path, SCORE_MAX_BEADS, &names, error);
    if (status == SCORE_OK)
        status = make_beads(path, &names, mass_amu, beads, error);
    *count = names.count;
    free(names.atom);
    return status;
}

static void rehearse(void *argument) {
    score_hdf5_stop_printing();
    const hid_t file = H5Fopen(argument, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file >= 0)
        score_dataset_try_beads(file);
}

score_status score_dataset_read_beads(const char *path, double mass_amu, score_bead **beads,
                                      int *count, score_error *error) {
    *beads = NULL;
    *count = 0;
    score_status status = score_hdf5_rehearse(path, rehearse, (void *)path, error);
    if (status != SCORE_OK)
        return status;
    score_hdf5_printing printing = score_hdf5_stop_printing();
    const bool is_other = H5Fis_hdf5(path) == 0; /* first: it forgets the reasons of errors */
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (is_other)
        status = score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                               "has no topology to take beads from: it is not an HDF5 file");
    else if (file < 0)
        status = score_hdf5_fail(path, SCORE_ERROR_FORMAT, "open", "the file", error);
    else
        status = read_beads(file, path, mass_amu, beads, count, error);
    if (file >= 0)
        H5Fclose(file);
    score_hdf5_resume_printing(printing);
    if (status != SCORE_OK) {
        free(*beads);
        *beads = NULL;
    }
    return status;
}
