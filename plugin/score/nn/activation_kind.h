/* The elementwise functions of nn/activation.h by name, for whoever does not compute. */
#ifndef SCORE_ACTIVATION_KIND_H
#define SCORE_ACTIVATION_KIND_H

typedef enum score_activation {
    SCORE_GELU,     /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), arXiv 1606.08415 */
    SCORE_GELU_ERF, /* x/2 (1 + erf(x/sqrt(2))), which that one is close to */
    SCORE_SWISH     /* x / (1 + exp(-x)) */
} score_activation;

#endif
