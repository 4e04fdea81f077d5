/* Coulomb, Lennard-Jones and generalized Born of all pairs, in three sweeps over the pairs:
 *   1. the integral I of every atom (Hawkins, Cramer and Truhlar 1996), and dI/dr of every pair;
 *      then its Born radius B (Onufriev, Bashford and Case 2004; Nguyen, Roe and Simmerling 2013)
 *   2. energies, their direct forces, and dE/dB; then dE/dI
 *   3. the forces of the I's
 * What a sweep needs of an atom j stays in the first cache while a tile of them is met by all i. */
#include "field.h"

/* ---- 1. Integrals ---- */

/* OpenMM's I(r) of an atom of offset radius `radius` that one of scaled radius s descreens:
 *   (1/L - 1/U + (r - s^2/r)(1/U^2 - 1/L^2)/4 + ln(L/U)/(2 r))/2,  U = r + s, L = max(radius, |r - s|)
 * where r + s > radius, else 0. *slope is (dI/dr)/r. */
SCORE_INLINE score_vector descreening(score_vector r, score_vector ir, float radius, float s,
                                      score_vector *slope) {
    const score_vector upper = r + s, lower = r - s, gap = lane_abs(lower);
    const score_vector l = lane_max(gap, score_splat(radius));
    const score_vector both = lane_inverse(l * upper), il = upper * both, iu = l * both;
    /* dL/dr: 0 inside, else the sign of r - s */
    const score_vector sign = (score_vector)(((lane_bits)lower & 0x80000000u) |
                                             (lane_bits)score_splat(1.0f));
    const score_vector dl = score_select(gap > radius, sign, score_splat(0));
    const score_vector il2 = il * il, iu2 = iu * iu, squares = iu2 - il2;
    const score_vector span = r - s * s * ir, logarithm = lane_log(l * iu);
    const score_vector half_ir = 0.5f * ir, ln_r = logarithm * half_ir;
    const score_vector value = il - iu + 0.25f * span * squares + ln_r;
    const score_vector dil = dl * il;
    const score_vector derivative = iu2 - dl * il2 + 0.25f * (1.0f + s * s * ir * ir) * squares +
                                    0.5f * span * (dil * il2 - iu2 * iu) +
                                    (half_ir * (dil - iu) - ln_r * ir);
    const score_mask reaches = upper > radius;
    *slope = score_select(reaches, 0.5f * ir * derivative, score_splat(0));
    return score_select(reaches, 0.5f * value, score_splat(0));
}

/* The same where r > radius + |s|, so that L = r - s. With z = s/r and w = z^2,
 *   I = (z/(1 - w) - artanh z)/(2 r) = A G(w),  dI/dr = -A (2/(1 - w) + G(w))/r,
 *   A = z^3/(2 r (1 - w)),  G(w) = sum over k of 2 w^k/((2 k + 1)(2 k + 3)),
 * without the cancellation of the general form. The polynomial is G's Chebyshev interpolation on
 * [0, PEPTIDE_FAR_RANGE], relative error 1.2e-7. */
SCORE_INLINE score_vector descreening_far(score_vector ir, score_vector ir2, float s,
                                          score_vector *slope) {
    const score_vector z = s * ir, w = s * s * ir2, h = lane_inverse(1.0f - w);
    score_vector g = w * 3.915116e-2f + 6.46812e-3f;
    g = g * w + 3.486302e-2f;
    g = g * w + 5.683642e-2f;
    g = g * w + 1.3334408e-1f;
    g = g * w + 6.6666661e-1f;
    const score_vector a = (0.5f * ir * z) * (w * h);
    *slope = -(a * ir2) * (2.0f * h + g);
    return a * g;
}

/* The neck of two atoms (Mongan, Simmerling, McCammon, Case and Onufriev 2007); adds to *slope. */
SCORE_INLINE score_vector neck(score_vector r, score_vector ir, score_mask reaches,
                               const peptide_neck *of, score_vector *slope) {
    const score_vector d = r - of->d0, d2 = d * d, d4 = d2 * d2;
    const score_vector inverse = lane_inverse(1.0f + 100.0f * d2 + 3e5f * (d4 * d2));
    const score_vector value = of->m0 * inverse;
    const score_vector change = -value * inverse * d * (200.0f + 1.8e6f * d4);
    *slope += score_select(reaches, change * ir, score_splat(0));
    return score_select(reaches, value, score_splat(0));
}

