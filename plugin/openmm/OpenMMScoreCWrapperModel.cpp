#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "OpenMMScoreCWrapper.h"
#include "ScoreErrors.h"
#include "ScoreModel.h"
extern "C" {
#include "model/settings.h"
}

using OpenMM::Vec3;
using OpenMMScore::ScoreModel;
using std::string;
using std::vector;

namespace {

const ScoreModel &get(const OpenMM_ScoreModel *target) {
    return *reinterpret_cast<const ScoreModel *>(target);
}

OpenMM_ScoreModel *wrap(ScoreModel *model) {
    return reinterpret_cast<OpenMM_ScoreModel *>(model);
}

const score_model_config &config(const OpenMM_ScoreModel *target) {
    return *score_model_get_config(get(target).getHandle());
}

} // namespace

extern "C" {

OpenMM_ScoreModel *OpenMM_ScoreModel_create(const char *file) {
    return wrap(new ScoreModel(string(file)));
}

OpenMM_ScoreModel *OpenMM_ScoreModel_create_2(score_model *model) {
    return wrap(new ScoreModel(model));
}

OpenMM_ScoreModel *OpenMM_ScoreModel_fromXml(const char *xml) {
    return wrap(new ScoreModel(ScoreModel::fromXml(xml)));
}

void OpenMM_ScoreModel_destroy(OpenMM_ScoreModel *target) {
    delete reinterpret_cast<ScoreModel *>(target);
}

char *OpenMM_ScoreModel_toXml(const OpenMM_ScoreModel *target) {
    string xml = get(target).toXml();
    char *text = static_cast<char *>(std::malloc(xml.size() + 1));
    if (text == nullptr)
        OpenMMScore::throwError("ScoreModel: no memory for ", xml.size() + 1, " bytes of XML");
    std::memcpy(text, xml.c_str(), xml.size() + 1);
    return text;
}

void OpenMM_ScoreModel_save(const OpenMM_ScoreModel *target, const char *file) {
    get(target).save(file);
}

int OpenMM_ScoreModel_getNumBeads(const OpenMM_ScoreModel *target) {
    return get(target).getNumBeads();
}

int OpenMM_ScoreModel_getDimensions(const OpenMM_ScoreModel *target) {
    return get(target).getDimensions();
}

OpenMM_Boolean OpenMM_ScoreModel_isCentred(const OpenMM_ScoreModel *target) {
    return get(target).isCentred() ? OpenMM_True : OpenMM_False;
}

double OpenMM_ScoreModel_getTemperature(const OpenMM_ScoreModel *target) {
    return get(target).getTemperature();
}

double OpenMM_ScoreModel_getNeighbourRange(const OpenMM_ScoreModel *target) {
    return get(target).getNeighbourRange();
}

double OpenMM_ScoreModel_getCentreRange(const OpenMM_ScoreModel *target) {
    return get(target).getCentreRange();
}

double OpenMM_ScoreModel_getScale(const OpenMM_ScoreModel *target) {
    return get(target).getScale();
}

const char *OpenMM_ScoreModel_getNoiseSchedule(const OpenMM_ScoreModel *target) {
    return score_noise_schedule_word(config(target).schedule.kind);
}

int OpenMM_ScoreModel_getNumNoiseScheduleSettings(const OpenMM_ScoreModel *target) {
    return get(target).getNumNoiseScheduleSettings();
}

void OpenMM_ScoreModel_getNoiseScheduleSetting(const OpenMM_ScoreModel *target, int index,
                                               const char **name, double *value) {
    string nameCopy;
    get(target).getNoiseScheduleSetting(index, nameCopy, *value); // checks the index
    *name = score_noise_schedule_setting(config(target).schedule.kind, index);
}

double OpenMM_ScoreModel_getSignal(const OpenMM_ScoreModel *target, double time) {
    return get(target).getSignal(time);
}

double OpenMM_ScoreModel_getNoise(const OpenMM_ScoreModel *target, double time) {
    return get(target).getNoise(time);
}

double OpenMM_ScoreModel_getTimeOfNoise(const OpenMM_ScoreModel *target, double noise) {
    return get(target).getTimeOfNoise(noise);
}

int OpenMM_ScoreModel_getNumFeatures(const OpenMM_ScoreModel *target) {
    return get(target).getNumFeatures();
}

int OpenMM_ScoreModel_getFeatureSize(const OpenMM_ScoreModel *target, int index) {
    return get(target).getFeatureSize(index);
}

int OpenMM_ScoreModel_getNumExperts(const OpenMM_ScoreModel *target) {
    return get(target).getNumExperts();
}

void OpenMM_ScoreModel_getExpert(const OpenMM_ScoreModel *target, int index,
                                 const char **architecture, const char **output, int *hidden,
                                 int *layers, int *heads, int *headWidth, double *timeBegin,
                                 double *timeEnd) {
    string architectureName, outputName; // known texts: what is given out are constants
    get(target).getExpert(index, architectureName, outputName, *hidden, *layers, *timeBegin,
                          *timeEnd);
    *architecture = score_architecture_word(config(target).experts[index].architecture);
    *output = outputName == "energy" ? "energy" : "score";
    *heads = config(target).experts[index].heads;
    *headWidth = config(target).experts[index].head_width;
}

const char *OpenMM_ScoreModel_getExpertBase(const OpenMM_ScoreModel *target, int index) {
    return get(target).getExpertBase(index) == "none" ? "none" : "gaussian";
}

void OpenMM_ScoreModel_getGaussian(const OpenMM_ScoreModel *target, const char **over,
                                   OpenMM_DoubleArray *variances, OpenMM_DoubleArray *directions,
                                   OpenMM_DoubleArray *mean) {
    static const char *const words[] = {"none", "all", "beads", "coordinates"};
    string found;
    get(target).getGaussian(found, *reinterpret_cast<vector<double> *>(variances),
                            *reinterpret_cast<vector<double> *>(directions),
                            *reinterpret_cast<vector<double> *>(mean));
    for (const char *word : words)
        if (found == word)
            *over = word;
}

void OpenMM_ScoreModel_getBead(const OpenMM_ScoreModel *target, int index, const char **name,
                               const char **residue, int *residueIndex, double *mass,
                               OpenMM_Vec3 *position, OpenMM_IntArray *features) {
    string nameCopy, residueCopy;
    Vec3 frame;
    vector<int> featureList;
    get(target).getBead(index, nameCopy, residueCopy, *residueIndex, *mass, frame, featureList);
    *name = config(target).beads[index].name;
    *residue = config(target).beads[index].residue;
    *position = {frame[0], frame[1], frame[2]};
    *reinterpret_cast<vector<int> *>(features) = featureList;
}

int OpenMM_ScoreModel_getNumNotes(const OpenMM_ScoreModel *target) {
    return get(target).getNumNotes();
}

void OpenMM_ScoreModel_getNote(const OpenMM_ScoreModel *target, int index, const char **name,
                               const char **text) {
    string nameCopy, textCopy;
    get(target).getNote(index, nameCopy, textCopy); // checks the index
    *name = config(target).notes[index].name;
    *text = config(target).notes[index].text;
}

const score_model *OpenMM_ScoreModel_getHandle(const OpenMM_ScoreModel *target) {
    return get(target).getHandle();
}

} // extern "C"
