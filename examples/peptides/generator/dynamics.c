/* The integrator, and the kernel's table for one set of instructions. */
#include "field.h"
#include "kernel.h"
#include "random_lanes.h"

/* Coordinates in float lose digits far from the origin, so the molecule is put back there. */
enum { STEPS_PER_CENTRING = 128 };

static lane_stream stream_of(const peptide_dynamics *dynamics, const peptide_state *state,
                             uint32_t purpose, uint32_t step) {
    lane_stream stream = {.key = {(uint32_t)dynamics->seed, (uint32_t)(dynamics->seed >> 32)},
                          .purpose = purpose,
                          .step = step};
    memcpy(&stream.copy, state->copy, sizeof stream.copy);
    return stream;
}

/* Three standard normal numbers a lane for an atom. */
SCORE_INLINE void atom_normals(const lane_stream *stream, int atom, score_vector out[3]) {
    lane_bits random[4];
    score_vector unused;
    lane_random(stream, (uint32_t)atom, random);
    lane_normals(random[0], random[1], &out[0], &out[1]);
    lane_normals(random[2], random[3], &out[2], &unused);
}

static void draw_velocities(const peptide_dynamics *dynamics, const peptide_state *state) {
    const peptide_molecule *m = dynamics->molecule;
    const lane_stream stream = stream_of(dynamics, state, PEPTIDE_DRAW_VELOCITIES, 0);
    const score_vector kt = score_load(state->kt);
    for (int i = 0; i < m->atoms; i++) {
        score_vector normals[3];
        atom_normals(&stream, i, normals);
        for (int c = 0; c < 3; c++)
            score_store(&state->velocities[(3 * i + c) * SCORE_LANES],
                        normals[c] * lane_sqrt(kt / m->mass[i]));
    }
}

static void centre(int atoms, score_vector *x) {
    score_vector mean[3] = {{0}, {0}, {0}};
    for (int i = 0; i < atoms; i++)
        for (int c = 0; c < 3; c++)
            mean[c] += x[3 * i + c];
    for (int i = 0; i < atoms; i++)
        for (int c = 0; c < 3; c++)
            x[3 * i + c] -= mean[c] / (float)atoms;
}

static void find_forces(field *to) {
    for (int k = 0; k < 3 * to->molecule->atoms; k++)
        to->f[k] = score_splat(0);
    field_bonded(to);
    field_nonbonded(to);
}

/* v += f dt/m; x += v dt/2; v = a v + sqrt((1 - a^2) kT/m) noise; x += v dt/2; a = exp(-friction dt) */
static void move(const peptide_dynamics *dynamics, const peptide_state *state, uint32_t step,
                 score_vector *x, score_vector *v, const score_vector *f) {
    const peptide_molecule *m = dynamics->molecule;
    const lane_stream stream = stream_of(dynamics, state, PEPTIDE_DRAW_NOISE, step);
    const float dt = dynamics->timestep_ps;
    const float a = expf(-dynamics->friction_per_ps * dt);
    const float b2 = -expm1f(-2 * dynamics->friction_per_ps * dt);
    const score_vector spread = lane_sqrt(b2 * score_load(state->kt));
    for (int i = 0; i < m->atoms; i++) {
        const score_vector width = spread * (1 / sqrtf(m->mass[i]));
        const float push = dt / m->mass[i];
        score_vector noise[3];
        atom_normals(&stream, i, noise);
        for (int c = 0; c < 3; c++) {
            const int k = 3 * i + c;
            const score_vector kicked = v[k] + push * f[k];
            const score_vector after = a * kicked + width * noise[c];
            x[k] += (0.5f * dt) * (kicked + after);
            v[k] = after;
        }
    }
}

static size_t memory_size(const peptide_molecule *molecule) {
    return 3 * (size_t)molecule->atoms * sizeof(score_vector) + field_memory_size(molecule);
}

static field make_field(const peptide_molecule *molecule, const peptide_state *state,
                        void *memory) {
    field to = {.molecule = molecule,
                .x = (const score_vector *)(const void *)state->positions_nm,
                .f = memory};
    field_place(&to, to.f + 3 * molecule->atoms);
    return to;
}

static void advance(const peptide_dynamics *dynamics, const peptide_state *state, uint32_t first,
                    uint32_t count, void *memory) {
    field to = make_field(dynamics->molecule, state, memory);
    score_vector *x = (score_vector *)(void *)state->positions_nm;
    score_vector *v = (score_vector *)(void *)state->velocities;
    for (uint32_t step = first; step - first < count; step++) {
        find_forces(&to);
        move(dynamics, state, step, x, v, to.f);
        if (step % STEPS_PER_CENTRING == 0)
            centre(dynamics->molecule->atoms, x);
    }
}

static void evaluate(const peptide_molecule *molecule, const peptide_state *state,
                     const peptide_energies *energies, float *forces, void *memory) {
    field to = make_field(molecule, state, memory);
    to.wants_energy = true;
    find_forces(&to);
    for (int l = 0; l < SCORE_LANES; l++) {
        energies->potential[l] = to.potential.lanes[l];
        energies->bias[l] = to.bias.lanes[l];
    }
    if (forces != NULL)
        memcpy(forces, to.f, 3 * (size_t)molecule->atoms * sizeof(score_vector));
}

#define NAME__(isa) #isa
#define NAME_(isa) NAME__(isa)

extern const peptide_kernel PEPTIDE_TYPED(peptide_kernel);
const peptide_kernel PEPTIDE_TYPED(peptide_kernel) = {.name = NAME_(SCORE_ISA),
                                                      .lanes = SCORE_LANES,
                                                      .memory_size = memory_size,
                                                      .draw_velocities = draw_velocities,
                                                      .advance = advance,
                                                      .evaluate = evaluate};
