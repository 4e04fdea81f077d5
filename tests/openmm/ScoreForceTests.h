/* All tests of the force, for whichever platform main names:
 *
 *     TestReferenceScoreForce [name of one test]
 *
 * Without a name all run except those that take long. */
#ifndef SCORE_FORCE_TESTS_H_
#define SCORE_FORCE_TESTS_H_

#include <cstdio>
#include <cstring>
#include <exception>

#include "TestSystems.h"

#include "EnergyTests.h"

#include "DynamicsTests.h"
#include "MisuseTests.h"
#include "ParameterTests.h"
#include "PeriodicTests.h"
#include "SerializationTests.h"

namespace OpenMMScore {

struct NamedTest {
    const char *name;
    void (*run)();
    bool isLong;
};

#define SCORE_TEST(function)                                                                       \
    { #function, function, false }
#define SCORE_LONG_TEST(function)                                                                  \
    { #function, function, true }

inline std::vector<NamedTest> allTests() {
    return {SCORE_TEST(testKernelOfThisPlatformRuns),
            SCORE_TEST(testForcesEqualTheCores),
            SCORE_TEST(testForcesAreDifferences),
            SCORE_TEST(testForcesOnABaseAreDifferences),
            SCORE_TEST(testBaseIsTheUnitGaussianInTheEnd),
            SCORE_TEST(testToyModelsUseTheirDimensionsOnly),
            SCORE_TEST(testManyMoleculesAreOneAtATime),
            SCORE_TEST(testMoleculesOfFeaturesDiffer),
            SCORE_TEST(testFeaturesDefaultToTheModels),
            SCORE_TEST(testWholeSystemIsTheDefault),
            SCORE_TEST(testEnergiesOfMolecules),
            SCORE_TEST(testSubsetBesideOtherForces),
            SCORE_TEST(testInsideACollectiveVariable),
            SCORE_TEST(testNearestImage),
            SCORE_TEST(testNearestImageOfARunaway),
            SCORE_TEST(testBrokenMoleculesAreMadeWhole),
            SCORE_TEST(testBarostatMovesWholeMolecules),
            SCORE_TEST(testParametersOfTheContext),
            SCORE_TEST(testParameterDerivatives),
            SCORE_TEST(testDerivativesOnlyWhereAsked),
            SCORE_TEST(testForcesShareParameters),
            SCORE_TEST(testExpertsOwnTheirTimes),
            SCORE_TEST(testReinitialize),
            SCORE_TEST(testUpdateParametersInContext),
            SCORE_TEST(testForceSurvivesXml),
            SCORE_TEST(testSystemSurvivesXml),
            SCORE_TEST(testDamagedXmlIsRefused),
            SCORE_TEST(testModelSurvivesAFile),
            SCORE_TEST(testModelTellsWhatItHolds),
            SCORE_TEST(testMisuseOfTheForce),
            SCORE_TEST(testMisuseOfFeatures),
            SCORE_TEST(testMisuseOfTheModel),
            SCORE_TEST(testMisuseInAContext),
            SCORE_TEST(testEnergyThatIsNotFinite),
            SCORE_TEST(testTwoContextsInTwoThreads),
            SCORE_TEST(testCheckpointAndState),
            SCORE_LONG_TEST(testEnergyIsConserved)};
}

/* Returns whether it passed. */
inline bool runTest(const NamedTest &test) {
    try {
        test.run();
        std::printf("ok      %s\n", test.name);
        return true;
    } catch (const std::exception &e) {
        std::printf("FAILED  %s: %s\n", test.name, e.what());
        return false;
    }
}

/* The exit status of the program: 0 if there was something to run and all of it passed. */
inline int runScoreForceTests(const char *platform, score_precision precision, int argc,
                              char **argv) {
    for (const char *library : {SCORE_TEST_LIBRARIES})
        OpenMM::Platform::loadPluginLibrary(library);
    testPlatform() = {platform, precision, precision == SCORE_SINGLE_PRECISION ? 6.0e-8 : 1.1e-16};
    int passed = 0, failed = 0;
    for (const NamedTest &test : allTests())
        if (argc > 1 ? std::strcmp(argv[1], test.name) == 0 : !test.isLong)
            runTest(test) ? passed++ : failed++;
    std::printf("%s: %d passed, %d failed\n", platform, passed, failed);
    return passed > 0 && failed == 0 ? 0 : 1;
}

} // namespace OpenMMScore

#endif
