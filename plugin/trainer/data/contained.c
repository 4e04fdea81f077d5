#define _POSIX_C_SOURCE 200809L
#include "data/contained.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static void limit(int resource, rlim_t most) {
    struct rlimit limits;
    if (getrlimit(resource, &limits) != 0)
        return;
    limits.rlim_cur = limits.rlim_max < most ? limits.rlim_max : most;
    setrlimit(resource, &limits);
}

/* Nobody who waits for crashes of this process shall go on with the copy. */
static void let_crash(void) {
    static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU};
    for (size_t k = 0; k < sizeof signals / sizeof signals[0]; k++)
        signal(signals[k], SIG_DFL);
}

/* The copy says that it has come to the end; how it leaves then is its tools' affair: valgrind makes
 * what the other threads of this process hold an error. */
static void run_copy(void (*work)(void *argument), void *argument, int cpu_seconds, int told) {
    let_crash();
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, (rlim_t)cpu_seconds);
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) {
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
    }
    work(argument);
    const ssize_t written = write(told, "", 1);
    _exit(written == 1 ? 0 : 1);
}

void score_allow_cpu(double seconds) {
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) == 0)
        limit(RLIMIT_CPU,
              (rlim_t)(seconds + 2 + (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec));
}

bool score_survives(void (*work)(void *argument), void *argument, int cpu_seconds) {
    int pipe_ends[2];
    if (pipe(pipe_ends) != 0)
        return false;
    fflush(NULL); /* or the copy might write what is buffered once more */
    const pid_t child = fork();
    if (child == 0)
        run_copy(work, argument, cpu_seconds, pipe_ends[1]);
    close(pipe_ends[1]);
    char byte;
    ssize_t count = -1;
    while (child > 0 && (count = read(pipe_ends[0], &byte, 1)) < 0 && errno == EINTR)
        continue;
    close(pipe_ends[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    return count == 1;
}
