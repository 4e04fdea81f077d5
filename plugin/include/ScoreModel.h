#ifndef OPENMM_SCORE_MODEL_H_
#define OPENMM_SCORE_MODEL_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "openmm/Vec3.h"

#if defined(__GNUC__) && !defined(SWIG)
#define OPENMM_SCORE_EXPORT __attribute__((visibility("default")))
#else
#define OPENMM_SCORE_EXPORT
#endif

struct score_model;

namespace OpenMMScore {

/**
 * A trained diffusion model (arXiv 2506.17139): what it describes (beads, units, diffusion) and its
 * experts, each a neural network that owns a range of diffusion time.
 *
 * A ScoreModel is a value whose contents never change. Copies share them, so copying costs nothing,
 * and one model may be used from many threads at once.
 *
 * Every function that fails throws an OpenMM::OpenMMException with the value that is wrong and,
 * where it came from a file, the file and the line.
 */
class OPENMM_SCORE_EXPORT ScoreModel {
  public:
    /**
     * Read a model.
     *
     * @param file    the path of a model file, .xml or .xml.gz
     */
    explicit ScoreModel(const std::string &file);
    /**
     * Take over a model made with the C functions in score/model.h.
     *
     * @param model    the handle; this object destroys it
     */
    explicit ScoreModel(score_model *model);
    /**
     * Read a model from the text of a model file.
     *
     * @param xml    uncompressed XML, as toXml() returns it
     */
    static ScoreModel fromXml(const std::string &xml);
    /**
     * The model as the text of a model file, uncompressed. The same model gives the same text, and
     * fromXml() gives back the same model, bit for bit.
     */
    std::string toXml() const;
    /**
     * Write the model to a file. On an error the file is as it was before.
     *
     * @param file    the path, compressed if it ends in .gz
     */
    void save(const std::string &file) const;
    /**
     * The number of beads in the model's list: of every molecule if getNumFeatures() is 0, else of
     * one example molecule, possibly none.
     */
    int getNumBeads() const;
    /**
     * The number of coordinates of a bead: 3, or 1 or 2 for a toy potential.
     */
    int getDimensions() const;
    /**
     * Whether the mean over the beads of a molecule is removed inside every call of the model, so
     * that the energy does not change when the molecule is moved.
     */
    bool isCentred() const;
    /**
     * The temperature of the training data, measured in K.
     */
    double getTemperature() const;
    /**
     * The length that is 1 in the model's coordinates, measured in nm.
     */
    double getScale() const;
    /**
     * Get the largest distance, in nm, of beads next to each other in the list, over the frames of
     * training; 0 if there is one bead, or if the model does not state it.
     */
    double getNeighbourRange() const;
    /**
     * Get the largest distance, in nm, of a bead from the mean over the beads of its molecule (if
     * the model is not centred, from the origin), over the frames of training; 0 if the model does
     * not state it.
     */
    double getCentreRange() const;
    /**
     * The noise schedule, by its word in model files, for example "variance-preserving" for a beta
     * that is linear in time.
     */
    std::string getNoiseSchedule() const;
    /**
     * The number of settings of the noise schedule.
     */
    int getNumNoiseScheduleSettings() const;
    /**
     * A setting of the noise schedule.
     *
     * @param index       the index of the setting
     * @param[out] name   its name in model files
     * @param[out] value  its value
     */
    void getNoiseScheduleSetting(int index, std::string &name, double &value) const;
    /**
     * m(t), what is left of the data at a diffusion time: x_t = m x_0 + sigma eps.
     *
     * @param time    the diffusion time, from 0 to 1
     */
    double getSignal(double time) const;
    /**
     * sigma(t), the standard deviation of the noise at a diffusion time, in the model's coordinates.
     *
     * @param time    the diffusion time, from 0 to 1
     */
    double getNoise(double time) const;
    /**
     * The diffusion time with a given sigma(t). It is above 1 for noise that the model never reaches.
     *
     * @param noise    sigma, at least 0 and less than 1
     */
    double getTimeOfNoise(double noise) const;
    /**
     * The number of integer features by which the model knows a bead, or 0 if it knows its beads
     * one by one.
     */
    int getNumFeatures() const;
    /**
     * The number of values that a feature may have: it is at least 0 and less than this.
     *
     * @param index    the index of the feature
     */
    int getFeatureSize(int index) const;
    /**
     * The number of experts.
     */
    int getNumExperts() const;
    /**
     * What an expert is.
     *
     * @param index              the index of the expert
     * @param[out] architecture  "graph-transformer" or "mlp", as a model file has it
     * @param[out] output        "energy", or "score" for an expert that gives the gradient alone
     *                           and so cannot be used for a force
     * @param[out] hidden        the width of the layers
     * @param[out] layers        the number of layers
     * @param[out] timeBegin     the beginning of the range of diffusion time that it owns
     * @param[out] timeEnd       the end of that range, which belongs to it
     */
    void getExpert(int index, std::string &architecture, std::string &output, int &hidden,
                   int &layers, double &timeBegin, double &timeEnd) const;
    /**
     * The settings of an expert that only some networks have, as a model file has them, by their
     * names there: those of its architecture (of a graph transformer heads, headWidth, activation
     * and normEpsilon), and timeVariance. What is optional in a file is not there if it is as usual.
     *
     * @param index    the index of the expert
     */
    std::map<std::string, std::string> getExpertSettings(int index) const;
    /**
     * What lies beneath the network of an expert: "none", or "gaussian", whose energy is that of the
     * network minus the logarithm of the density that the model's Gaussian has at its diffusion time.
     *
     * @param index    the index of the expert
     */
    std::string getExpertBase(int index) const;
    /**
     * The Gaussian of the training data, in normalised coordinates (positions over getScale(), without
     * the mean over beads where isCentred()).
     *
     * @param[out] over        what its modes are made of: "beads", each mode being the same along every
     *                         dimension, "coordinates", bead after bead, "all", where every coordinate
     *                         has the one variance there is, or "none", if the model has no Gaussian
     * @param[out] variances   of every mode
     * @param[out] directions  of every mode, of length 1, one behind the other; empty if over all
     * @param[out] mean        empty where it is 0
     */
    void getGaussian(std::string &over, std::vector<double> &variances,
                     std::vector<double> &directions, std::vector<double> &mean) const;
    /**
     * What a bead is.
     *
     * @param index              the index of the bead
     * @param[out] name          the name of the atom, e.g. "CA"
     * @param[out] residue       the name of the residue, e.g. "ALA"
     * @param[out] residueIndex  counts the residues from 0
     * @param[out] mass          the mass, measured in atomic mass units
     * @param[out] position      its position in a frame to start from, measured in nm
     * @param[out] features      its getNumFeatures() features
     */
    void getBead(int index, std::string &name, std::string &residue, int &residueIndex,
                 double &mass, OpenMM::Vec3 &position, std::vector<int> &features) const;
    /**
     * The number of notes: free text about where the model came from.
     */
    int getNumNotes() const;
    /**
     * A note.
     *
     * @param index        the index of the note
     * @param[out] name    its name
     * @param[out] text    its text
     */
    void getNote(int index, std::string &name, std::string &text) const;
    /**
     * All notes, by name.
     */
    std::map<std::string, std::string> getNotes() const;
    /**
     * The model for the C functions in score/model.h. It stays valid as long as any copy of this
     * object.
     */
    const score_model *getHandle() const;

  private:
    std::shared_ptr<const score_model> handle;
};

} // namespace OpenMMScore

#endif
