#include "ScoreModel.h"

#include <charconv>

#include "ScoreErrors.h"
extern "C" {
#include "model/settings.h"
}

using OpenMM::Vec3;
using std::map;
using std::string;
using std::vector;

namespace OpenMMScore {

static void checkTime(const char *function, double time) {
    if (!(time >= 0 && time <= 1))
        throwError(function, ": diffusion time ", time, " is not in [0, 1]");
}

ScoreModel::ScoreModel(score_model *model) : handle(model, score_model_destroy) {
    if (model == nullptr)
        throwError("ScoreModel: the model is NULL");
}

ScoreModel::ScoreModel(const string &file) {
    score_model *model = nullptr;
    score_error error = {};
    throwUnlessOk(score_model_read(file.c_str(), &model, &error), error, "ScoreModel");
    handle.reset(model, score_model_destroy);
}

ScoreModel ScoreModel::fromXml(const string &xml) {
    score_model *model = nullptr;
    score_error error = {};
    throwUnlessOk(score_model_read_memory(xml.data(), xml.size(), "model", &model, &error), error,
                  "ScoreModel");
    return ScoreModel(model);
}

string ScoreModel::toXml() const {
    char *text = nullptr;
    size_t size = 0;
    score_error error = {};
    throwUnlessOk(score_model_write_memory(getHandle(), &text, &size, &error), error, "ScoreModel");
    std::unique_ptr<char, void (*)(void *)> owner(text, score_free);
    return string(text, size);
}

void ScoreModel::save(const string &file) const {
    score_error error = {};
    throwUnlessOk(score_model_write(getHandle(), file.c_str(), &error), error, "ScoreModel");
}

int ScoreModel::getNumBeads() const {
    return score_model_get_config(getHandle())->bead_count;
}

int ScoreModel::getDimensions() const {
    return score_model_get_config(getHandle())->dimensions;
}

bool ScoreModel::isCentred() const {
    return score_model_get_config(getHandle())->centred != 0;
}

double ScoreModel::getTemperature() const {
    return score_model_get_config(getHandle())->temperature_k;
}

double ScoreModel::getNeighbourRange() const {
    return score_model_get_config(getHandle())->range.neighbours_nm;
}

double ScoreModel::getCentreRange() const {
    return score_model_get_config(getHandle())->range.centre_nm;
}

double ScoreModel::getScale() const {
    return score_model_get_config(getHandle())->scale_nm;
}

string ScoreModel::getNoiseSchedule() const {
    return score_noise_schedule_word(score_model_get_config(getHandle())->schedule.kind);
}

int ScoreModel::getNumNoiseScheduleSettings() const {
    const int kind = score_model_get_config(getHandle())->schedule.kind;
    int count = 0;
    while (score_noise_schedule_setting(kind, count) != nullptr)
        count++;
    return count;
}

void ScoreModel::getNoiseScheduleSetting(int index, string &name, double &value) const {
    checkIndex("ScoreModel::getNoiseScheduleSetting", index, getNumNoiseScheduleSettings());
    const score_noise_schedule &schedule = score_model_get_config(getHandle())->schedule;
    name = score_noise_schedule_setting(schedule.kind, index);
    value = schedule.settings[index];
}

double ScoreModel::getSignal(double time) const {
    checkTime("ScoreModel::getSignal", time);
    return score_model_signal(getHandle(), time);
}

double ScoreModel::getNoise(double time) const {
    checkTime("ScoreModel::getNoise", time);
    return score_model_noise(getHandle(), time);
}

double ScoreModel::getTimeOfNoise(double noise) const {
    if (!(noise >= 0 && noise < 1))
        throwError("ScoreModel::getTimeOfNoise: noise ", noise, " is not in [0, 1)");
    return score_model_time_of_noise(getHandle(), noise);
}

int ScoreModel::getNumFeatures() const {
    return score_model_get_config(getHandle())->feature_count;
}

int ScoreModel::getFeatureSize(int index) const {
    checkIndex("ScoreModel::getFeatureSize", index, getNumFeatures());
    return score_model_get_config(getHandle())->feature_sizes[index];
}

int ScoreModel::getNumExperts() const {
    return score_model_get_config(getHandle())->expert_count;
}

void ScoreModel::getExpert(int index, string &architecture, string &output, int &hidden,
                           int &layers, double &timeBegin, double &timeEnd) const {
    checkIndex("ScoreModel::getExpert", index, getNumExperts());
    const score_expert_config &expert = score_model_get_config(getHandle())->experts[index];
    architecture = score_architecture_word(expert.architecture);
    output = expert.output == SCORE_OUTPUT_ENERGY ? "energy" : "score";
    hidden = expert.hidden;
    layers = expert.layers;
    timeBegin = expert.t_begin;
    timeEnd = expert.t_end;
}

namespace {

/* The shortest text that is read as the same number. */
string textOf(double number) {
    char text[32];
    return string(text, std::to_chars(text, text + sizeof(text), number).ptr);
}

} // namespace

map<string, string> ScoreModel::getExpertSettings(int index) const {
    checkIndex("ScoreModel::getExpertSettings", index, getNumExperts());
    const score_expert_config &expert = score_model_get_config(getHandle())->experts[index];
    map<string, string> settings;
    char text[SCORE_SETTING_TEXT];
    for (const score_setting *setting = score_architecture_settings(expert.architecture);
         setting->name != nullptr; setting++)
        if (!score_setting_is_usual(&expert, setting))
            settings[setting->name] = setting->kind == SCORE_SETTING_NUMBER
                                          ? textOf(score_setting_get(&expert, setting))
                                          : score_setting_text(&expert, setting, text);
    if (expert.time_variance != 0)
        settings["timeVariance"] = textOf(expert.time_variance);
    return settings;
}

string ScoreModel::getExpertBase(int index) const {
    checkIndex("ScoreModel::getExpertBase", index, getNumExperts());
    const score_expert_config &expert = score_model_get_config(getHandle())->experts[index];
    return expert.base == SCORE_BASE_GAUSSIAN ? "gaussian" : "none";
}

void ScoreModel::getGaussian(string &over, vector<double> &variances, vector<double> &directions,
                             vector<double> &mean) const {
    static const char *const words[] = {"all", "beads", "coordinates"};
    const score_gaussian *gaussian = score_model_get_config(getHandle())->gaussian;
    over = gaussian == nullptr ? "none" : words[gaussian->over];
    auto copy = [](const double *numbers, int count, vector<double> &copied) {
        copied.clear();
        if (numbers != nullptr)
            copied.assign(numbers, numbers + count);
    };
    const score_gaussian none = {};
    const score_gaussian &from = gaussian == nullptr ? none : *gaussian;
    copy(from.variances, from.modes, variances);
    copy(from.directions, from.modes * from.width, directions);
    copy(from.mean, from.width, mean);
}

void ScoreModel::getBead(int index, string &name, string &residue, int &residueIndex, double &mass,
                         Vec3 &position, vector<int> &features) const {
    checkIndex("ScoreModel::getBead", index, getNumBeads());
    const score_bead &bead = score_model_get_config(getHandle())->beads[index];
    name = bead.name;
    residue = bead.residue;
    residueIndex = bead.residue_index;
    mass = bead.mass_amu;
    position = Vec3(bead.frame_nm[0], bead.frame_nm[1], bead.frame_nm[2]);
    features.assign(bead.features, bead.features + getNumFeatures());
}

int ScoreModel::getNumNotes() const {
    return score_model_get_config(getHandle())->note_count;
}

void ScoreModel::getNote(int index, string &name, string &text) const {
    checkIndex("ScoreModel::getNote", index, getNumNotes());
    const score_note &note = score_model_get_config(getHandle())->notes[index];
    name = note.name;
    text = note.text;
}

map<string, string> ScoreModel::getNotes() const {
    map<string, string> notes;
    string name, text;
    for (int i = 0; i < getNumNotes(); i++) {
        getNote(i, name, text);
        notes[name] = text;
    }
    return notes;
}

const score_model *ScoreModel::getHandle() const {
    return handle.get();
}

} // namespace OpenMMScore
