
#include "subjects.h"
#include "unit_test.h"

#define LADDER(layer)                                                                              \
    static void layer##_climbs_the_ladder(void **state) {                                          \
        (void)state;                                                                               \
        for (int set = 0; set < STREAM_SETS; set++)                                                \
            with_##layer(set, climb);                                                              \
    }

LADDER(linear)
LADDER(gelu)
LADDER(gelu_erf)
LADDER(swish)
LADDER(layernorm)
LADDER(gate)
LADDER(attention)
LADDER(embedding_kinds)
LADDER(embedding_features)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_climbs_the_ladder),
        cmocka_unit_test(gelu_climbs_the_ladder),
        cmocka_unit_test(gelu_erf_climbs_the_ladder),
        cmocka_unit_test(swish_climbs_the_ladder),
        cmocka_unit_test(layernorm_climbs_the_ladder),
        cmocka_unit_test(gate_climbs_the_ladder),
        cmocka_unit_test(attention_climbs_the_ladder),
        cmocka_unit_test(embedding_kinds_climbs_the_ladder),
        cmocka_unit_test(embedding_features_climbs_the_ladder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
