#include "molecule.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "text_file.h"

/* OpenMM's constants, kJ/mol nm/e^2: of its NonbondedForce, and as its generalized Born forces
 * write it. */
static const double COULOMB = 138.93545764438198, BORN_COULOMB = 138.935485;
static const double SOLVENT_RADIUS = 0.14;

enum { MAX_BONDED = 100000 };

/* Sizes and atoms of the whole section, or the first error of it. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        const score_status status_ = (call);                                                       \
        if (status_ != SCORE_OK)                                                                   \
            return status_;                                                                        \
    } while (0)

static score_status allocate(size_t count, size_t size, void *pointer, score_error *error) {
    void *memory = calloc(count > 0 ? count : 1, size);
    if (memory == NULL)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %zu x %zu bytes", count,
                          size);
    memcpy(pointer, &memory, sizeof memory);
    return SCORE_OK;
}

/* What is read before it becomes a molecule: charges and so on of the atoms. */
typedef struct reading {
    text_file file;
    peptide_molecule *molecule;
    double (*atom)[3]; /* charge, sigma, epsilon */
} reading;

static score_status read_count(reading *in, const char *keyword, int most, int *count,
                               score_error *error) {
    TRY(text_file_keyword(&in->file, keyword, error));
    char what[80];
    snprintf(what, sizeof what, "the number of %s", keyword);
    return text_file_integer(&in->file, what, 0, most, count, error);
}

/* `count` different atoms. */
static score_status read_atoms(reading *in, int count, int *atoms, score_error *error) {
    for (int k = 0; k < count; k++) {
        TRY(text_file_integer(&in->file, "an atom", 0, in->molecule->atoms - 1, &atoms[k], error));
        for (int l = 0; l < k; l++)
            if (atoms[l] == atoms[k])
                return text_file_fail(&in->file, error, "atom %d is named twice", atoms[k]);
    }
    return SCORE_OK;
}

static score_status read_masses(reading *in, score_error *error) {
    peptide_molecule *m = in->molecule;
    TRY(text_file_keyword(&in->file, "atoms", error));
    TRY(text_file_integer(&in->file, "the number of atoms", 1, PEPTIDE_MAX_ATOMS, &m->atoms,
                          error));
    TRY(allocate((size_t)m->atoms, sizeof *m->mass, &m->mass, error));
    TRY(allocate((size_t)m->atoms, sizeof *m->start, &m->start, error));
    TRY(allocate((size_t)m->atoms, sizeof *in->atom, &in->atom, error));
    for (int i = 0; i < m->atoms; i++) {
        double row[7];
        TRY(text_file_numbers(&in->file, "mass, position, charge, sigma or epsilon", 7, row,
                              error));
        if (!(row[0] > 0) || !(row[5] >= 0) || !(row[6] >= 0))
            return text_file_fail(&in->file, error,
                                  "mass %g, sigma %g, epsilon %g of atom %d: the mass must be "
                                  "positive, the others not negative",
                                  row[0], row[5], row[6], i);
        m->mass[i] = (float)row[0];
        for (int d = 0; d < 3; d++) {
            m->start[i][d] = (float)row[1 + d];
            in->atom[i][d] = row[4 + d];
        }
    }
    return SCORE_OK;
}

static score_status read_bonds(reading *in, score_error *error) {
    peptide_molecule *m = in->molecule;
    TRY(read_count(in, "bonds", MAX_BONDED, &m->bonds, error));
    TRY(allocate((size_t)m->bonds, sizeof *m->bond, &m->bond, error));
    for (int k = 0; k < m->bonds; k++) {
        double row[2];
        TRY(read_atoms(in, 2, m->bond[k].atoms, error));
        TRY(text_file_numbers(&in->file, "length or k", 2, row, error));
        m->bond[k].length = (float)row[0];
        m->bond[k].k = (float)row[1];
    }
    return SCORE_OK;
}

