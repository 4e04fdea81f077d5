#include "recipe/emphasis.h"

#include <math.h>
#include <stdbool.h>

static void subtract(const double *a, const double *b, double *difference) {
    for (int d = 0; d < 3; d++)
        difference[d] = a[d] - b[d];
}

static void cross(const double *a, const double *b, double *product) {
    for (int d = 0; d < 3; d++)
        product[d] = a[(d + 1) % 3] * b[(d + 2) % 3] - a[(d + 2) % 3] * b[(d + 1) % 3];
}

static double dot(const double *a, const double *b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* Of four points, in degrees. (Blondel and Karplus, J. Comput. Chem. 17, 1132, 1996.) */
static double dihedral(const double *points[4]) {
    const double degrees = 57.29577951308232;
    double bonds[3][3], first[3], second[3];
    for (int k = 0; k < 3; k++)
        subtract(points[k + 1], points[k], bonds[k]);
    cross(bonds[0], bonds[1], first);
    cross(bonds[1], bonds[2], second);
    const double sine = sqrt(dot(bonds[1], bonds[1])) * dot(bonds[0], second);
    return degrees * atan2(sine, dot(first, second));
}

double score_emphasis_at(const score_emphasis *emphasis, const double *x) {
    const double *points[4];
    for (int k = 0; k < 4; k++)
        points[k] = x + 3 * emphasis->beads[k];
    const double angle = dihedral(points);
    const bool after = angle >= emphasis->from, before = angle <= emphasis->to;
    const bool inside = emphasis->from <= emphasis->to ? after && before : after || before;
    return inside ? emphasis->factor : 1;
}
