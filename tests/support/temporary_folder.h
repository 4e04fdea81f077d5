/* A group's own temporary folder to work in. */
#ifndef TEMPORARY_FOLDER_H
#define TEMPORARY_FOLDER_H

#include "unit_test.h"

/* Group set-up and tear-down: makes an empty folder and goes there; goes back and removes it. */
int enter_folder(void **state);
int leave_folder(void **state);

#endif
