#include "base/random.h"

#include <math.h>

static void philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

score_random score_random_stream(uint64_t seed, uint32_t purpose, uint32_t step, uint32_t index) {
    return (score_random){.key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
                          .counter = {0, index, step, purpose}};
}

uint32_t score_random_uint(score_random *random) {
    if (random->left == 0) {
        philox(random->block, random->counter, random->key);
        random->counter[0]++;
        random->left = 4;
    }
    return random->block[4 - random->left--];
}

double score_random_uniform(score_random *random) {
    uint64_t high = score_random_uint(random) >> 6, low = score_random_uint(random) >> 6;
    return ((double)(high << 26 | low) + 0.5) / 4503599627370496.0; /* 2^52 */
}

double score_random_normal(score_random *random) {
    if (random->has_spare) {
        random->has_spare = 0;
        return random->spare;
    }
    double radius = sqrt(-2 * log(score_random_uniform(random)));
    double angle = 2 * 3.14159265358979323846 * score_random_uniform(random);
    random->spare = radius * sin(angle);
    random->has_spare = 1;
    return radius * cos(angle);
}

void score_random_rotation(score_random *random, double r[9]) {
    double q[4], norm = 0;
    for (int k = 0; k < 4; k++) {
        q[k] = score_random_normal(random);
        norm += q[k] * q[k];
    }
    norm = sqrt(norm);
    double w = q[0] / norm, x = q[1] / norm, y = q[2] / norm, z = q[3] / norm;
    r[0] = 1 - 2 * (y * y + z * z), r[1] = 2 * (x * y - w * z), r[2] = 2 * (x * z + w * y);
    r[3] = 2 * (x * y + w * z), r[4] = 1 - 2 * (x * x + z * z), r[5] = 2 * (y * z - w * x);
    r[6] = 2 * (x * z - w * y), r[7] = 2 * (y * z + w * x), r[8] = 1 - 2 * (x * x + y * y);
}
