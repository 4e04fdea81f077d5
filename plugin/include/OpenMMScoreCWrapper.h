/* The force and its model for C, in the style of OpenMMCWrapper.h. What a function does, its units
 * and its errors are described at the C++ function of the same name in ScoreForce.h and
 * ScoreModel.h. As everywhere in OpenMM's C interface, an error is a C++ exception, which ends a C
 * program with its message. */
#ifndef OPENMM_SCORE_CWRAPPER_H_
#define OPENMM_SCORE_CWRAPPER_H_

#include "OpenMMCWrapper.h"

#ifndef OPENMM_EXPORT_SCORE
#define OPENMM_EXPORT_SCORE
#endif

typedef struct OpenMM_ScoreModel_struct OpenMM_ScoreModel;
/* May be cast to OpenMM_Force. */
typedef struct OpenMM_ScoreForce_struct OpenMM_ScoreForce;

struct score_model;

#if defined(__cplusplus)
extern "C" {
#endif

/* ScoreModel. Texts that are given out by const char* belong to the model. */
extern OPENMM_EXPORT_SCORE OpenMM_ScoreModel *OpenMM_ScoreModel_create(const char *file);
/* From a model made with the functions of score/model.h, which the new object destroys. */
extern OPENMM_EXPORT_SCORE OpenMM_ScoreModel *OpenMM_ScoreModel_create_2(struct score_model *model);
extern OPENMM_EXPORT_SCORE OpenMM_ScoreModel *OpenMM_ScoreModel_fromXml(const char *xml);
extern OPENMM_EXPORT_SCORE void OpenMM_ScoreModel_destroy(OpenMM_ScoreModel *target);
/* The caller releases the text with free(). */
extern OPENMM_EXPORT_SCORE char *OpenMM_ScoreModel_toXml(const OpenMM_ScoreModel *target);
extern OPENMM_EXPORT_SCORE void OpenMM_ScoreModel_save(const OpenMM_ScoreModel *target,
                                                       const char *file);
extern OPENMM_EXPORT_SCORE int OpenMM_ScoreModel_getNumBeads(const OpenMM_ScoreModel *target);
extern OPENMM_EXPORT_SCORE int OpenMM_ScoreModel_getDimensions(const OpenMM_ScoreModel *target);
extern OPENMM_EXPORT_SCORE OpenMM_Boolean
OpenMM_ScoreModel_isCentred(const OpenMM_ScoreModel *target);
extern OPENMM_EXPORT_SCORE double OpenMM_ScoreModel_getTemperature(const OpenMM_ScoreModel *target);
extern OPENMM_EXPORT_SCORE double OpenMM_ScoreModel_getScale(const OpenMM_ScoreModel *target);
extern OPENMM_EXPORT_SCORE double
OpenMM_ScoreModel_getNeighbourRange(const OpenMM_ScoreModel *target);
extern OPENMM_EXPORT_SCORE double OpenMM_ScoreModel_getCentreRange(const OpenMM_ScoreModel *target);
extern OPENMM_EXPORT_SCORE const char *
OpenMM_ScoreModel_getNoiseSchedule(const OpenMM_ScoreModel *target);
extern OPENMM_EXPORT_SCORE int
OpenMM_ScoreModel_getNumNoiseScheduleSettings(const OpenMM_ScoreModel *target);
extern OPENMM_EXPORT_SCORE void
OpenMM_ScoreModel_getNoiseScheduleSetting(const OpenMM_ScoreModel *target, int index,
                                          const char **name, double *value);
extern OPENMM_EXPORT_SCORE double OpenMM_ScoreModel_getSignal(const OpenMM_ScoreModel *target,
                                                              double time);
extern OPENMM_EXPORT_SCORE double OpenMM_ScoreModel_getNoise(const OpenMM_ScoreModel *target,
                                                             double time);
extern OPENMM_EXPORT_SCORE double OpenMM_ScoreModel_getTimeOfNoise(const OpenMM_ScoreModel *target,
                                                                   double noise);
extern OPENMM_EXPORT_SCORE int OpenMM_ScoreModel_getNumFeatures(const OpenMM_ScoreModel *target);
extern OPENMM_EXPORT_SCORE int OpenMM_ScoreModel_getFeatureSize(const OpenMM_ScoreModel *target,
                                                                int index);
extern OPENMM_EXPORT_SCORE int OpenMM_ScoreModel_getNumExperts(const OpenMM_ScoreModel *target);
extern OPENMM_EXPORT_SCORE void OpenMM_ScoreModel_getExpert(const OpenMM_ScoreModel *target,
                                                            int index, const char **architecture,
                                                            const char **output, int *hidden,
                                                            int *layers, int *heads, int *headWidth,
                                                            double *timeBegin, double *timeEnd);
extern OPENMM_EXPORT_SCORE const char *
OpenMM_ScoreModel_getExpertBase(const OpenMM_ScoreModel *target, int index);
extern OPENMM_EXPORT_SCORE void OpenMM_ScoreModel_getGaussian(const OpenMM_ScoreModel *target,
                                                              const char **over,
                                                              OpenMM_DoubleArray *variances,
                                                              OpenMM_DoubleArray *directions,
                                                              OpenMM_DoubleArray *mean);
extern OPENMM_EXPORT_SCORE void OpenMM_ScoreModel_getBead(const OpenMM_ScoreModel *target,
                                                          int index, const char **name,
                                                          const char **residue, int *residueIndex,
                                                          double *mass, OpenMM_Vec3 *position,
                                                          OpenMM_IntArray *features);
extern OPENMM_EXPORT_SCORE int OpenMM_ScoreModel_getNumNotes(const OpenMM_ScoreModel *target);
extern OPENMM_EXPORT_SCORE void OpenMM_ScoreModel_getNote(const OpenMM_ScoreModel *target,
                                                          int index, const char **name,
                                                          const char **text);
extern OPENMM_EXPORT_SCORE const struct score_model *
OpenMM_ScoreModel_getHandle(const OpenMM_ScoreModel *target);

/* ScoreForce. An array of features may be NULL where there are none. */
extern OPENMM_EXPORT_SCORE OpenMM_ScoreForce *OpenMM_ScoreForce_create(const char *modelFile);
extern OPENMM_EXPORT_SCORE OpenMM_ScoreForce *
OpenMM_ScoreForce_create_2(const OpenMM_ScoreModel *model);
extern OPENMM_EXPORT_SCORE void OpenMM_ScoreForce_destroy(OpenMM_ScoreForce *target);
/* Belongs to the force. */
extern OPENMM_EXPORT_SCORE const OpenMM_ScoreModel *
OpenMM_ScoreForce_getModel(const OpenMM_ScoreForce *target);
extern OPENMM_EXPORT_SCORE int OpenMM_ScoreForce_getNumMolecules(const OpenMM_ScoreForce *target);
extern OPENMM_EXPORT_SCORE int OpenMM_ScoreForce_addMolecule(OpenMM_ScoreForce *target,
                                                             const OpenMM_IntArray *particles,
                                                             const OpenMM_IntArray *features);
extern OPENMM_EXPORT_SCORE void
OpenMM_ScoreForce_getMoleculeParameters(const OpenMM_ScoreForce *target, int index,
                                        OpenMM_IntArray *particles, OpenMM_IntArray *features);
extern OPENMM_EXPORT_SCORE void
OpenMM_ScoreForce_setMoleculeParameters(OpenMM_ScoreForce *target, int index,
                                        const OpenMM_IntArray *particles,
                                        const OpenMM_IntArray *features);
extern OPENMM_EXPORT_SCORE double
OpenMM_ScoreForce_getDiffusionTime(const OpenMM_ScoreForce *target);
extern OPENMM_EXPORT_SCORE void OpenMM_ScoreForce_setDiffusionTime(OpenMM_ScoreForce *target,
                                                                   double time);
extern OPENMM_EXPORT_SCORE double OpenMM_ScoreForce_getScale(const OpenMM_ScoreForce *target);
extern OPENMM_EXPORT_SCORE void OpenMM_ScoreForce_setScale(OpenMM_ScoreForce *target, double scale);
extern OPENMM_EXPORT_SCORE const char *
OpenMM_ScoreForce_getDiffusionTimeParameterName(const OpenMM_ScoreForce *target);
extern OPENMM_EXPORT_SCORE void
OpenMM_ScoreForce_setDiffusionTimeParameterName(OpenMM_ScoreForce *target, const char *name);
extern OPENMM_EXPORT_SCORE const char *
OpenMM_ScoreForce_getScaleParameterName(const OpenMM_ScoreForce *target);
extern OPENMM_EXPORT_SCORE void OpenMM_ScoreForce_setScaleParameterName(OpenMM_ScoreForce *target,
                                                                        const char *name);
extern OPENMM_EXPORT_SCORE void
OpenMM_ScoreForce_addEnergyParameterDerivative(OpenMM_ScoreForce *target, const char *name);
extern OPENMM_EXPORT_SCORE int
OpenMM_ScoreForce_getNumEnergyParameterDerivatives(const OpenMM_ScoreForce *target);
extern OPENMM_EXPORT_SCORE const char *
OpenMM_ScoreForce_getEnergyParameterDerivativeName(const OpenMM_ScoreForce *target, int index);
extern OPENMM_EXPORT_SCORE void
OpenMM_ScoreForce_setUsesPeriodicBoundaryConditions(OpenMM_ScoreForce *target,
                                                    OpenMM_Boolean periodic);
extern OPENMM_EXPORT_SCORE OpenMM_Boolean
OpenMM_ScoreForce_usesPeriodicBoundaryConditions(const OpenMM_ScoreForce *target);
extern OPENMM_EXPORT_SCORE void
OpenMM_ScoreForce_updateParametersInContext(OpenMM_ScoreForce *target, OpenMM_Context *context);
extern OPENMM_EXPORT_SCORE void OpenMM_ScoreForce_getMoleculeEnergies(OpenMM_ScoreForce *target,
                                                                      OpenMM_Context *context,
                                                                      OpenMM_DoubleArray *energies);

#if defined(__cplusplus)
}
#endif
#endif
