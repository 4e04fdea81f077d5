#define _POSIX_C_SOURCE 200809L
#include "run.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic_file.h"
#include "programs/checkpoint.h"
#include "programs/executor_openmp.h"
#include "programs/interrupt.h"
#include "peptide_frames.h"
#include "programs/progress.h"

/* All members have eight bytes: it is stored as it is. */
typedef struct run_state {
    uint64_t step;   /* steps done */
    uint64_t origin; /* the step that frames are counted from: what is before is equilibration */
    double seconds;
} run_state;

static const score_checkpoint_kind PEPTIDE_RUN = {.magic = {'S', 'C', 'O', 'R', 'E', 'P', 'M', 'D'},
                                                  .version = 1,
                                                  .state_size = sizeof(run_state)};

/* Behind the identity of a checkpoint: which frame is the last one before it. */
static const char MARK[] = "last frame (CRC-32): ";

/* Signals, checkpoints and progress are looked at after so many steps at most. */
enum { SEGMENT_STEPS = 1000, MAX_IDENTITY = 4096 };

typedef struct run {
    const peptide_options *options;
    peptide_molecule molecule;
    score_executor executor;
    peptide_ensemble *ensemble;
    peptide_frames frames;
    run_state state;
    uint64_t first_frame, frame_count; /* of this part */
    uint64_t begin, end;               /* steps of this part */
    char identity[MAX_IDENTITY];       /* of the dynamics; then a line that only a part has */
    size_t dynamics_size;              /* of the identity's first part */
    bool is_resumed;                   /* from a checkpoint of its own */
    bool has_mark;                     /* the checkpoint that was read */
    uint32_t mark;
    char *checkpoint;
    float *positions, *velocities; /* of a checkpoint: copies x atoms x 3 */
    score_progress progress;
    double started_s, saved_s, done_before_s;
    uint64_t started_step;
} run;

/* ---- What makes two runs the same run ---- */

static void write_identity(run *r) {
    const peptide_options *o = r->options;
    char *to = r->identity;
    size_t room = sizeof r->identity, used = 0;
#define ADD(...) used += (size_t)snprintf(to + used, room - used, __VA_ARGS__)
    ADD("system and bias (CRC-32): %08" PRIx32 "\ncopies: %d from number %d\ntemperatures:",
        r->molecule.checksum, o->copies, o->first_copy);
    for (int k = 0; k < o->levels; k++)
        ADD(" %.17g", o->temperatures_k[k]);
    ADD("\ntimestep: %.17g fs\nfriction: %.17g /ps\ninterval: %" PRIu32 " steps\n", o->timestep_fs,
        o->friction_per_ps, o->interval);
    ADD("exchange interval: %" PRIu32 " steps\nseed: %" PRIu64 "\n", o->swap_steps, o->seed);
    r->dynamics_size = used;
    ADD("equilibration: %.17g ps\ntime: %.17g ps\natoms: %s\n", o->equilibration_ps, o->time_ps,
        o->all_atoms ? "all" : "beads");
#undef ADD
}

/* Both are lines of "name: value"; those of the first `size` characters of ours must be alike. */
static score_status compare_identity(const run *r, const char *path, const char *saved, size_t size,
                                     score_error *error) {
    const char *ours = r->identity;
    for (const char *end = ours + size; ours < end;) {
        const size_t line = strcspn(ours, "\n"), theirs = strcspn(saved, "\n");
        if (line != theirs || strncmp(ours, saved, line) != 0)
            return score_fail_at(error, SCORE_ERROR_ARGUMENT, path, 0,
                                 "was made with '%.*s', now it is '%.*s'", (int)theirs, saved,
                                 (int)line, ours);
        ours += line + 1;
        saved += theirs + (saved[theirs] == '\n');
    }
    return SCORE_OK;
}

/* ---- Checkpoints ---- */

static void list_arrays(run *r, score_run_arrays *arrays) {
    const peptide_ensemble *e = r->ensemble;
    const size_t copies = (size_t)e->copies, levels = (size_t)e->ladder.levels;
    const size_t size = copies * 3 * (size_t)r->molecule.atoms * sizeof(float);
    *arrays = (score_run_arrays){0};
    score_run_arrays_add(arrays, r->positions, size);
    score_run_arrays_add(arrays, r->velocities, size);
    score_run_arrays_add(arrays, e->level, copies * sizeof *e->level);
    score_run_arrays_add(arrays, e->attempted, levels * sizeof *e->attempted);
    score_run_arrays_add(arrays, e->accepted, levels * sizeof *e->accepted);
}