static score_status read_angles(reading *in, score_error *error) {
    peptide_molecule *m = in->molecule;
    TRY(read_count(in, "angles", MAX_BONDED, &m->angles, error));
    TRY(allocate((size_t)m->angles, sizeof *m->angle, &m->angle, error));
    for (int k = 0; k < m->angles; k++) {
        double row[2];
        TRY(read_atoms(in, 3, m->angle[k].atoms, error));
        TRY(text_file_numbers(&in->file, "angle or k", 2, row, error));
        m->angle[k].angle = (float)row[0];
        m->angle[k].k = (float)row[1];
    }
    return SCORE_OK;
}

static void add_term(peptide_torsion *torsion, int n, double cosine, double sine) {
    torsion->cosines[n - 1] += (float)cosine;
    torsion->sines[n - 1] += (float)sine;
    if (n > torsion->highest)
        torsion->highest = n;
}

/* The torsion of these atoms, a new one if there is none. */
static peptide_torsion *torsion_of(peptide_molecule *m, const int atoms[4]) {
    for (int k = 0; k < m->torsions; k++)
        if (memcmp(m->torsion[k].atoms, atoms, sizeof m->torsion[k].atoms) == 0)
            return &m->torsion[k];
    peptide_torsion *torsion = &m->torsion[m->torsions++];
    memcpy(torsion->atoms, atoms, sizeof torsion->atoms);
    return torsion;
}

static score_status read_torsions(reading *in, score_error *error) {
    peptide_molecule *m = in->molecule;
    int terms;
    TRY(read_count(in, "torsions", MAX_BONDED, &terms, error));
    TRY(allocate((size_t)terms, sizeof *m->torsion, &m->torsion, error));
    for (int k = 0; k < terms; k++) {
        int atoms[4], period;
        double row[2];
        TRY(read_atoms(in, 4, atoms, error));
        TRY(text_file_integer(&in->file, "a periodicity", 1, PEPTIDE_MAX_PERIOD, &period, error));
        TRY(text_file_numbers(&in->file, "phase or k", 2, row, error));
        peptide_torsion *torsion = torsion_of(m, atoms);
        torsion->constant += (float)row[1];
        add_term(torsion, period, row[1] * cos(row[0]), row[1] * sin(row[0]));
    }
    return SCORE_OK;
}

static peptide_pair pair_of(double charges, double sigma, double epsilon) {
    const double sigma6 = pow(sigma, 6);
    return (peptide_pair){.charge = (float)(COULOMB * charges),
                          .c12 = (float)(4 * epsilon * sigma6 * sigma6),
                          .c6 = (float)(4 * epsilon * sigma6)};
}

/* The pairs of all atoms by Lorentz and Berthelot's rules, and those that are exceptions; `by_atoms`
 * has atoms x atoms. */
static score_status read_exceptions(reading *in, peptide_pair *by_atoms, score_error *error) {
    const peptide_molecule *m = in->molecule;
    for (int i = 0; i < m->atoms; i++)
        for (int j = 0; j < m->atoms; j++) {
            const double *a = in->atom[i], *b = in->atom[j];
            by_atoms[i * m->atoms + j] = pair_of(a[0] * b[0], 0.5 * (a[1] + b[1]),
                                                 sqrt(a[2] * b[2]));
        }
    int exceptions;
    TRY(read_count(in, "exceptions", MAX_BONDED, &exceptions, error));
    for (int k = 0; k < exceptions; k++) {
        int atoms[2];
        double row[3];
        TRY(read_atoms(in, 2, atoms, error));
        TRY(text_file_numbers(&in->file, "charge product, sigma or epsilon", 3, row, error));
        by_atoms[atoms[0] * m->atoms + atoms[1]] = by_atoms[atoms[1] * m->atoms + atoms[0]] =
            pair_of(row[0], row[1], row[2]);
    }
    return SCORE_OK;
}

