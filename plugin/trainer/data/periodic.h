/* Molecules that a periodic box has broken are made whole: every bead at the image that is nearest to
 * the bead before it, as ScoreForce does it (plugin/openmm/WholeMolecule.h). */
#ifndef SCORE_PERIODIC_H
#define SCORE_PERIODIC_H

#include <stdbool.h>

/* Rows a, b, c: a along x, b in the plane of x and y, none leaning by more than half of another. */
typedef struct score_box {
    double vector[3][3];
} score_box;

/* Of lengths, and angles alpha, beta, gamma in degrees. False where they are those of no box. */
bool score_box_make(const double lengths[3], const double angles[3], score_box *box);

/* The shortest of all vectors that differ from `delta` by a sum of whole box vectors. */
void score_box_nearest(const score_box *box, double delta[3]);

/* positions: beads x 3, in the unit of the box; what is not broken keeps its bits. */
void score_box_make_whole(const score_box *box, int beads, double *positions);

/* The first bead that is nearly half of the box or more from the bead before it, so that another of its
 * images is about as near; 0: there is none. */
int score_box_find_far(const score_box *box, int beads, const double *positions);

#endif
