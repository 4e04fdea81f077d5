/* Emphasis of a region of conformations that does not change what is to be learned.
 *
 * A rare state says little in a mean over the data: a network that has the shape of the others
 * right still has the weight of that one wrong. With g(x) = factor where a dihedral angle lies in a
 * range and 1 elsewhere, frames x_0 are drawn g(x_0) times as often as the others, and the losses
 * of a sample x_t of frame x_0 are multiplied by g(x_t) / g(x_0). In the mean they are then
 * g(x_t) / <g(x_0)> times what they were. Where the model is right, denoising is least at each
 * (x, t), classification at each x and pair of times, and the Fokker-Planck residual is zero: no
 * positive factor of x moves that. A network that cannot be right everywhere is right sooner where
 * g is large. The mean factor, <g(x_t)> / <g(x_0)>, is 1 at early times and more at late ones,
 * which then count more. */
#ifndef SCORE_EMPHASIS_H
#define SCORE_EMPHASIS_H

typedef struct score_emphasis {
    double factor; /* above 1; 0: no emphasis */
    int beads[4];  /* of the dihedral angle, IUPAC's sign */
    double from;   /* degrees, in [-180, 180]; through 180 where from is above to */
    double to;
    long line; /* of <Emphasis> in the recipe */
} score_emphasis;

/* g of a molecule x (beads x 3, any unit); `emphasis` has a factor. */
double score_emphasis_at(const score_emphasis *emphasis, const double *x);

#endif
