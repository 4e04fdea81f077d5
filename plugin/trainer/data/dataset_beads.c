#include "data/dataset_beads.h"

#include <stdlib.h>
#include <string.h>

#include "data/hdf5_links.h"
#include "data/hdf5_set.h"
#include "data/hdf5_text.h"
#include "data/topology_names.h"

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

score_status score_dataset_check_beads(hid_t file, const char *path, const score_bead *beads,
                                       int count, score_error *error) {
    if (!score_hdf5_has(file, "topology"))
        return SCORE_OK;
    hid_t set = score_hdf5_open_linked(file, "topology");
    char *text = set < 0 ? NULL : score_hdf5_text(set);
    score_topology_names names = {.most = count, .atom = calloc((size_t)count, sizeof *names.atom)};
    score_status status;
    if (names.atom == NULL)
        status = score_fail(error, SCORE_ERROR_MEMORY, "not enough memory to read %s", path);
    else if (text == NULL)
        status = score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                               "data set topology is not a single text");
    else if (!score_topology_names_read(text, &names))
        status = score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                               "data set topology is not that of MDTraj's layout");
    else
        status = compare(path, &names, beads, error);
    free(names.atom);
    free(text);
    if (set >= 0)
        H5Dclose(set);
    return status;
}

void score_dataset_try_beads(hid_t file) {
    hid_t set = score_hdf5_has(file, "topology") ? score_hdf5_open_linked(file, "topology") : -1;
    if (set < 0)
        return;
    free(score_hdf5_text(set));
    H5Dclose(set);
}
