/* Texts in an HDF5 file, of fixed or variable length. */
#ifndef SCORE_HDF5_TEXT_H
#define SCORE_HDF5_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <hdf5.h>

#include "score/status.h"

/* Attribute `name` of an object, which holds a single text, without spaces at its end, as Fortran
 * fills it up; false where it is none, or longer than
 * `size` - 1. */
bool score_hdf5_attribute(hid_t object, const char *name, char *text, size_t size);

/* The single text of a data set, for free(); NULL: it holds something else, or no memory. */
char *score_hdf5_text(hid_t set);

/* The unit of lengths of data set `name`, in nm, and the text that says so; `missing` and none where
 * nothing does. */
score_status score_hdf5_length_unit(hid_t set, const char *path, const char *name, double missing,
                                    char text[64], double *nm, score_error *error);

/* The unit of forces, in kJ/mol/nm, which must be said. */
score_status score_hdf5_force_unit(hid_t set, const char *path, const char *name, double *kj_mol_nm,
                                   score_error *error);

/* Angles are in degrees, said or not. */
score_status score_hdf5_check_degrees(hid_t set, const char *path, const char *name,
                                      score_error *error);

/* Logarithms of weights are natural, said or not. */
score_status score_hdf5_check_logarithms(hid_t set, const char *path, const char *name,
                                         score_error *error);

/* Units that mean the same get the same name, others their own. */
const char *score_hdf5_same_unit(const char *text);

#endif