/* Of this part. */
static uint64_t frames_done(const run *r) {
    const uint64_t steps = r->state.step > r->state.origin ? r->state.step - r->state.origin : 0;
    return steps / r->options->interval - (steps > 0 ? r->first_frame : 0);
}

/* The CRC-32 of the last frame, 0 where there is none. */
static score_status find_mark(const run *r, uint32_t *mark, score_error *error) {
    const uint64_t copies = (uint64_t)r->options->copies, frames = frames_done(r);
    *mark = 0;
    return frames == 0 ? SCORE_OK
                       : score_frames_file_checksum(&r->frames.file, (frames - 1) * copies, copies,
                                                    mark, error);
}

/* The frames first: a checkpoint never knows of frames that are not there. */
static score_status save(run *r, score_error *error) {
    char identity[MAX_IDENTITY + sizeof MARK + 16];
    uint32_t mark;
    score_status status = score_frames_file_sync(&r->frames.file, error);
    if (status == SCORE_OK)
        status = find_mark(r, &mark, error);
    if (status != SCORE_OK)
        return status;
    snprintf(identity, sizeof identity, "%s%s%08" PRIx32 "\n", r->identity, MARK, mark);
    r->state.seconds = r->done_before_s + score_now_s() - r->started_s;
    peptide_ensemble_store(r->ensemble, false, r->positions);
    peptide_ensemble_store(r->ensemble, true, r->velocities);
    score_run_arrays arrays;
    list_arrays(r, &arrays);
    status = score_checkpoint_write(r->checkpoint, &PEPTIDE_RUN, &r->state, identity, &arrays,
                                    error);
    r->saved_s = score_now_s();
    return status;
}

static bool are_finite(const float *numbers, size_t count) {
    for (size_t k = 0; k < count; k++)
        if (!isfinite(numbers[k]))
            return false;
    return true;
}

/* Each ladder has each of its temperatures once. */
static bool has_ladders(const run *r) {
    const int levels = r->options->levels;
    for (int first = 0; first < r->ensemble->copies; first += levels) {
        uint64_t seen = 0;
        for (int k = 0; k < levels; k++) {
            const int32_t level = r->ensemble->level[first + k];
            if (level < 0 || level >= levels || (seen >> level & 1) != 0)
                return false;
            seen |= (uint64_t)1 << level;
        }
    }
    return true;
}

/* What only damage that has a CRC-32 of its own, or another program, can have written. */
static score_status check_restored(const run *r, const char *path, score_error *error) {
    const peptide_ensemble *e = r->ensemble;
    const size_t coordinates = (size_t)e->copies * 3 * (size_t)r->molecule.atoms;
    if (!has_ladders(r))
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "has copies whose temperatures are no ladders of %d",
                             r->options->levels);
    if (!are_finite(r->positions, coordinates) || !are_finite(r->velocities, coordinates))
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                             "has a position or velocity that is not finite");
    if (!(r->state.seconds >= 0 && isfinite(r->state.seconds)))
        return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0, "has taken %g seconds",
                             r->state.seconds);
    for (int k = 0; k < r->options->levels; k++)
        if (e->accepted[k] > e->attempted[k])
            return score_fail_at(error, SCORE_ERROR_FORMAT, path, 0,
                                 "has accepted %" PRIu64 " of %" PRIu64 " swaps of temperature %d",
                                 e->accepted[k], e->attempted[k], k);
    return SCORE_OK;
}

static void read_mark(run *r, const char *identity) {
    const char *line = strstr(identity, MARK);
    char *end = NULL;
    r->mark = line == NULL ? 0 : (uint32_t)strtoul(line + strlen(MARK), &end, 16);
    r->has_mark = line != NULL && end == line + strlen(MARK) + 8;
}

