#include "field.h"

static void add_bond(field *to, const peptide_bond *bond) {
    const int *a = bond->atoms;
    score_vector d[3];
    difference3(&to->x[3 * a[0]], &to->x[3 * a[1]], d);
    const score_vector r2 = dot3(d, d), inverse = lane_inverse_sqrt(r2);
    const score_vector stretch = r2 * inverse - bond->length, pull = bond->k * stretch;
    if (to->wants_energy)
        field_add_energy(&to->potential, 0.5f * pull * stretch);
    const score_vector along = pull * inverse;
    for (int c = 0; c < 3; c++) {
        to->f[3 * a[0] + c] -= along * d[c];
        to->f[3 * a[1] + c] += along * d[c];
    }
}

/* With a and b the bonds from the middle, dtheta/da = -(b/|b| - a/|a| cos)/(|a| sin). */
static void add_angle(field *to, const peptide_angle *angle) {
    const int *atoms = angle->atoms;
    score_vector a[3], b[3];
    difference3(&to->x[3 * atoms[0]], &to->x[3 * atoms[1]], a);
    difference3(&to->x[3 * atoms[2]], &to->x[3 * atoms[1]], b);
    const score_vector ia = lane_inverse_sqrt(dot3(a, a)), ib = lane_inverse_sqrt(dot3(b, b));
    const score_vector highest = score_splat(0.99999f);
    score_vector cosine = dot3(a, b) * ia * ib;
    cosine = score_select(cosine > highest, highest, cosine);
    cosine = score_select(cosine < -highest, -highest, cosine);
    const score_vector bend = lane_acos(cosine) - angle->angle, torque = angle->k * bend;
    if (to->wants_energy)
        field_add_energy(&to->potential, 0.5f * torque * bend);
    const score_vector pull = torque * lane_inverse_sqrt(1.0f - cosine * cosine);
    for (int c = 0; c < 3; c++) {
        const score_vector ua = a[c] * ia, ub = b[c] * ib;
        const score_vector fa = pull * ia * (ub - ua * cosine);
        const score_vector fb = pull * ib * (ua - ub * cosine);
        to->f[3 * atoms[0] + c] += fa;
        to->f[3 * atoms[2] + c] += fb;
        to->f[3 * atoms[1] + c] -= fa + fb;
    }
}

/* cos(n phi) and sin(n phi) by addition, no angle is needed. Returns dE/dphi. */
SCORE_INLINE score_vector series(const peptide_torsion *torsion, score_vector cosine,
                                 score_vector sine, score_vector *energy) {
    score_vector c = cosine, s = sine, slope = {0}, sum = score_splat(torsion->constant);
    for (int n = 1; n <= torsion->highest; n++) {
        const float u = torsion->cosines[n - 1], v = torsion->sines[n - 1];
        sum += u * c + v * s;
        slope += (float)n * (v * c - u * s);
        const score_vector next = c * cosine - s * sine;
        s = s * cosine + c * sine;
        c = next;
    }
    *energy = sum;
    return slope;
}

/* Blondel and Karplus, J. Comput. Chem. 17, 1132 (1996). */
static void add_torsion(field *to, const peptide_torsion *torsion, field_energy *energy) {
    const int *a = torsion->atoms;
    score_vector f[3], g[3], h[3], m[3], n[3], nm[3];
    difference3(&to->x[3 * a[0]], &to->x[3 * a[1]], f);
    difference3(&to->x[3 * a[1]], &to->x[3 * a[2]], g);
    difference3(&to->x[3 * a[3]], &to->x[3 * a[2]], h);
    cross3(f, g, m);
    cross3(h, g, n);
    cross3(n, m, nm);
    const score_vector g2 = dot3(g, g), ig = lane_inverse_sqrt(g2), length = g2 * ig;
    const score_vector im = lane_inverse_sqrt(dot3(m, m)), in = lane_inverse_sqrt(dot3(n, n));
    const score_vector cosine = dot3(m, n) * im * in, sine = dot3(nm, g) * im * in * ig;
    score_vector value;
    const score_vector slope = series(torsion, cosine, sine, &value);
    if (to->wants_energy)
        field_add_energy(energy, value);
    const score_vector first = slope * length * im * im, last = slope * length * in * in;
    const score_vector share_f = dot3(f, g) * im * im * ig * slope;
    const score_vector share_h = dot3(h, g) * in * in * ig * slope;
    for (int c = 0; c < 3; c++) {
        const score_vector fi = first * m[c], fl = -last * n[c];
        const score_vector shift = share_f * m[c] - share_h * n[c];
        to->f[3 * a[0] + c] += fi;
        to->f[3 * a[1] + c] -= fi + shift;
        to->f[3 * a[2] + c] += shift - fl;
        to->f[3 * a[3] + c] += fl;
    }
}

void field_bonded(field *to) {
    const peptide_molecule *m = to->molecule;
    for (int k = 0; k < m->bonds; k++)
        add_bond(to, &m->bond[k]);
    for (int k = 0; k < m->angles; k++)
        add_angle(to, &m->angle[k]);
    for (int k = 0; k < m->torsions; k++)
        add_torsion(to, &m->torsion[k], &to->potential);
    if (m->biased)
        add_torsion(to, &m->bias, &to->bias);
}
