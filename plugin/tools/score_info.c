/* score-info: prints what is in model files. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#ifdef SCORE_HAS_OPENBLAS
#include "base/openblas.h"
#endif
#include "host/host.h"
#include "model/noise_schedule.h"
#include "score/model.h"

enum { EXIT_GOOD = 0, EXIT_BAD_FILE = 1, EXIT_USAGE = 2 };

static const char USAGE[] =
    "Usage: score-info MODEL...\n"
    "       score-info --build\n"
    "Prints what is in each MODEL (.xml or .xml.gz): coordinates, temperature, noise "
    "schedule,\n"
    "beads, Gaussian, provenance, and of every expert the network with the least, the greatest "
    "and\n"
    "the root mean square value of each tensor.\n"
    "  --build    how this program computes: compiler, sets of instructions, matrix products\n"
    "  --help     this text\n"
    "  --version  the version of the program\n"
    "Exit status: 0, 1 if a file could not be read, 2 if the command line or SCORE_PRODUCTS is "
    "wrong.\n";

/* What a terminal acts on: controls but the tab, and what turns the direction of text. */
static bool is_control(unsigned code) {
    return (code < 0x20 && code != '\t') || (code >= 0x7f && code < 0xa0) ||
           (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* The character of UTF-8 that begins here, and its bytes; a single byte where it is none. */
static unsigned decode(const char *text, int *bytes) {
    const unsigned char *byte = (const unsigned char *)text;
    const int size = byte[0] < 0xc0 ? 1 : byte[0] < 0xe0 ? 2 : byte[0] < 0xf0 ? 3 : 4;
    unsigned code = size == 1 ? byte[0] : byte[0] & (0x7fu >> size);
    *bytes = 1;
    for (int k = 1; k < size; k++) {
        if ((byte[k] & 0xc0) != 0x80)
            return byte[0];
        code = code << 6 | (byte[k] & 0x3fu);
    }
    *bytes = size;
    return code;
}

/* Prints text of a file, controls as \uXXXX; returns how much. */
static int print_text(const char *text, size_t size) {
    int printed = 0;
    for (const char *end = text + size; text < end;) {
        int bytes;
        const unsigned code = decode(text, &bytes);
        printed += is_control(code) ? printf("\\u%04x", code) : printf("%.*s", bytes, text);
        text += bytes;
    }
    return printed;
}

static void print_name(const char *name) {
    const int printed = print_text(name, strlen(name));
    printf("%*s ", printed < 8 ? 8 - printed : 0, "");
}

static void print_range(const score_data_range *range) {
    if (range->centre_nm > 0)
        printf("  range of the data: neighbours up to %.5g nm apart, beads up to %.5g nm from the "
               "centre\n",
               range->neighbours_nm, range->centre_nm);
}

/* Those that a file says. */
static void print_settings(const score_setting *settings, const void *owner) {
    char text[SCORE_SETTING_TEXT];
    for (const score_setting *setting = settings; setting->name != NULL; setting++)
        if (!score_setting_is_usual(owner, setting))
            printf(", %s %s", setting->name, score_setting_text(owner, setting, text));
}

static void print_header(const score_model_config *config) {
    printf("  coordinates: %d dimensions, %s, scale %.10g nm\n", config->dimensions,
           config->centred ? "centred" : "not centred", config->scale_nm);
    printf("  temperature: %.10g K\n", config->temperature_k);
    printf("  noise schedule: %s", score_noise_schedule_title(config->schedule.kind));
    print_settings(score_noise_schedule_settings(config->schedule.kind), &config->schedule);
    printf("\n");
    if (config->feature_count > 0) {
        printf("  molecules: of any number of beads, each with %d integer features of sizes",
               config->feature_count);
        for (int f = 0; f < config->feature_count; f++)
            printf(" %d", config->feature_sizes[f]);
        printf("\n");
    } else {
        printf("  molecules: of %d beads, known one by one\n", config->bead_count);
    }
    print_range(&config->range);
}

static void print_beads(const score_model_config *config) {
    if (config->bead_count == 0)
        return;
    printf("  %5s %-8s %-8s %7s %10s %10s %10s %10s%s\n", "bead", "name", "residue", "number",
           "mass, amu", "x, nm", "y, nm", "z, nm", config->feature_count > 0 ? "  features" : "");
    for (int k = 0; k < config->bead_count; k++) {
        const score_bead *bead = &config->beads[k];
        printf("  %5d ", k);
        print_name(bead->name);
        print_name(bead->residue);
        printf("%7d %10.4f %10.5f %10.5f %10.5f", bead->residue_index, bead->mass_amu,
               bead->frame_nm[0], bead->frame_nm[1], bead->frame_nm[2]);
        for (int f = 0; f < config->feature_count; f++)
            printf("%s%d", f == 0 ? "  " : " ", bead->features[f]);
        printf("\n");
    }
}

static void print_gaussian(const score_gaussian *gaussian) {
    if (gaussian == NULL)
        return;
    const double *variances = gaussian->variances;
    double least = variances[0], most = variances[0];
    for (int k = 1; k < gaussian->modes; k++) {
        least = fmin(least, variances[k]);
        most = fmax(most, variances[k]);
    }
    if (gaussian->over == SCORE_OVER_ALL)
        printf("  Gaussian of the data: variance %.6g of every coordinate, in units of the scale\n",
               variances[0]);
    else
        printf(
            "  Gaussian of the data: over %s, %d mode%s of variance %.6g to %.6g in units of the "
            "scale%s\n",
            gaussian->over == SCORE_OVER_BEADS ? "beads" : "coordinates", gaussian->modes,
            gaussian->modes == 1 ? "" : "s", least, most,
            gaussian->mean == NULL ? "" : ", with a mean");
}

/* The text with every line indented, so that a long one (a recipe) stays readable. */
static void print_notes(const score_model_config *config) {
    for (int k = 0; k < config->note_count; k++) {
        const char *text = config->notes[k].text;
        printf("  note '");
        print_text(config->notes[k].name, strlen(config->notes[k].name));
        printf("':\n");
        while (*text != '\0') {
            size_t size = strcspn(text, "\n");
            printf("    ");
            print_text(text, size);
            printf("\n");
            text += size + (text[size] == '\n');
        }
    }
}

/* sqrt(mean of squares), scaled by the greatest so that no square overflows or vanishes. */
static double root_mean_square(const double *values, size_t size, double greatest) {
    double sum = 0;
    if (greatest == 0)
        return 0;
    for (size_t k = 0; k < size; k++)
        sum += (values[k] / greatest) * (values[k] / greatest);
    return greatest * sqrt(sum / (double)size);
}

static void print_tensor(const score_tensor *tensor, const double *values) {
    char shape[32];
    double least = values[0], most = values[0];
    for (size_t k = 1; k < tensor->size; k++) {
        least = fmin(least, values[k]);
        most = fmax(most, values[k]);
    }
    if (tensor->rank == 1)
        snprintf(shape, sizeof shape, "%d", tensor->shape[0]);
    else
        snprintf(shape, sizeof shape, "%d x %d", tensor->shape[0], tensor->shape[1]);
    printf("    %-32s %14s %12.4g %12.4g %12.4g\n", tensor->name, shape, least, most,
           root_mean_square(values, tensor->size, fmax(fabs(least), fabs(most))));
}

static void print_expert(const score_model *model, int expert) {
    const score_expert_config *config = &score_model_get_config(model)->experts[expert];
    printf("  expert %d: %s for %s, diffusion times %.10g to %.10g\n", expert,
           score_architecture_title(config->architecture),
           config->output == SCORE_OUTPUT_ENERGY ? "the energy" : "the score", config->t_begin,
           config->t_end);
    if (config->base == SCORE_BASE_GAUSSIAN)
        printf("    base: the Gaussian of the data, diffused until its time\n");
    if (config->time_variance > 0)
        printf("    sees the noise's scale above a variance of %.10g\n", config->time_variance);
    printf("    hidden %d, layers %d", config->hidden, config->layers);
    print_settings(score_architecture_settings(config->architecture), config);
    printf("; %zu parameters stored as %s\n", score_model_parameter_count(model, expert),
           config->dtype == SCORE_FLOAT32 ? "float32" : "float64");
    printf("    %-32s %14s %12s %12s %12s\n", "tensor", "shape", "least", "greatest", "rms");
    const double *parameters = score_model_parameters_const(model, expert);
    for (int k = 0; k < score_model_tensor_count(model, expert); k++) {
        const score_tensor *tensor = score_model_tensor(model, expert, k);
        print_tensor(tensor, parameters + tensor->offset);
    }
}

static int print_file(const char *path) {
    score_error error = {0};
    score_model *model;
    struct stat information;
    if (score_model_read(path, &model, &error) != SCORE_OK) {
        char text[sizeof error.file + sizeof error.message + 32];
        fprintf(stderr, "score-info: %s\n", score_error_text(&error, text, sizeof text));
        return EXIT_BAD_FILE;
    }
    const score_model_config *config = score_model_get_config(model);
    printf("%s", path);
    if (stat(path, &information) == 0)
        printf(": %lld bytes", (long long)information.st_size);
    printf("\n");
    print_header(config);
    print_beads(config);
    print_gaussian(config->gaussian);
    print_notes(config);
    for (int e = 0; e < config->expert_count; e++)
        print_expert(model, e);
    score_model_destroy(model);
    return EXIT_GOOD;
}

/* Which products there are, and who uses which. */
static int print_products(void) {
#ifdef SCORE_HAS_OPENBLAS
    const score_openblas *library = score_openblas_load();
    if (library != NULL)
        printf("  matrix products: panels, openblas %s\n", library->version);
    else
        printf("  matrix products: panels; no openblas: %s\n", score_openblas_missing());
#else
    printf("  matrix products: panels; built without openblas\n");
#endif
    score_error error = {0};
    if (score_host_check(&error) != SCORE_OK) {
        fprintf(stderr, "score-info: %s\n", error.message);
        return EXIT_USAGE;
    }
    printf("  products in use: %s, on the Reference platform: %s\n", score_host_in_use()->products,
           score_host_reference()->products);
    return EXIT_GOOD;
}

static int print_build(void) {
    printf("score-info %s\n", SCORE_VERSION);
    printf("  compiler: %s\n", __VERSION__);
    printf("  arithmetic compiled for: %s\n", SCORE_ISA_NAMES);
    printf("  in use on this processor: %s\n", score_host_in_use()->name);
    return print_products();
}

int main(int argc, char **argv) {
    int first = 1, result = EXIT_GOOD;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(USAGE, stdout);
        return EXIT_GOOD;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("score-info %s\n", SCORE_VERSION);
        return EXIT_GOOD;
    }
    if (argc == 2 && strcmp(argv[1], "--build") == 0) {
        return print_build();
    }
    if (argc > 1 && strcmp(argv[1], "--") == 0)
        first = 2;
    else if (argc > 1 && argv[1][0] == '-') {
        fprintf(stderr, "score-info: option '%s' is not known here\n%s", argv[1], USAGE);
        return EXIT_USAGE;
    }
    if (first == argc) {
        fputs(USAGE, stderr);
        return EXIT_USAGE;
    }
    for (int k = first; k < argc; k++) {
        int code = print_file(argv[k]);
        result = code != EXIT_GOOD ? code : result;
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("score-info: cannot write to standard output\n", stderr);
        return EXIT_BAD_FILE;
    }
    return result;
}
