/* A base of the energy: E += -log g_t(x), g_t the density of data that were Gaussian to begin with
 * and have diffused until t (score/model.h, score_gaussian).
 *
 * Data of mean mu and covariance C diffuse to the mean m mu and the covariance m^2 C + sigma^2, m and
 * sigma being those of the diffusion. With the modes u_k of C, of variance g_k,
 *     v_k = m^2 g_k + sigma^2,   z_k = u_k . x - m u_k . mu,
 *     -log g_t(x) = sum over k of |z_k|^2/(2 v_k) + c_k/2 log(2 pi v_k):
 * a normalised density in the coordinates that the model sees (without the mean over beads where it
 * is centred), which fulfils the Fokker-Planck equation and is known wherever x may be. A mode over
 * beads stands for one in each dimension: z_k then has `dimensions` components, and so many are
 * c_k; over coordinates both are 1. One variance for all coordinates needs no modes: z_k is bead k,
 * and where the mean over beads is not seen, the logarithm counts one bead less.
 *
 * z is linear in x, and everything else is a function of t alone, so that streams are Leibniz' rule:
 * with P = 1/v, L = log(2 pi v), derivatives by t as indices, and t' the direction's part along t,
 *     z' = u . x' - m_1 u . mu t',   z'' = -m_2 u . mu t'^2,
 *     E  = z.z P/2 + c L/2
 *     E' = z.z' P + z.z P_1 t'/2 + c L_1 t'/2
 *     E''= (z'.z' + z.z'') P + 2 z.z' P_1 t' + z.z P_2 t'^2/2 + c L_2 t'^2/2,
 * and so are their derivatives by z and t.
 * Sums are in double, whatever the rest of the network is computed in: they are few. */
#ifndef SCORE_DIFFUSED_GAUSSIAN_H
#define SCORE_DIFFUSED_GAUSSIAN_H

#include "model/diffusion.h"
#include "nn/streams.h"
#include "score/model.h"

#define score_diffused_gaussian_forward SCORE_TYPED(score_diffused_gaussian_forward)
#define score_diffused_gaussian_backward SCORE_TYPED(score_diffused_gaussian_backward)

/* M molecules of R beads in all. */
typedef struct score_diffused_gaussian {
    const score_gaussian *gaussian;
    score_noise_schedule schedule;
    int dimensions;
    int centred;
    int molecules;
    int rows;
    const int *first_row; /* [M + 1] */
} score_diffused_gaussian;

/* x: [streams][R][d], centred where the model is; t: [streams][M], t' where a direction moves time;
 * energy [streams][M] +=. Orders 2 of x and t are not read. */
void score_diffused_gaussian_forward(const score_streams *layout, unsigned streams,
                                     const score_diffused_gaussian *shape, const score_real *x,
                                     const score_real *t, score_real *energy);

/* x_bar [R][d] and, unless it is NULL, t_bar [M] += the adjoints of the value's inputs. */
void score_diffused_gaussian_backward(const score_streams *layout, unsigned streams,
                                      const score_diffused_gaussian *shape, const score_real *x,
                                      const score_real *t, const score_real *energy_bar,
                                      score_real *x_bar, score_real *t_bar);

#endif
