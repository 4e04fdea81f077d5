#include "bad_documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TENSOR_END "</Tensor>\n"

const bad_document BAD_DOCUMENTS[] = {
    /* not XML, or XML with what models do not have */
    {"text", 0, 1, "<?xml", "</ScoreModel>", "hello world", "not well-formed XML", NULL},
    {"empty", 0, 1, "<?xml", "</ScoreModel>\n", "", "the file is empty", NULL},
    {"broken tag", 0, 1, "<Beads>", NULL, "<Beads<", "not well-formed XML", NULL},
    {"wrong end tag", 0, 1, "</Beads>", NULL, "</Beds>", "not well-formed XML", NULL},
    {"not UTF-8", 0, 1, "plain text", NULL, "plain \xff", "not well-formed XML", NULL},
    {"unknown encoding", 0, 1, "UTF-8", NULL, "KLINGON-8", "not well-formed XML", NULL},
    {"Latin-1", 0, 0, "UTF-8", NULL, "ISO-8859-1", "the encoding is ISO-8859-1, must be UTF-8",
     NULL},
    {"twice the same attribute", 0, 1, "betaMax=", NULL,
     "betaMin=\"1\" betaMax=", "not well-formed XML", NULL},
    {"second root", 0, 1, "</ScoreModel>", NULL, "</ScoreModel>\n<More/>", "Extra content",
     "<More/>"},
    {"trailing text", 0, 1, "</ScoreModel>", NULL, "</ScoreModel>\n more", "Extra content",
     " more"},
    {"truncated in a tensor", 0, 1, "</Tensor>", "</ScoreModel>\n", "", "the file is truncated",
     NULL},
    {"truncated in a tag", 0, 1, "temperature=", "</ScoreModel>\n", "", "the file is truncated",
     NULL},
    {"truncated before the last tag", 0, 1, "</ScoreModel>\n", NULL, "", "the file is truncated",
     "</Experts>"},
    {"truncated before the first element", 0, 1, "<ScoreModel", "</ScoreModel>\n", "",
     "not well-formed XML", NULL},
    {"document type", 0, 0, "<ScoreModel", NULL, "<!DOCTYPE ScoreModel>\n<ScoreModel",
     "document type 'ScoreModel' is declared", "<!DOCTYPE"},
    {"external document type", 0, 0, "<ScoreModel", NULL,
     "<!DOCTYPE ScoreModel SYSTEM \"http://127.0.0.1:1/score.dtd\">\n<ScoreModel",
     "document type 'ScoreModel' is declared", "<!DOCTYPE"},
    {"entity bomb", 0, 1, "<ScoreModel", NULL,
     "<!DOCTYPE ScoreModel [\n<!ENTITY a \"aaaaaaaaaa\">\n<!ENTITY b "
     "\"&a;&a;&a;&a;&a;&a;&a;&a;\">\n"
     "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">\n<!ENTITY d SYSTEM \"file:///etc/hostname\">\n]>\n"
     "<ScoreModel a=\"&c;\"",
     "document type 'ScoreModel' is declared", "<!DOCTYPE"},
    {"unknown entity", 0, 1, "plain text", NULL, "plain &text;", "Entity 'text' not defined", NULL},
    {"entity in an attribute", 0, 1, "name=\"recipe\"", NULL, "name=\"&recipe;\"",
     "Entity 'recipe' not defined", NULL},
    {"namespace", 0, 1, "<ScoreModel", NULL, "<ScoreModel xmlns=\"http://example.org/\"",
     "<ScoreModel> has or declares a namespace", NULL},
    {"attribute in a namespace", 0, 1, "<Beads", NULL, "<Beads xml:lang=\"en\"",
     "<Beads> has attribute 'lang' in a namespace", NULL},

    /* elements and their order */
    {"wrong root", 0, 1, "<ScoreModel", "</ScoreModel>", "<System version=\"1\"></System>",
     "the root element is <System>, must be <ScoreModel>", NULL},
    {"newer version", 0, 1, "version=\"1\">", NULL, "version=\"2\">",
     "format version 2; this library reads versions up to 1", NULL},
    {"version 0", 0, 1, "version=\"1\">", NULL, "version=\"0\">",
     "<ScoreModel> has version = '0', must be an integer in [1, ", NULL},
    {"no version", 0, 1, " version=\"1\">", NULL, ">", "<ScoreModel> has no attribute 'version'",
     NULL},
    {"unknown element", 0, 1, "<Beads>", NULL, "<Bonds/>\n<Beads>",
     "<Bonds> is not known inside <ScoreModel>", NULL},
    {"misplaced element", 0, 1, "<Bead ", NULL, "<Feature size=\"3\"/>\n<Bead ",
     "<Feature> is not known inside <Beads>", NULL},
    {"element in a note", 0, 1, "plain text", NULL, "plain <b>text</b>",
     "<b> is not known inside <Note>", NULL},
    {"text between elements", 0, 1, "<Beads>", NULL, "stray\n<Beads>",
     "<ScoreModel> holds text 'stray", "<Beads>"},
    {"no schedule", 0, 1, "<Schedule", "/>", "", "<Schedule> is missing in <ScoreModel>",
     "<Beads>"},
    {"no experts", 0, 1, "<Experts>", "</Experts>", "", "<Experts> is missing in <ScoreModel>",
     "</ScoreModel>"},
    {"no expert", 0, 1, "<Expert ", "</Expert>", "", "<Expert> is missing in <Experts>",
     "</Experts>"},
    {"no feature", SAMPLE_FEATURES, 1, "<Feature ", "<Feature size=\"5\"/>", "",
     "<Feature> is missing in <Features>", "</Features>"},
    {"two schedules", 0, 1, "<Beads>", NULL,
     "<Schedule type=\"variance-preserving\" betaMin=\"1\" betaMax=\"2\"/>\n<Beads>",
     "there is more than one <Schedule>", NULL},
    {"wrong order", 0, 1, "</ScoreModel>", NULL, "<Beads/>\n</ScoreModel>",
     "<Beads> must come before <Experts>", "<Beads/>"},

    /* attributes and their values */
    {"unknown attribute", 0, 1, "betaMin=", NULL,
     "gamma=\"1\" betaMin=", "<Schedule> has an attribute 'gamma' that is not known here", NULL},
    {"missing attribute", 0, 1, " scale=\"0.1\"", NULL, "",
     "<Coordinates> has no attribute 'scale'", NULL},
    {"garbage after a number", 0, 1, "scale=\"0.1\"", NULL, "scale=\"12abc\"",
     "<Coordinates> has scale = '12abc', must be a finite decimal number above 0", NULL},
    {"hexadecimal", 0, 1, "scale=\"0.1\"", NULL, "scale=\"0x1p-3\"", "scale = '0x1p-3'", NULL},
    {"space before a number", 0, 1, "scale=\"0.1\"", NULL, "scale=\" 0.1\"", "scale = ' 0.1'",
     NULL},
    {"comma", 0, 1, "scale=\"0.1\"", NULL, "scale=\"0,1\"", "scale = '0,1'", NULL},
    {"empty number", 0, 1, "scale=\"0.1\"", NULL, "scale=\"\"", "scale = ''", NULL},
    {"zero scale", 0, 0, "scale=\"0.1\"", NULL, "scale=\"0\"", "scale = '0'", NULL},
    {"overflow", 0, 0, "temperature=\"300\"", NULL, "temperature=\"1e999\"",
     "temperature = '1e999'", NULL},
    {"infinite", 0, 1, "temperature=\"300\"", NULL, "temperature=\"inf\"", "temperature = 'inf'",
     NULL},
    {"not a number", 0, 1, "mass=\"12.011\"", NULL, "mass=\"nan\"", "mass = 'nan'", NULL},
    {"negative mass", 0, 0, "mass=\"12.011\"", NULL, "mass=\"-1\"", "<Bead> has mass -1", NULL},
    {"four dimensions", 0, 1, "dimensions=\"3\"", NULL, "dimensions=\"4\"",
     "<Coordinates> has dimensions = '4', must be an integer in [1, 3]", NULL},
    {"huge integer", 0, 1, "dimensions=\"3\"", NULL, "dimensions=\"4294967299\"",
     "dimensions = '4294967299'", NULL},
    {"unknown schedule", 0, 1, "variance-preserving", NULL, "variance-exploding",
     "<Schedule> has type = 'variance-exploding', must be 'variance-preserving' or 'cosine'", NULL},
    {"beta falls", 0, 0, "betaMax=\"20\"", NULL, "betaMax=\"0.05\"",
     "betaMax is 0.05, less than betaMin 0.1", NULL},
    {"cosine with betas", 0, 1, "variance-preserving", NULL, "cosine",
     "<Schedule> has no attribute 'offset'", NULL},
    {"cosine with a large offset", 0, 0, "variance-preserving\" betaMin=\"0.1\" betaMax=\"20\"",
     NULL, "cosine\" offset=\"2\"", "offset is 2, must be at most 1", NULL},
    {"cosine with a negative offset", 0, 0, "variance-preserving\" betaMin=\"0.1\" betaMax=\"20\"",
     NULL, "cosine\" offset=\"-1\"", "<Schedule> has offset = '-1', must be", NULL},
    {"long bead name", 0, 1, "name=\"CA\"", NULL,
     "name=\"0123456789012345678901234567890123456789012345678901234567890123\"",
     "must be at most 63 bytes long", NULL},
    {"line feed in a bead name", 0, 1, "name=\"CA\"", NULL, "name=\"C&#10;A\"",
     "<Bead> has name = 'C?A', must be without control characters", NULL},
    {"C1 control character in a bead name", 0, 1, "name=\"CA\"", NULL,
     "name=\"C\xc2\x9b"
     "A\"",
     "<Bead> has name = 'C?A', must be without control characters", NULL},
    {"DEL in a residue", 0, 1, "residue=\"ALA\"", NULL, "residue=\"&#x7f;ALA\"",
     "<Bead> has residue = '?ALA', must be without", NULL},
    {"tab in the name of a note", 0, 1, "name=\"recipe\"", NULL, "name=\"re&#9;cipe\"",
     "<Note> has name = 're?cipe', must be without", NULL},
    {"residues go back", 0, 0, "residueIndex=\"0\"", NULL, "residueIndex=\"3\"",
     "<Bead> has residueIndex = '2', must be an integer in [3, ", "residueIndex=\"2\""},
    {"features without Features", 0, 0, "<Bead ", NULL, "<Bead features=\"1 2\" ",
     "<Bead> has an attribute 'features'", NULL},
    {"feature too large", SAMPLE_FEATURES, 0, "features=\"0 4\"", NULL, "features=\"0 5\"",
     "<Bead> has feature 1 = 5, must be in [0, 5)", NULL},
    {"too few features", SAMPLE_FEATURES, 0, "features=\"0 4\"", NULL, "features=\"0\"",
     "<Bead> has 1 features, must have 2", NULL},
    {"garbage features", SAMPLE_FEATURES, 1, "features=\"0 4\"", NULL, "features=\"0,4\"",
     "<Bead> has features = '0,4', must be 1 to 8 integers", NULL},
    {"no features", SAMPLE_FEATURES, 0, " features=\"0 4\"", NULL, "",
     "<Bead> has no attribute 'features'", NULL},
    {"no beads", 0, 0, "<Bead ", "z=\"123456789.12345679\"/>\n", "", "there is no <Bead>",
     "</Beads>"},
    {"one centred bead", 0, 0, "<Bead ", "/>\n", "", "there is one <Bead>", "</Beads>"},
    {"note twice", 0, 0, "</Provenance>", NULL, "<Note name=\"recipe\"/>\n</Provenance>",
     "there is more than one <Note> 'recipe'", NULL},

    {"range without the centre", SAMPLE_EXPERTS, 1, " centre=\"0.1\"", NULL, "",
     "<Range> has no attribute 'centre'", NULL},
    {"range of 0", SAMPLE_EXPERTS, 0, " centre=\"0.1\"", NULL, " centre=\"0\"",
     "<Range> has centre = '0', must be a finite decimal number above 0", NULL},
    {"negative range", SAMPLE_EXPERTS, 0, "<Range neighbours=\"", "\"", "<Range neighbours=\"-1\"",
     "<Range> has neighbours = -1, must not be negative", NULL},
    {"range before the beads", 0, 1, "<Beads>", NULL,
     "<Range neighbours=\"1\" centre=\"1\"/>\n<Beads>", "<Beads> is missing in <ScoreModel>",
     "<Range"},

    /* experts */
    {"unknown architecture", 0, 1, "graph-transformer", NULL, "transformer",
     "<Expert> has architecture = 'transformer', must be 'graph-transformer' or 'mlp'", NULL},
    {"unknown output", 0, 1, "output=\"energy\"", NULL, "output=\"force\"", "output = 'force'",
     NULL},
    {"unknown dtype of an expert", 0, 1, "dtype=\"float32\"", NULL, "dtype=\"float16\"",
     "dtype = 'float16', must be 'float32' or 'float64'", NULL},
    {"hidden 0", 0, 1, "hidden=\"2\"", NULL, "hidden=\"0\"", "hidden = '0'", NULL},
    {"hidden over the limit", 0, 0, "hidden=\"2\"", NULL, "hidden=\"16385\"",
     "hidden = '16385', must be an integer in [1, 16384]", NULL},
    {"layers over the limit", 0, 0, "layers=\"1\"", NULL, "layers=\"1025\"", "layers = '1025'",
     NULL},
    {"parameters over the limit", 0, 0, "hidden=\"2\" layers=\"1\"", NULL,
     "hidden=\"16384\" layers=\"1024\"", "parameters, more than the limit of 268435456", NULL},
    {"heads over the limit", 0, 0, "heads=\"1\" headWidth=\"2\"", NULL,
     "heads=\"65536\" headWidth=\"65536\"", "65536 heads of width 65536 are wider", NULL},
    {"heads of an MLP", SAMPLE_MLP, 1, "layers=\"2\"", NULL, "layers=\"2\" heads=\"8\"",
     "<Expert> has an attribute 'heads' that is not known here", NULL},
    {"unknown activation", 0, 1, "heads=\"1\"", NULL, "heads=\"1\" activation=\"relu\"",
     "activation = 'relu', must be 'gelu-tanh' or 'gelu'", NULL},
    {"activation of an MLP", SAMPLE_MLP, 1, "layers=\"2\"", NULL,
     "layers=\"2\" activation=\"gelu\"",
     "<Expert> has an attribute 'activation' that is not known here", NULL},
    {"norm epsilon 0", 0, 0, "heads=\"1\"", NULL, "heads=\"1\" normEpsilon=\"0\"",
     "normEpsilon = '0', must be", NULL},
    {"transformer without heads", 0, 1, " heads=\"1\"", NULL, "",
     "<Expert> has no attribute 'heads'", NULL},
    {"transformer in two dimensions", 0, 0, "dimensions=\"3\"", NULL, "dimensions=\"2\"",
     "is a graph transformer in 2 dimensions", "<Expert "},
    {"score of bead features", SAMPLE_FEATURES, 0, "output=\"energy\"", NULL, "output=\"score\"",
     "predicts a score, which a model of bead features", NULL},
    {"times outside [0, 1]", 0, 0, "timeEnd=\"1\"", NULL, "timeEnd=\"1.5\"",
     "owns diffusion times [0, 1.5]", NULL},
    {"time variance of 0", SAMPLE_EXPERTS, 0, "timeVariance=\"", "\"", "timeVariance=\"0\"",
     "timeVariance = '0', must be", NULL},
    {"times the wrong way round", SAMPLE_EXPERTS, 0, "timeBegin=\"0.6\"", NULL, "timeBegin=\"1\"",
     "expert 0 owns diffusion times [1, 1]", NULL},

    /* a base and its Gaussian */
    {"unknown base", SAMPLE_GAUSSIAN_BEADS, 1, "base=\"gaussian\"", NULL, "base=\"normal\"",
     "<Expert> has base = 'normal', must be 'none' or 'gaussian'", NULL},
    {"base without a Gaussian", SAMPLE_GAUSSIAN_BEADS, 0, "<Gaussian", "</Gaussian>", "",
     "<Expert> has base = 'gaussian', but there is no <Gaussian>", "<Expert "},
    {"base of a score", SAMPLE_GAUSSIAN_COORDINATES, 0, "output=\"energy\"", NULL,
     "output=\"score\"", "expert 0 predicts a score and has base gaussian", NULL},
    {"two Gaussians", SAMPLE_GAUSSIAN_BEADS, 1, "  </Gaussian>", NULL,
     "  </Gaussian>\n<Gaussian over=\"all\"/>", "there is more than one <Gaussian>",
     "<Gaussian over=\"all\"/>"},
    {"Gaussian before the beads", SAMPLE_GAUSSIAN_BEADS, 1, "<Beads>", NULL,
     "<Gaussian over=\"all\"/>\n<Beads>", "<Beads> is missing in <ScoreModel>", NULL},
    {"Gaussian over nothing known", SAMPLE_GAUSSIAN_BEADS, 1, "over=\"beads\"", NULL,
     "over=\"molecules\"",
     "<Gaussian> has over = 'molecules', must be 'all' or 'beads' or 'coordinates'", NULL},
    {"Gaussian over nothing", SAMPLE_GAUSSIAN_BEADS, 1, " over=\"beads\"", NULL, "",
     "<Gaussian> has no attribute 'over'", NULL},
    {"Gaussian over beads of features", SAMPLE_GAUSSIAN_ALL, 0, "over=\"all\"", NULL,
     "over=\"beads\"", "the Gaussian is over beads, but beads are known by features", NULL},
    {"variances of a Gaussian missing", SAMPLE_GAUSSIAN_BEADS, 0, "<Tensor name=\"variances\"",
     TENSOR_END, "", "tensor 'variances' of the Gaussian is missing", "</Gaussian>"},
    {"modes of a Gaussian missing", SAMPLE_GAUSSIAN_COORDINATES, 0, "<Tensor name=\"modes\"",
     TENSOR_END, "", "tensor 'modes' of the Gaussian is missing", "</Gaussian>"},
    {"modes of a Gaussian over all", SAMPLE_GAUSSIAN_ALL, 0, "<Tensor name=\"variances\"", NULL,
     "<Tensor name=\"modes\"", "tensor 'modes' is not one of the model's", NULL},
    {"mean of a Gaussian over beads", SAMPLE_GAUSSIAN_BEADS, 0, "<Tensor name=\"modes\"", NULL,
     "<Tensor name=\"mean\"", "tensor 'mean' is not one of the model's", NULL},
    {"modes of a Gaussian twice", SAMPLE_GAUSSIAN_COORDINATES, 0, "<Tensor name=\"mean\"", NULL,
     "<Tensor name=\"modes\"", "tensor 'modes' appears twice", NULL},
    {"too many modes", SAMPLE_GAUSSIAN_BEADS, 0, "name=\"modes\" shape=\"1 2\"", NULL,
     "name=\"modes\" shape=\"2 2\"", "tensor 'modes' has shape '2 2', the model says '1 2'", NULL},
    {"too many variances", SAMPLE_GAUSSIAN_BEADS, 0, "name=\"variances\" shape=\"1\"", NULL,
     "name=\"variances\" shape=\"2\"", "tensor 'variances' has shape '2', the model says '1'",
     NULL},
    {"modes in float", SAMPLE_GAUSSIAN_BEADS, 0, "shape=\"1 2\" dtype=\"float64\"", NULL,
     "shape=\"1 2\" dtype=\"float32\"",
     "tensor 'modes' has dtype float32, its Gaussian has float64", NULL},
    {"modes that do not sum to 0", SAMPLE_GAUSSIAN_BEADS, 0, "centred=\"1\"", NULL, "centred=\"0\"",
     "tensor 'variances' has shape '1', the model says '2'", "<Tensor name=\"variances\""},

    /* tensors */
    {"missing tensor", 0, 0, "<Tensor name=\"edge.bias\"", TENSOR_END, "",
     "tensor 'edge.bias' of expert 0 is missing", "</Expert>"},
    {"missing last tensor", 0, 0, "<Tensor name=\"readout.bias\"", TENSOR_END, "",
     "tensor 'readout.bias' of expert 0 is missing", "</Expert>"},
    {"duplicate tensor", 0, 0, "<Tensor name=\"edge.bias\"", NULL, "<Tensor name=\"edge.weight\"",
     "tensor 'edge.weight' appears twice", NULL},
    {"surplus tensor", 0, 0, "<Tensor name=\"edge.bias\"", NULL, "<Tensor name=\"edge.extra\"",
     "tensor 'edge.extra' is not one of the architecture's", NULL},
    {"tensor of another layer", 0, 0, "layer.0.query_key_value.bias", NULL,
     "layer.1.query_key_value.bias", "tensor 'layer.1.query_key_value.bias' is not one of", NULL},
    {"wrong shape", 0, 0, "name=\"edge.weight\" shape=\"3 2\"", NULL,
     "name=\"edge.weight\" shape=\"2 3\"",
     "tensor 'edge.weight' has shape '2 3', the architecture says '3 2'", NULL},
    {"wrong rank", 0, 0, "name=\"edge.bias\" shape=\"2\"", NULL, "name=\"edge.bias\" shape=\"2 1\"",
     "tensor 'edge.bias' has shape '2 ...', the architecture "
     "says '2'",
     NULL},
    {"too many dimensions", 0, 1, "shape=\"3 2\"", NULL, "shape=\"3 2 1\"",
     "shape = '3 2 1', must be 1 to 2 integers", NULL},
    {"10 GB", 0, 0, "shape=\"3 2\"", NULL, "shape=\"50000 50000\"",
     "has shape '50000 50000', the architecture says '3 2'", NULL},
    {"garbage shape", 0, 1, "shape=\"3 2\"", NULL, "shape=\"3x2\"", "shape = '3x2'", NULL},
    {"negative shape", 0, 1, "shape=\"3 2\"", NULL, "shape=\"-3 2\"", "shape = '-3 2'", NULL},
    {"wrong dtype", 0, 0, "shape=\"3 2\" dtype=\"float32\"", NULL,
     "shape=\"3 2\" dtype=\"float64\"",
     "tensor 'edge.weight' has dtype float64, its expert has float32", NULL},
    {"wrong checksum", 0, 0, "crc32=\"", "\"", "crc32=\"00000000\"", "crc32 says 00000000", NULL},
    {"garbage checksum", 0, 1, "crc32=\"", "\"", "crc32=\"0x12ab\"",
     "<Tensor> has crc32 = '0x12ab', must be 8 hexadecimal digits", NULL},
    {"checksum with a sign", 0, 1, "crc32=\"", "\"", "crc32=\"-1234567\"", "crc32 = '-1234567'",
     NULL},
    {"no data", 0, 0, "\">\neJ", "</Tensor>", "\"></Tensor>", "has data for 0 values", NULL},
    {"not base64", 0, 1, "\">\neJ", NULL, "\">\n\n!eJ", "has character 0x21 where base64", "!eJ"},
    {"cut base64", 0, 0, "\n      </Tensor>", NULL, "A\n      </Tensor>", "base64", NULL},
    {"not zlib's", 0, 0, "\">\neJ", NULL, "\">\n\naa", "has corrupt zlib data", NULL},
    {"element in a tensor", 0, 1, "</Tensor>", NULL, "<Tensor/></Tensor>",
     "<Tensor> is not known inside <Tensor>", NULL},
};

const int BAD_DOCUMENT_COUNT = sizeof BAD_DOCUMENTS / sizeof BAD_DOCUMENTS[0];

static const char *find_or_abort(const char *text, const char *what) {
    const char *place = strstr(text, what);
    if (place == NULL) {
        fprintf(stderr, "test set-up: '%s' is not in the document\n", what);
        abort();
    }
    return place;
}

char *replace_text(const char *document, const char *find, const char *until, const char *replace) {
    const char *begin = find_or_abort(document, find), *end = begin + strlen(find);
    if (until != NULL)
        end = find_or_abort(end, until) + strlen(until);
    size_t size = strlen(document) + strlen(replace) + 1;
    char *text = malloc(size);
    if (text == NULL)
        abort();
    snprintf(text, size, "%.*s%s%s", (int)(begin - document), document, replace, end);
    return text;
}

char *make_bad_document(const bad_document *bad, long *line) {
    char *document = make_document(bad->sample);
    char *text = replace_text(document, bad->find, bad->until, bad->replace);
    if (bad->at != NULL)
        *line = line_of(text, find_or_abort(text, bad->at));
    else
        *line = line_of(document, find_or_abort(document, bad->find));
    free(document);
    return text;
}
