/* The files of a run, and who may write them. */
#ifndef SCORE_RUN_PATHS_H
#define SCORE_RUN_PATHS_H

#include <stdbool.h>

#include "score/status.h"

typedef struct score_run_paths {
    char *folder;
    char *checkpoint; /* folder/checkpoint */
    char *model;      /* folder/model.xml.gz */
    char *log;        /* folder/log.csv */
    int lock;         /* the locked folder, or -1 */
} score_run_paths;

/* Makes the folder where it is missing (not its parents), and locks it until the paths are closed:
 * two runs in one folder would destroy each other's files. Sets *resumes to whether there is a
 * checkpoint to go on from. A new run must find none of its files, a resumed one a checkpoint or
 * none of them; temporary files that killed runs have left of them are removed. SCORE_ERROR_FILE:
 * names the file that is in the way; SCORE_ERROR_MEMORY. */
score_status score_run_paths_open(const char *folder, bool resume, score_run_paths *paths,
                                  bool *resumes, score_error *error);
void score_run_paths_close(score_run_paths *paths);

#endif
