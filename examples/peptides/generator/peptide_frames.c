#include "peptide_frames.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"

enum { COORDINATES, TIME, COPY, ENERGY, TEMPERATURE, LOG_WEIGHTS };

static int bead_count(const peptide_molecule *m, bool all_atoms) {
    return all_atoms ? m->atoms : m->beads;
}

static void add_number(score_frames_layout *layout, const char *name, const double *number,
                       int count) {
    layout->attribute[layout->attributes++] = (score_frames_attribute){
        .name = name, .numbers = number, .count = count};
}

static void add_integer(score_frames_layout *layout, const char *name, uint64_t integer) {
    layout->attribute[layout->attributes++] = (score_frames_attribute){.name = name,
                                                                       .integer = (int64_t)integer};
}

static void add_text(score_frames_layout *layout, const char *name, const char *text) {
    layout->attribute[layout->attributes++] = (score_frames_attribute){.name = name, .text = text};
}

static void add_column(score_frames_layout *layout, const char *name, const char *unit,
                       score_frames_type type) {
    layout->column[layout->columns++] = (score_frames_column){
        .name = name, .unit = unit, .type = type};
}

static score_frames_layout make_layout(const peptide_options *options, const peptide_molecule *m,
                                       const double *timestep_ps, const double *interval_ps,
                                       uint64_t begin, uint64_t count) {
    score_frames_layout layout = {.rows = count * (uint64_t)options->copies,
                                  .program = "score-peptide-md",
                                  .topology = options->all_atoms ? m->atom_topology
                                                                 : m->bead_topology};
    add_column(&layout, "coordinates", "nanometers", SCORE_FRAMES_F32);
    layout.column[COORDINATES].shape[0] = bead_count(m, options->all_atoms);
    layout.column[COORDINATES].shape[1] = 3;
    add_column(&layout, "time", "picoseconds", SCORE_FRAMES_F32);
    add_column(&layout, "copy", NULL, SCORE_FRAMES_I32);
    add_column(&layout, "potential_energy", "kilojoules_per_mole", SCORE_FRAMES_F64);
    add_column(&layout, "temperature", "kelvin", SCORE_FRAMES_F32);
    if (m->biased)
        add_column(&layout, "log_weights", "natural logarithm", SCORE_FRAMES_F64);
    add_text(&layout, "title", m->name);
    add_text(&layout, "integrator", "LangevinMiddle");
    add_number(&layout, options->levels > 1 ? "ladder_k" : "temperature_k", options->temperatures_k,
               options->levels);
    add_number(&layout, "timestep_ps", timestep_ps, 1);
    add_number(&layout, "friction_per_ps", &options->friction_per_ps, 1);
    add_number(&layout, "frame_interval_ps", interval_ps, 1);
    add_number(&layout, "equilibration_ps", &options->equilibration_ps, 1);
    add_integer(&layout, "swap_steps", options->swap_steps);
    add_integer(&layout, "first_frame", begin);
    add_integer(&layout, "copies", (uint64_t)options->copies);
    add_integer(&layout, "first_copy", (uint64_t)options->first_copy);
    add_integer(&layout, "seed", options->seed);
    add_integer(&layout, "system_crc32", m->checksum);
    return layout;
}

static score_status allocate(peptide_frames *frames, score_error *error) {
    const peptide_molecule *m = frames->ensemble->dynamics.molecule;
    const size_t copies = (size_t)frames->ensemble->copies;
    const size_t coordinates = copies * 3 * (size_t)bead_count(m, frames->all_atoms);
    frames->positions = calloc(coordinates, sizeof *frames->positions);
    frames->time = calloc(copies, sizeof *frames->time);
    frames->temperature = calloc(copies, sizeof *frames->temperature);
    frames->copy = calloc(copies, sizeof *frames->copy);
    frames->log_weight = calloc(copies, sizeof *frames->log_weight);
    if (!frames->positions || !frames->time || !frames->temperature || !frames->copy ||
        !frames->log_weight)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate a frame of %zu numbers",
                          coordinates);
    return SCORE_OK;
}