static score_status read_pairs(reading *in, score_error *error) {
    peptide_molecule *m = in->molecule;
    const size_t count = (size_t)m->atoms;
    peptide_pair *by_atoms = NULL;
    TRY(allocate(count * (count - 1) / 2, sizeof *m->pair, &m->pair, error));
    TRY(allocate(count * count, sizeof *by_atoms, &by_atoms, error));
    const score_status status = read_exceptions(in, by_atoms, error);
    if (status == SCORE_OK) {
#define COPY_ROW(i, j0, j1, p)                                                                     \
    memcpy(&m->pair[p], &by_atoms[(i)*m->atoms + (j0)], (size_t)((j1) - (j0)) * sizeof *by_atoms)
        PEPTIDE_FOR_ALL_ROWS(m->atoms, COPY_ROW)
#undef COPY_ROW
    }
    free(by_atoms);
    return status;
}

/* So that the one formula for far pairs holds for both atoms. */
static float far2_of(const peptide_born *a, const peptide_born *b) {
    const double sa = fabs((double)a->screened), sb = fabs((double)b->screened);
    const double least = fmax((double)a->radius + sb, (double)b->radius + sa), most = fmax(sa, sb);
    return (float)(1.000001 * fmax(least * least, most * most / PEPTIDE_FAR_RANGE));
}

static void find_far(peptide_molecule *m) {
#define FIND_ROW(i, j0, j1, p)                                                                     \
    for (int j = (j0); j < (j1); j++)                                                              \
    m->pair[(p) + j - (j0)].far2 = far2_of(&m->born[i], &m->born[j])
    PEPTIDE_FOR_ALL_ROWS(m->atoms, FIND_ROW)
#undef FIND_ROW
}

static score_status read_born(reading *in, score_error *error) {
    peptide_molecule *m = in->molecule;
    double head[4];
    TRY(text_file_keyword(&in->file, "born", error));
    TRY(text_file_numbers(&in->file, "offset, dielectric or surface factor", 4, head, error));
    if (!(head[1] > 0) || !(head[2] > 0) || head[1] > head[2])
        return text_file_fail(&in->file, error,
                              "dielectrics %g (solute) and %g (solvent), must be positive and the "
                              "solvent's the larger one",
                              head[1], head[2]);
    const double charge_factor = sqrt(BORN_COULOMB * (1 / head[1] - 1 / head[2]));
    TRY(allocate((size_t)m->atoms, sizeof *m->born, &m->born, error));
    for (int i = 0; i < m->atoms; i++) {
        double row[6];
        TRY(text_file_numbers(&in->file, "charge, or, sr, alpha, beta or gamma", 6, row, error));
        if (!(row[1] > 0))
            return text_file_fail(&in->file, error, "or of atom %d is %g, must be positive", i,
                                  row[1]);
        const double whole = row[1] + head[0], reach = whole + SOLVENT_RADIUS;
        m->born[i] = (peptide_born){.charge = (float)(charge_factor * row[0]),
                                    .radius = (float)row[1],
                                    .screened = (float)row[2],
                                    .alpha = (float)row[3],
                                    .beta = (float)row[4],
                                    .gamma = (float)row[5],
                                    .whole = (float)whole,
                                    .surface = (float)(head[3] * reach * reach)};
    }
    find_far(m);
    return SCORE_OK;
}

static score_status read_necks(reading *in, score_error *error) {
    peptide_molecule *m = in->molecule;
    if (!text_file_try(&in->file, "neck"))
        return SCORE_OK;
    double scale, cut;
    TRY(text_file_integer(&in->file, "the number of radii", 1, PEPTIDE_MAX_RADII, &m->radii,
                          error));
    TRY(text_file_number(&in->file, "the neck's scale", &scale, error));
    TRY(text_file_number(&in->file, "the neck's cut", &cut, error));
    m->neck_cut = (float)cut;
    for (int i = 0; i < m->atoms; i++)
        TRY(text_file_integer(&in->file, "a radius", 0, m->radii - 1, &m->born[i].kind, error));
    const int count = m->radii * m->radii;
    TRY(allocate((size_t)count, sizeof *m->neck, &m->neck, error));
    for (int table = 0; table < 2; table++)
        for (int k = 0; k < count; k++) {
            double value;
            TRY(text_file_number(&in->file, table == 0 ? "d0" : "m0", &value, error));
            if (table == 0)
                m->neck[k].d0 = (float)value;
            else
                m->neck[k].m0 = (float)(scale * value);
        }
    return SCORE_OK;
}

