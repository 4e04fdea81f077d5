#include "ScoreForceTests.h"

int main(int argc, char **argv) {
    return OpenMMScore::runScoreForceTests("CPU", SCORE_SINGLE_PRECISION, argc, argv);
}