score_status peptide_frames_open(const peptide_options *options, const peptide_ensemble *ensemble,
                                 uint64_t begin, uint64_t count, bool resumes,
                                 peptide_frames *frames, score_error *error) {
    const double timestep_ps = 0.001 * options->timestep_fs;
    *frames = (peptide_frames){.ensemble = ensemble,
                               .all_atoms = options->all_atoms,
                               .interval_ps = timestep_ps * options->interval,
                               .file = {.descriptor = -1}};
    memcpy(frames->temperatures_k, options->temperatures_k, sizeof frames->temperatures_k);
    const score_frames_layout layout = make_layout(
        options, ensemble->dynamics.molecule, &timestep_ps, &frames->interval_ps, begin, count);
    score_status status = allocate(frames, error);
    if (status == SCORE_OK)
        status = resumes ? score_frames_file_reopen(options->output, &layout, &frames->file, error)
                         : score_frames_file_create(options->output, &layout, &frames->file, error);
    if (status != SCORE_OK)
        peptide_frames_close(frames);
    return status;
}

void peptide_frames_close(peptide_frames *frames) {
    score_frames_file_close(&frames->file);
    free(frames->positions);
    free(frames->time);
    free(frames->temperature);
    free(frames->copy);
    free(frames->log_weight);
    *frames = (peptide_frames){.file = {.descriptor = -1}};
}

/* The atom that has the name of `atom` in this frame of this copy; `drawn` has a bit a pair. */
static int named(const peptide_molecule *m, const bool *drawn, int atom) {
    for (int k = 0; k < m->equivalents; k++)
        if (drawn[k] && (m->equivalent[k][0] == atom || m->equivalent[k][1] == atom))
            return m->equivalent[k][0] + m->equivalent[k][1] - atom;
    return atom;
}

static void take_positions(const peptide_frames *frames, int copy, uint32_t step, float *to) {
    const peptide_ensemble *e = frames->ensemble;
    const peptide_molecule *m = e->dynamics.molecule;
    bool drawn[PEPTIDE_MAX_ATOMS];
    score_random random = score_random_stream(e->dynamics.seed, PEPTIDE_DRAW_NAMES, step,
                                              (uint32_t)(e->first_copy + copy));
    for (int k = 0; k < m->equivalents; k++)
        drawn[k] = score_random_uint(&random) >> 31;
    for (int k = 0; k < bead_count(m, frames->all_atoms); k++) {
        const int atom = named(m, drawn, frames->all_atoms ? k : m->bead[k]);
        for (int c = 0; c < 3; c++)
            *to++ = *peptide_ensemble_at(e, false, copy, atom, c);
    }
}

score_status peptide_frames_write(peptide_frames *frames, uint64_t row, uint64_t number,
                                  uint32_t step, score_error *error) {
    const peptide_ensemble *e = frames->ensemble;
    const int size = 3 * bead_count(e->dynamics.molecule, frames->all_atoms);
    for (int copy = 0; copy < e->copies; copy++) {
        const int level = e->level[copy];
        take_positions(frames, copy, step, frames->positions + (ptrdiff_t)copy * size);
        frames->time[copy] = (float)(frames->interval_ps * (double)(number + 1));
        frames->copy[copy] = e->first_copy + copy;
        frames->temperature[copy] = (float)frames->temperatures_k[level];
        frames->log_weight[copy] = e->bias[copy] / (double)e->kt[level];
    }
    const void *columns[] = {frames->positions, frames->time,        frames->copy,
                             e->potential,      frames->temperature, frames->log_weight};
    for (int k = 0; k < frames->file.columns; k++) {
        const score_status status = score_frames_file_write(
            &frames->file, k, row * (uint64_t)e->copies, (uint64_t)e->copies, columns[k], error);
        if (status != SCORE_OK)
            return status;
    }
    return SCORE_OK;
}
