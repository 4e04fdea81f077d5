#ifndef OPENMM_SCORE_FORCE_H_
#define OPENMM_SCORE_FORCE_H_

#include <string>
#include <vector>

#include "ScoreModel.h"
#include "openmm/Context.h"
#include "openmm/Force.h"

namespace OpenMMScore {

/**
 * The potential of mean force that a trained diffusion model has learned, for any number of
 * molecules (arXiv 2506.17139, section 3):
 *
 *     U(r) = scale * sum over molecules of k T E(x, t),    F = -dU/dr = scale * k T * score,
 *
 * with E the model's energy, score = d log q_t / dr, T the temperature of the training data and t
 * the diffusion time, close to zero.
 *
 * U is a free energy at T, so simulate at T. Nothing compares T with the temperature of an
 * integrator: at another one, T', the learned density is sampled to the power scale * T / T'.
 *
 * Call addMolecule() once for every molecule. A force without molecules takes the whole System for
 * one, if their sizes agree.
 *
 * The diffusion time and the scale are parameters of the Context, so that Context::setParameter()
 * changes them during a simulation. Their names can be changed. Two forces that use the same name
 * share the parameter, and must give it the same default. To have the derivative of the energy with
 * respect to one of them in a State, call addEnergyParameterDerivative() first; it is then computed
 * along with the forces.
 *
 * A CustomCVForce or an ATMForce hides from OpenMM which platforms can compute the force inside it.
 * Name one for a Context that has a ScoreForce there, "CPU" or "Reference": OpenMM may choose another,
 * and then fail.
 *
 * Every misuse throws an OpenMM::OpenMMException that names the value: at once where it can be
 * known, else when a Context is created. So does an energy that is not finite, with the index of
 * the molecule. Context::setParameter() takes any number, and a wrong one throws at the next
 * evaluation.
 */
class OPENMM_SCORE_EXPORT ScoreForce : public OpenMM::Force {
  public:
    /**
     * Create a ScoreForce.
     *
     * @param modelFile    the path of a model file, .xml or .xml.gz; the model must have an expert
     *                     that gives an energy
     */
    explicit ScoreForce(const std::string &modelFile);
    /**
     * Create a ScoreForce.
     *
     * @param model    the model; it must have an expert that gives an energy
     */
    explicit ScoreForce(const ScoreModel &model);
    /**
     * The model, which never changes.
     */
    const ScoreModel &getModel() const;
    /**
     * The number of molecules that were added. 0 stands for the whole System as one molecule.
     */
    int getNumMolecules() const;
    /**
     * Add a molecule.
     *
     * @param particles    the indices of its particles, in the order of the model's beads; no
     *                     particle may be in more than one molecule of a force. A model without
     *                     features takes exactly ScoreModel::getNumBeads() of them.
     * @param features     for a model with features: those of every particle in turn, that is
     *                     particles x ScoreModel::getNumFeatures() values, or nothing, which stands
     *                     for the features in the model's list of beads
     * @return the index of the molecule
     */
    int addMolecule(const std::vector<int> &particles,
                    const std::vector<int> &features = std::vector<int>());
    /**
     * Get the particles and features of a molecule.
     *
     * @param index             the index of the molecule
     * @param[out] particles    the indices of its particles
     * @param[out] features     their features, empty if they are those in the model's list of beads
     */
    void getMoleculeParameters(int index, std::vector<int> &particles,
                               std::vector<int> &features) const;
    /**
     * Set the particles and features of a molecule.
     *
     * @param index        the index of the molecule
     * @param particles    the indices of its particles, as for addMolecule()
     * @param features     their features, as for addMolecule()
     */
    void setMoleculeParameters(int index, const std::vector<int> &particles,
                               const std::vector<int> &features = std::vector<int>());
    /**
     * The diffusion time in a new Context, a number without unit, 1e-5 by default.
     */
    double getDiffusionTime() const;
    /**
     * Set the diffusion time in a new Context.
     *
     * @param time    positive; an expert of the model that gives an energy must own it, which is
     *                checked when a Context is created
     */
    void setDiffusionTime(double time);
    /**
     * The factor of the energy in a new Context, 1 by default.
     */
    double getScale() const;
    /**
     * Set the factor of the energy in a new Context.
     *
     * @param scale    any finite number
     */
    void setScale(double scale);
    /**
     * The name of the Context parameter that is the diffusion time, by default
     * "ScoreForceDiffusionTime".
     */
    const std::string &getDiffusionTimeParameterName() const;
    /**
     * Set the name of the Context parameter that is the diffusion time.
     *
     * @param name    not empty, and not the name of the other parameter
     */
    void setDiffusionTimeParameterName(const std::string &name);
    /**
     * The name of the Context parameter that is the factor of the energy, by default
     * "ScoreForceScale".
     */
    const std::string &getScaleParameterName() const;
    /**
     * Set the name of the Context parameter that is the factor of the energy.
     *
     * @param name    not empty, and not the name of the other parameter
     */
    void setScaleParameterName(const std::string &name);
    /**
     * Request the derivative of the energy with respect to a Context parameter of this force.
     * Asking again for the same one changes nothing. The request follows the parameter when it gets
     * another name.
     *
     * @param name    getDiffusionTimeParameterName() or getScaleParameterName()
     */
    void addEnergyParameterDerivative(const std::string &name);
    /**
     * The number of derivatives that were requested.
     */
    int getNumEnergyParameterDerivatives() const;
    /**
     * The name of the parameter of a derivative that was requested.
     *
     * @param index    the index of the derivative
     */
    const std::string &getEnergyParameterDerivativeName(int index) const;
    /**
     * Set whether molecules may be broken over periodic boundaries. They are then made whole, each
     * bead put at the image nearest to the bead before it. This is needed where particles have been
     * wrapped into the box one by one. Off by default. Molecules never interact with their own
     * images.
     *
     * @param periodic    whether to use periodic boundary conditions
     */
    void setUsesPeriodicBoundaryConditions(bool periodic);
    /**
     * Whether molecules may be broken over periodic boundaries.
     */
    bool usesPeriodicBoundaryConditions() const override;
    /**
     * Copy the particles and features of all molecules to a Context that exists already. Their
     * number must be what it was. Nothing else is copied: use Context::setParameter() for the
     * diffusion time and the scale, and Context::reinitialize() for all other changes, among them
     * which particles OpenMM takes to belong together when it wraps positions or scales the box.
     * This costs as much as to create the force's part of a Context, many times a step.
     *
     * @param context    the Context
     */
    void updateParametersInContext(OpenMM::Context &context);
    /**
     * Get the energy of every molecule, measured in kJ/mol, at the positions and parameters of a
     * Context. Their sum is the energy of this force, which is that of its group if it is there
     * alone. All forces of the group are evaluated.
     *
     * @param context          the Context
     * @param[out] energies    of every molecule in turn; one, if none was added
     */
    void getMoleculeEnergies(OpenMM::Context &context, std::vector<double> &energies);

  protected:
    OpenMM::ForceImpl *createImpl() const override;

  private:
    struct Molecule {
        std::vector<int> particles;
        std::vector<int> features;
    };
    enum Parameter { DiffusionTime = 0, Scale = 1 };
    void checkMolecule(int index, const Molecule &molecule) const;
    void setParameterName(Parameter parameter, const std::string &name);

    ScoreModel model;
    std::vector<Molecule> molecules;
    double diffusionTime = 1e-5;
    double scale = 1.0;
    std::string parameterNames[2] = {"ScoreForceDiffusionTime", "ScoreForceScale"};
    std::vector<Parameter> derivatives;
    bool periodic = false;
};

} // namespace OpenMMScore

#endif
