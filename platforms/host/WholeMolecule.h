#ifndef OPENMM_SCORE_WHOLE_MOLECULE_H_
#define OPENMM_SCORE_WHOLE_MOLECULE_H_

#include "ScoreModel.h"
#include "openmm/Vec3.h"

namespace OpenMMScore {

/**
 * The shortest of all vectors that differ from `delta` by a sum of whole box vectors.
 *
 * @param delta    a vector between two particles, in nm
 * @param box      the three vectors of a periodic box as OpenMM keeps them: the first along x, the
 *                 second in the xy plane, with positive diagonal; any angles, in nm
 */
OPENMM_SCORE_EXPORT OpenMM::Vec3 nearestImage(const OpenMM::Vec3 &delta, const OpenMM::Vec3 box[3]);

} // namespace OpenMMScore

#endif