static score_status read_names(reading *in, score_error *error) {
    peptide_molecule *m = in->molecule;
    TRY(text_file_keyword(&in->file, "beads", error));
    TRY(text_file_integer(&in->file, "the number of beads", 1, m->atoms, &m->beads, error));
    TRY(allocate((size_t)m->beads, sizeof *m->bead, &m->bead, error));
    TRY(read_atoms(in, m->beads, m->bead, error));
    TRY(text_file_keyword(&in->file, "bead_topology", error));
    TRY(text_file_rest(&in->file, &m->bead_topology, error));
    TRY(text_file_keyword(&in->file, "atom_topology", error));
    TRY(text_file_rest(&in->file, &m->atom_topology, error));
    TRY(read_count(in, "equivalent", m->atoms, &m->equivalents, error));
    TRY(allocate((size_t)m->equivalents, sizeof *m->equivalent, &m->equivalent, error));
    for (int k = 0; k < m->equivalents; k++)
        TRY(read_atoms(in, 2, m->equivalent[k], error));
    TRY(text_file_keyword(&in->file, "end", error));
    return text_file_end(&in->file, error);
}

static score_status read_sections(reading *in, score_error *error) {
    char *name = NULL;
    int version;
    TRY(text_file_keyword(&in->file, "score-peptide-md", error));
    TRY(text_file_integer(&in->file, "the version", 1, 1, &version, error));
    TRY(text_file_keyword(&in->file, "name", error));
    TRY(text_file_rest(&in->file, &name, error));
    snprintf(in->molecule->name, sizeof in->molecule->name, "%s", name);
    free(name);
    score_status (*const sections[])(reading *, score_error *) = {
        read_masses, read_bonds, read_angles, read_torsions,
        read_pairs,  read_born,  read_necks,  read_names};
    for (size_t k = 0; k < sizeof sections / sizeof *sections; k++)
        TRY(sections[k](in, error));
    return SCORE_OK;
}

score_status peptide_molecule_read(const char *path, peptide_molecule *molecule,
                                   score_error *error) {
    *molecule = (peptide_molecule){0};
    reading in = {.molecule = molecule};
    TRY(text_file_open(path, &in.file, error));
    molecule->checksum = (uint32_t)crc32_z(0, (const Bytef *)in.file.content, in.file.size);
    const score_status status = read_sections(&in, error);
    text_file_close(&in.file);
    free(in.atom);
    if (status != SCORE_OK)
        peptide_molecule_free(molecule);
    return status;
}

static score_status read_bias(reading *in, score_error *error) {
    peptide_torsion *bias = &in->molecule->bias;
    int terms;
    TRY(text_file_keyword(&in->file, "bias", error));
    TRY(read_atoms(in, 4, bias->atoms, error));
    TRY(text_file_integer(&in->file, "the number of terms", 1, PEPTIDE_MAX_PERIOD, &terms, error));
    for (int n = 1; n <= terms; n++) {
        double row[2];
        TRY(text_file_numbers(&in->file, "a coefficient of the bias", 2, row, error));
        add_term(bias, n, row[0], row[1]);
    }
    in->molecule->biased = true;
    return text_file_end(&in->file, error);
}

score_status peptide_bias_read(const char *path, peptide_molecule *molecule, score_error *error) {
    reading in = {.molecule = molecule};
    TRY(text_file_open(path, &in.file, error));
    molecule->checksum = (uint32_t)crc32_z(molecule->checksum, (const Bytef *)in.file.content,
                                           in.file.size);
    const score_status status = read_bias(&in, error);
    text_file_close(&in.file);
    return status;
}

void peptide_molecule_free(peptide_molecule *molecule) {
    free(molecule->mass);
    free(molecule->start);
    free(molecule->bond);
    free(molecule->angle);
    free(molecule->torsion);
    free(molecule->pair);
    free(molecule->born);
    free(molecule->neck);
    free(molecule->bead);
    free(molecule->equivalent);
    free(molecule->bead_topology);
    free(molecule->atom_topology);
    *molecule = (peptide_molecule){0};
}