/* `size`: how much of the identity must be the same. */
static score_status restore(run *r, const char *path, size_t size, score_error *error) {
    score_checkpoint checkpoint;
    score_status status = score_checkpoint_open(path, &PEPTIDE_RUN, &r->state, &checkpoint, error);
    if (status != SCORE_OK)
        return status;
    score_run_arrays arrays;
    list_arrays(r, &arrays);
    status = compare_identity(r, path, checkpoint.identity, size, error);
    if (status == SCORE_OK)
        status = score_checkpoint_arrays(&checkpoint, &arrays, error);
    if (status == SCORE_OK)
        read_mark(r, checkpoint.identity);
    score_checkpoint_close(&checkpoint);
    if (status == SCORE_OK)
        status = check_restored(r, path, error);
    if (status != SCORE_OK)
        return status;
    peptide_ensemble_load(r->ensemble, false, r->positions);
    peptide_ensemble_load(r->ensemble, true, r->velocities);
    peptide_ensemble_set_levels(r->ensemble);
    return SCORE_OK;
}

/* ---- Plan ---- */

static score_status whole_steps(const char *what, double ps, double timestep_ps, uint64_t *steps,
                                score_error *error) {
    const double count = ps / timestep_ps;
    *steps = 0;
    if (!(count >= 0) || count > 4e9)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "%s of %g ps are %.4g steps, at most 4e9 are possible", what, ps, count);
    *steps = (uint64_t)llround(count);
    return SCORE_OK;
}

/* A run that goes on from another one begins at its end, without equilibration. */
static score_status plan(run *r, score_error *error) {
    const peptide_options *o = r->options;
    const double timestep_ps = 0.001 * o->timestep_fs;
    uint64_t equilibration, production;
    score_status status;
    if ((status = whole_steps("--equilibration", o->equilibration_ps, timestep_ps, &equilibration,
                              error)) ||
        (status = whole_steps("--time", o->time_ps, timestep_ps, &production, error)))
        return status;
    r->frame_count = production / o->interval;
    if (r->frame_count == 0)
        return score_fail(error, SCORE_ERROR_ARGUMENT,
                          "--time of %g ps is shorter than one interval of %" PRIu32 " steps",
                          o->time_ps, o->interval);
    if (o->previous != NULL) {
        if ((status = restore(r, o->previous, r->dynamics_size, error)))
            return status;
        if (r->state.step < r->state.origin || (r->state.step - r->state.origin) % o->interval != 0)
            return score_fail_at(error, SCORE_ERROR_ARGUMENT, o->previous, 0,
                                 "is not of a run that has come to its end");
        r->first_frame = (r->state.step - r->state.origin) / o->interval;
    } else {
        r->state = (run_state){.origin = equilibration};
    }
    r->state.seconds = 0;
    r->begin = r->state.step;
    r->end = r->state.origin + (r->first_frame + r->frame_count) * o->interval;
    if (r->end > UINT32_MAX)
        return score_fail(error, SCORE_ERROR_ARGUMENT, "%" PRIu64 " steps, at most %" PRIu32,
                          r->end, UINT32_MAX);
    return SCORE_OK;
}

/* Are the frames those that the checkpoint knows of? */
static score_status compare_mark(const run *r, score_error *error) {
    uint32_t mark;
    if (!r->has_mark) /* of an older program */
        return SCORE_OK;
    const score_status status = find_mark(r, &mark, error);
    if (status == SCORE_OK && mark != r->mark)
        return score_fail_at(error, SCORE_ERROR_FORMAT, r->frames.file.unfinished, 0,
                             "frame %" PRIu64 " is not that of %s: they are of two runs",
                             frames_done(r) - 1, r->checkpoint);
    return status;
}

static score_status open_frames(run *r, bool *is_finished, score_error *error) {
    const peptide_options *o = r->options;
    const bool begun = score_frames_file_is_begun(o->output),
               saved = score_path_exists(r->checkpoint);
    *is_finished = false;
    if (!o->resume && (begun || score_path_exists(o->output)))
        return score_fail_at(error, SCORE_ERROR_FILE, o->output, 0,
                             "%s already: continue that run with --resume, or choose another "
                             "--output",
                             begun ? "is begun" : "exists");
    /* It would be taken for this run's by --resume, if this one were killed before its first. */
    if (!o->resume && saved)
        return score_fail_at(error, SCORE_ERROR_FILE, r->checkpoint, 0,
                             "exists already, of another run: move it, or choose another --output");
    if (o->resume && saved) {
        const uint64_t origin = r->state.origin;
        const score_status status = restore(r, r->checkpoint, strlen(r->identity), error);
        if (status != SCORE_OK)
            return status;
        if (r->state.step < r->begin || r->state.step > r->end || r->state.origin != origin)
            return score_fail_at(error, SCORE_ERROR_FORMAT, r->checkpoint, 0,
                                 "is at step %" PRIu64 " with frames from %" PRIu64
                                 " on, the run goes from %" PRIu64 " to %" PRIu64
                                 " with frames from %" PRIu64 " on",
                                 r->state.step, r->state.origin, r->begin, r->end, origin);
        *is_finished = r->state.step == r->end && !begun && score_path_exists(o->output);
        if (*is_finished) {
            score_remove_leftovers(r->checkpoint, false);
            return SCORE_OK;
        }
        if (!begun)
            return score_fail_at(error, SCORE_ERROR_FILE, o->output, 0,
                                 "its .unfinished is not there, but %s is", r->checkpoint);
    } else if (score_path_exists(o->output)) {
        return score_fail_at(error, SCORE_ERROR_FILE, o->output, 0,
                             "exists, but no checkpoint to resume from");
    }
    r->is_resumed = o->resume && saved;
    const score_status status = peptide_frames_open(o, r->ensemble, r->first_frame, r->frame_count,
                                                    r->is_resumed, &r->frames, error);
    return status == SCORE_OK && r->is_resumed ? compare_mark(r, error) : status;
}

