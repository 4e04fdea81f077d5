#ifndef OPENMM_SCORE_FORCE_PROXY_H_
#define OPENMM_SCORE_FORCE_PROXY_H_

#include "openmm/serialization/SerializationProxy.h"

namespace OpenMMScore {

/**
 * Writes a ScoreForce with all it needs, the weights included, and reads it back bit for bit.
 */
class ScoreForceProxy : public OpenMM::SerializationProxy {
  public:
    ScoreForceProxy();
    void serialize(const void *object, OpenMM::SerializationNode &node) const override;
    void *deserialize(const OpenMM::SerializationNode &node) const override;
};

} // namespace OpenMMScore

#endif