SCORE_INLINE void integrals_row(const field *to, bool has_necks, int i, int begin, int end,
                                int pair) {
    const peptide_molecule *m = to->molecule;
    const peptide_born *a = &m->born[i];
    const score_vector xi[3] = {to->x[3 * i], to->x[3 * i + 1], to->x[3 * i + 2]};
    const peptide_pair *parameters = &m->pair[pair];
    score_vector integral = to->integral[i];
    for (int j = begin; j < end; j++, pair++, parameters++) {
        const peptide_born *b = &m->born[j];
        score_vector d[3], slope_i, slope_j;
        difference3(xi, &to->x[3 * j], d);
        const score_vector r2 = dot3(d, d), ir = lane_inverse_sqrt(r2), r = r2 * ir;
        /* A lane's numbers may not depend on the other lanes: near ones get the general form. */
        const score_vector ir2 = ir * ir;
        score_vector of_i = descreening_far(ir, ir2, b->screened, &slope_i);
        score_vector of_j = descreening_far(ir, ir2, a->screened, &slope_j);
        const score_mask near = r2 < parameters->far2;
        if (lane_any(near)) {
            score_vector near_i, near_j;
            const score_vector value_i = descreening(r, ir, a->radius, b->screened, &near_i);
            const score_vector value_j = descreening(r, ir, b->radius, a->screened, &near_j);
            of_i = score_select(near, value_i, of_i);
            of_j = score_select(near, value_j, of_j);
            slope_i = score_select(near, near_i, slope_i);
            slope_j = score_select(near, near_j, slope_j);
        }
        if (has_necks) {
            const score_mask reaches = r <= a->whole + b->whole + m->neck_cut;
            if (lane_any(reaches)) {
                of_i += neck(r, ir, reaches, &m->neck[a->kind * m->radii + b->kind], &slope_i);
                of_j += neck(r, ir, reaches, &m->neck[b->kind * m->radii + a->kind], &slope_j);
            }
        }
        integral += of_i;
        to->integral[j] += of_j;
        to->descreening[2 * pair] = slope_i;
        to->descreening[2 * pair + 1] = slope_j;
    }
    to->integral[i] = integral;
}

/* psi = I or, B = 1/(1/or - tanh(alpha psi - beta psi^2 + gamma psi^3)/whole); what an atom has of
 * the energy by itself, and dE/dB of that. The factor dB/dI takes the integral's place. */
static void radii(field *to) {
    const peptide_molecule *m = to->molecule;
    for (int i = 0; i < m->atoms; i++) {
        const peptide_born *a = &m->born[i];
        const score_vector psi = to->integral[i] * a->radius;
        const score_vector t = lane_tanh(psi * (a->alpha + psi * (a->gamma * psi - a->beta)));
        const score_vector inverse = 1 / a->radius - t * (1 / a->whole), b = lane_inverse(inverse);
        const score_vector slope = a->alpha + psi * (3 * a->gamma * psi - 2 * a->beta);
        const score_vector ratio = a->whole * inverse, ratio3 = ratio * ratio * ratio;
        const score_vector surface = a->surface * (ratio3 * ratio3);
        const score_vector self = 0.5f * a->charge * a->charge * inverse;
        to->inverse[i] = inverse;
        to->radius[i] = b;
        to->slope[i] = (self - 6.0f * surface) * inverse;
        to->integral[i] = b * b * (1.0f - t * t) * slope * (a->radius / a->whole);
        if (to->wants_energy)
            field_add_energy(&to->potential, surface - self);
    }
}

/* ---- 2. Energies and direct forces ---- */