/* ---- The run ---- */

static void show(run *r, bool is_last) {
    const double now = score_now_s(), timestep_ps = 0.001 * r->options->timestep_fs;
    if (!is_last && !score_progress_is_due(&r->progress, true, now))
        return;
    const double rate = (double)(r->state.step - r->started_step) / (now - r->started_s);
    const double done = ((double)r->state.step - (double)r->state.origin) * timestep_ps * 0.001;
    const double whole = (double)(r->end - r->state.origin) * timestep_ps * 0.001;
    char where[64];
    if (done < 0)
        snprintf(where, sizeof where, "equilibrates, %.4g ns before %.4g ns", -done, whole);
    else
        snprintf(where, sizeof where, "%.4g of %.4g ns", done, whole);
    const double per_day = rate * timestep_ps * 86.4;
    char line[256], left[32];
    snprintf(line, sizeof line, "%s  %s a copy  %.4g ns/day a copy, %.4g in all  %s left",
             r->molecule.name, where, per_day, per_day * r->options->copies,
             score_duration_text((double)(r->end - r->state.step) / rate, left));
    score_progress_write(&r->progress, line, now);
}

static score_status check_energies(const run *r, score_error *error) {
    const peptide_ensemble *e = r->ensemble;
    for (int copy = 0; copy < e->copies; copy++)
        if (!isfinite(e->potential[copy]) || !isfinite(e->bias[copy]))
            return score_fail(error, SCORE_ERROR_NUMERIC,
                              "the energy of copy %d is %g kJ/mol after %" PRIu64
                              " steps of %g fs: the structure that it starts from, or the length "
                              "of the steps, is to blame",
                              e->first_copy + copy, e->potential[copy], r->state.step,
                              r->options->timestep_fs);
    return SCORE_OK;
}

/* The steps to the next frame or to where something else is due, and the frame. */
static score_status go_on(run *r, score_error *error) {
    const uint64_t interval = r->options->interval, step = r->state.step, origin = r->state.origin;
    uint64_t next = step < origin ? origin : step + interval - (step - origin) % interval;
    const bool is_frame = step >= origin && next - step <= SEGMENT_STEPS;
    if (next - step > SEGMENT_STEPS)
        next = step + SEGMENT_STEPS;
    peptide_ensemble_advance(r->ensemble, (uint32_t)step + 1, (uint32_t)(next - step));
    r->state.step = next;
    if (!is_frame && next != origin)
        return SCORE_OK;
    peptide_ensemble_evaluate(r->ensemble);
    const score_status status = check_energies(r, error);
    if (status != SCORE_OK || !is_frame)
        return status;
    const uint64_t number = (next - origin) / interval - 1;
    return peptide_frames_write(&r->frames, number - r->first_frame, number, (uint32_t)next, error);
}

static score_status check_start(run *r, score_error *error) {
    peptide_ensemble_evaluate(r->ensemble);
    return check_energies(r, error);
}

/* From a start that has been checked, unless it is that of a checkpoint. */
static score_status simulate(run *r, score_error *error) {
    score_status status = r->is_resumed ? check_start(r, error) : SCORE_OK;
    while (status == SCORE_OK && r->state.step < r->end) {
        status = go_on(r, error);
        if (status != SCORE_OK)
            break;
        const int signal = score_interrupt_signal();
        if (signal != 0 || score_now_s() - r->saved_s >= r->options->checkpoint_s) {
            peptide_ensemble_evaluate(r->ensemble); /* which no frame may have had done */
            status = check_energies(r, error);
            if (status == SCORE_OK)
                status = save(r, error);
        }
        if (status == SCORE_OK && signal != 0 && r->state.step < r->end)
            status = score_fail(error, SCORE_ERROR_INTERRUPTED,
                                "interrupted after %" PRIu64 " of %" PRIu64
                                " steps; --resume goes on from there",
                                r->state.step, r->end);
        show(r, false);
    }
    score_progress_end(&r->progress);
    if (status == SCORE_OK)
        status = save(r, error);
    return status == SCORE_OK ? score_frames_file_finish(&r->frames.file, error) : status;
}

static void tell_end(const run *r) {
    const peptide_options *o = r->options;
    const peptide_ensemble *e = r->ensemble;
    const double ps = (double)(r->end - r->begin) * 0.001 * o->timestep_fs;
    const double days = r->state.seconds / 86400;
    printf("%s: %" PRIu64 " frames of each of %d copies, %.4g ns a copy, %.4g ns/day a copy, "
           "%.4g in all, %s\n",
           o->output, r->frame_count, o->copies, 0.001 * ps, 0.001 * ps / days,
           0.001 * ps / days * o->copies, e->kernel->name);
    if (o->levels < 2)
        return;
    printf("swaps accepted:");
    for (int k = 0; k + 1 < o->levels; k++)
        printf(" %.2f",
               (double)e->accepted[k] / (double)(e->attempted[k] > 0 ? e->attempted[k] : 1));
    printf("\n");
}

static score_status prepare(run *r, score_error *error) {
    const peptide_options *o = r->options;
    const peptide_dynamics dynamics = {.molecule = &r->molecule,
                                       .timestep_ps = (float)(0.001 * o->timestep_fs),
                                       .friction_per_ps = (float)o->friction_per_ps,
                                       .seed = o->seed};
    const peptide_ladder ladder = {
        .levels = o->levels, .temperatures_k = o->temperatures_k, .swap_steps = o->swap_steps};
    score_status status = peptide_molecule_read(o->system, &r->molecule, error);
    if (status == SCORE_OK && o->bias != NULL)
        status = peptide_bias_read(o->bias, &r->molecule, error);
    if (status == SCORE_OK)
        status = peptide_ensemble_create(&dynamics, &ladder, o->copies, o->first_copy, &r->executor,
                                         &r->ensemble, error);
    if (status != SCORE_OK)
        return status;
    const size_t path = strlen(o->output) + sizeof ".checkpoint";
    const size_t coordinates = (size_t)o->copies * 3 * (size_t)r->molecule.atoms;
    r->checkpoint = malloc(path);
    r->positions = calloc(coordinates, sizeof *r->positions);
    r->velocities = calloc(coordinates, sizeof *r->velocities);
    if (!r->checkpoint || !r->positions || !r->velocities)
        return score_fail(error, SCORE_ERROR_MEMORY, "cannot allocate %zu numbers", coordinates);
    snprintf(r->checkpoint, path, "%s.checkpoint", o->output);
    write_identity(r);
    return plan(r, error);
}

score_status peptide_run(const peptide_options *options, score_error *error) {
    run r = {.options = options,
             .executor = score_executor_openmp(&options->threads),
             .frames = {.file = {.descriptor = -1}},
             .progress = score_progress_begin(stdout)};
    bool is_finished = false;
    score_status status = prepare(&r, error);
    if (status == SCORE_OK) /* so that nothing is left of a start that is wrong */
        status = check_start(&r, error);
    if (status == SCORE_OK)
        status = open_frames(&r, &is_finished, error);
    if (status == SCORE_OK && is_finished)
        printf("%s: finished already\n", options->output);
    if (status == SCORE_OK && !is_finished) {
        r.started_s = r.saved_s = score_now_s();
        r.started_step = r.state.step;
        r.done_before_s = r.state.seconds;
        r.progress.last = r.started_s; /* there is nothing to tell yet */
        status = simulate(&r, error);
        if (status == SCORE_OK)
            tell_end(&r);
    }
    peptide_frames_close(&r.frames);
    peptide_ensemble_destroy(r.ensemble);
    peptide_molecule_free(&r.molecule);
    free(r.checkpoint);
    free(r.positions);
    free(r.velocities);
    return status;
}