/* E = -q_i q_j/f, f^2 = r^2 + B_i B_j exp(-r^2/(4 B_i B_j)); charge/r + c12/r^12 - c6/r^6. */
SCORE_INLINE void energies_row(field *to, bool wants_energy, int i, int begin, int end, int pair) {
    const peptide_molecule *m = to->molecule;
    const peptide_pair *parameters = &m->pair[pair];
    const score_vector xi[3] = {to->x[3 * i], to->x[3 * i + 1], to->x[3 * i + 2]};
    const score_vector bi = to->radius[i], ibi = to->inverse[i];
    score_vector f[3] = {to->f[3 * i], to->f[3 * i + 1], to->f[3 * i + 2]};
    score_vector slope = to->slope[i], energy = {0};
    for (int j = begin; j < end; j++, parameters++) {
        score_vector d[3];
        difference3(xi, &to->x[3 * j], d);
        const score_vector r2 = dot3(d, d), ir = lane_inverse_sqrt(r2);
        const score_vector bj = to->radius[j], ibj = to->inverse[j], quarter = 0.25f * r2;
        const score_vector decay = lane_exp_of_negative(-quarter * (ibi * ibj));
        const score_vector inverse_f = lane_inverse_sqrt(r2 + bi * bj * decay);
        const float charges = m->born[i].charge * m->born[j].charge;
        const score_vector born = charges * inverse_f;
        const score_vector steep = born * (inverse_f * inverse_f); /* (dE/df)/f */
        const score_vector half = 0.5f * steep * decay;
        slope += half * (bj + quarter * ibi);
        to->slope[j] += half * (bi + quarter * ibj);

        const score_vector ir2 = ir * ir, ir6 = ir2 * ir2 * ir2, coulomb = parameters->charge * ir;
        const score_vector repulsion = parameters->c12 * ir6;
        const score_vector direct = steep * (1.0f - 0.25f * decay) -
                                    (coulomb + (12.0f * repulsion - 6.0f * parameters->c6) * ir6) *
                                        ir2;
        if (wants_energy)
            energy += coulomb - born + (repulsion - parameters->c6) * ir6;
        for (int c = 0; c < 3; c++) {
            const score_vector pull = direct * d[c];
            f[c] -= pull;
            to->f[3 * j + c] += pull;
        }
    }
    for (int c = 0; c < 3; c++)
        to->f[3 * i + c] = f[c];
    to->slope[i] = slope;
    if (wants_energy)
        field_add_energy(&to->potential, energy);
}

/* ---- 3. Forces of the integrals ---- */

SCORE_INLINE void chain_row(field *to, int i, int begin, int end, int pair) {
    const score_vector xi[3] = {to->x[3 * i], to->x[3 * i + 1], to->x[3 * i + 2]};
    const score_vector of_i = to->integral[i];
    score_vector f[3] = {to->f[3 * i], to->f[3 * i + 1], to->f[3 * i + 2]};
    for (int j = begin; j < end; j++, pair++) {
        const score_vector along = of_i * to->descreening[2 * pair] +
                                   to->integral[j] * to->descreening[2 * pair + 1];
        for (int c = 0; c < 3; c++) {
            const score_vector pull = along * (xi[c] - to->x[3 * j + c]);
            f[c] -= pull;
            to->f[3 * j + c] += pull;
        }
    }
    for (int c = 0; c < 3; c++)
        to->f[3 * i + c] = f[c];
}

void field_nonbonded(field *to) {
    const int atoms = to->molecule->atoms;
    for (int i = 0; i < atoms; i++)
        to->integral[i] = score_splat(0);
#define INTEGRALS(i, j0, j1, p) integrals_row(to, true, i, j0, j1, p)
#define INTEGRALS_WITHOUT_NECKS(i, j0, j1, p) integrals_row(to, false, i, j0, j1, p)
#define ENERGIES(i, j0, j1, p) energies_row(to, true, i, j0, j1, p)
#define FORCES_ALONE(i, j0, j1, p) energies_row(to, false, i, j0, j1, p)
#define CHAIN(i, j0, j1, p) chain_row(to, i, j0, j1, p)
    if (to->molecule->radii > 0) {
        PEPTIDE_FOR_ALL_ROWS(atoms, INTEGRALS)
    } else {
        PEPTIDE_FOR_ALL_ROWS(atoms, INTEGRALS_WITHOUT_NECKS)
    }
    radii(to);
    if (to->wants_energy) {
        PEPTIDE_FOR_ALL_ROWS(atoms, ENERGIES)
    } else {
        PEPTIDE_FOR_ALL_ROWS(atoms, FORCES_ALONE)
    }
    for (int i = 0; i < atoms; i++)
        to->integral[i] *= to->slope[i]; /* dE/dI */
    PEPTIDE_FOR_ALL_ROWS(atoms, CHAIN)
}

/* ---- Memory ---- */

static size_t count_vectors(const peptide_molecule *molecule) {
    const size_t atoms = (size_t)molecule->atoms;
    return 4 * atoms + atoms * (atoms - 1);
}

size_t field_memory_size(const peptide_molecule *molecule) {
    return count_vectors(molecule) * sizeof(score_vector);
}

void field_place(field *to, void *memory) {
    const int atoms = to->molecule->atoms;
    to->integral = memory;
    to->radius = to->integral + atoms;
    to->inverse = to->radius + atoms;
    to->slope = to->inverse + atoms;
    to->descreening = to->slope + atoms;
}
