#include "bad_documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TENSOR_END "</Tensor>\n"

const bad_document BAD_DOCUMENTS[] = {
    /* not XML, or XML with what models do not have */
    {"text", 0, "<?xml", "</ScoreModel>", "hello world", "not well-formed XML", NULL, 1},
    {"empty", 0, "<?xml", "</ScoreModel>\n", "", "the file is empty", NULL, 1},
    {"broken tag", 0, "<Beads>", NULL, "<Beads<", "not well-formed XML", NULL, 1},
    {"wrong end tag", 0, "</Beads>", NULL, "</Beds>", "not well-formed XML", NULL, 1},
    {"not UTF-8", 0, "plain text", NULL, "plain \xff", "not well-formed XML", NULL, 1},
    {"unknown encoding", 0, "UTF-8", NULL, "KLINGON-8", "not well-formed XML", NULL, 1},
    {"twice the same attribute", 0, "betaMax=", NULL, "betaMin=\"1\" betaMax=",
     "not well-formed XML", NULL, 1},
    {"second root", 0, "</ScoreModel>", NULL, "</ScoreModel>\n<More/>", "Extra content", "<More/>",
     1},
    {"trailing text", 0, "</ScoreModel>", NULL, "</ScoreModel>\n more", "Extra content", " more",
     1},
    {"truncated in a tensor", 0, "</Tensor>", "</ScoreModel>\n", "", "the file is truncated",
     NULL, 1},
    {"truncated in a tag", 0, "temperature=", "</ScoreModel>\n", "", "the file is truncated", NULL,
     1},
    {"truncated before the last tag", 0, "</ScoreModel>\n", NULL, "", "the file is truncated",
     "</Experts>", 1},
    {"truncated before the first element", 0, "<ScoreModel", "</ScoreModel>\n", "",
     "not well-formed XML", NULL, 1},
    {"document type", 0, "<ScoreModel", NULL, "<!DOCTYPE ScoreModel>\n<ScoreModel",
     "document type 'ScoreModel' is declared", "<!DOCTYPE", 0},
    {"external document type", 0, "<ScoreModel", NULL,
     "<!DOCTYPE ScoreModel SYSTEM \"http://127.0.0.1:1/score.dtd\">\n<ScoreModel",
     "document type 'ScoreModel' is declared", "<!DOCTYPE", 0},
    {"entity bomb", 0, "<ScoreModel", NULL,
     "<!DOCTYPE ScoreModel [\n<!ENTITY a \"aaaaaaaaaa\">\n<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">\n"
     "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">\n<!ENTITY d SYSTEM \"file:///etc/hostname\">\n]>\n"
     "<ScoreModel a=\"&c;\"",
     "document type 'ScoreModel' is declared", "<!DOCTYPE", 1},
    {"unknown entity", 0, "plain text", NULL, "plain &text;", "Entity 'text' not defined", NULL,
     1},
    {"entity in an attribute", 0, "name=\"recipe\"", NULL, "name=\"&recipe;\"",
     "Entity 'recipe' not defined", NULL, 1},
    {"namespace", 0, "<ScoreModel", NULL, "<ScoreModel xmlns=\"http://example.org/\"",
     "<ScoreModel> has or declares a namespace", NULL, 1},
    {"attribute in a namespace", 0, "<Beads", NULL, "<Beads xml:lang=\"en\"",
     "<Beads> has attribute 'lang' in a namespace", NULL, 1},

    /* elements and their order */
    {"wrong root", 0, "<ScoreModel", "</ScoreModel>", "<System version=\"1\"></System>",
     "the root element is <System>, must be <ScoreModel>", NULL, 1},
    {"newer version", 0, "version=\"1\">", NULL, "version=\"2\">",
     "format version 2; this library reads versions up to 1", NULL, 1},
    {"version 0", 0, "version=\"1\">", NULL, "version=\"0\">",
     "<ScoreModel> has version = '0', must be an integer in [1, ", NULL, 1},
    {"no version", 0, " version=\"1\">", NULL, ">", "<ScoreModel> has no attribute 'version'", NULL,
     1},
    {"unknown element", 0, "<Beads>", NULL, "<Bonds/>\n<Beads>",
     "<Bonds> is not known inside <ScoreModel>", NULL, 1},
    {"misplaced element", 0, "<Bead ", NULL, "<Feature size=\"3\"/>\n<Bead ",
     "<Feature> is not known inside <Beads>", NULL, 1},
    {"element in a note", 0, "plain text", NULL, "plain <b>text</b>",
     "<b> is not known inside <Note>", NULL, 1},
    {"text between elements", 0, "<Beads>", NULL, "stray\n<Beads>",
     "<ScoreModel> holds text 'stray", "  <Beads>" + 2, 1},
    {"no schedule", 0, "<Schedule", "/>", "", "<Schedule> is missing in <ScoreModel>", "<Beads>",
     1},
    {"no experts", 0, "<Experts>", "</Experts>", "", "<Experts> is missing in <ScoreModel>",
     "</ScoreModel>", 1},
    {"no expert", 0, "<Expert ", "</Expert>", "", "<Expert> is missing in <Experts>", "</Experts>",
     1},
    {"no feature", SAMPLE_FEATURES, "<Feature ", "<Feature size=\"5\"/>", "",
     "<Feature> is missing in <Features>", "</Features>", 1},
    {"two schedules", 0, "<Beads>", NULL,
     "<Schedule type=\"variance-preserving\" betaMin=\"1\" betaMax=\"2\"/>\n<Beads>",
     "there is more than one <Schedule>", NULL, 1},
    {"wrong order", 0, "</ScoreModel>", NULL, "<Beads/>\n</ScoreModel>",
     "<Beads> must come before <Experts>", "<Beads/>", 1},

    /* attributes and their values */
    {"unknown attribute", 0, "betaMin=", NULL, "gamma=\"1\" betaMin=",
     "<Schedule> has an attribute 'gamma' that is not known here", NULL, 1},
    {"missing attribute", 0, " scale=\"0.1\"", NULL, "",
     "<Coordinates> has no attribute 'scale'", NULL, 1},
    {"garbage after a number", 0, "scale=\"0.1\"", NULL, "scale=\"12abc\"",
     "<Coordinates> has scale = '12abc', must be a finite decimal number above 0", NULL, 1},
    {"hexadecimal", 0, "scale=\"0.1\"", NULL, "scale=\"0x1p-3\"", "scale = '0x1p-3'", NULL, 1},
    {"space before a number", 0, "scale=\"0.1\"", NULL, "scale=\" 0.1\"", "scale = ' 0.1'", NULL,
     1},
    {"comma", 0, "scale=\"0.1\"", NULL, "scale=\"0,1\"", "scale = '0,1'", NULL, 1},
    {"empty number", 0, "scale=\"0.1\"", NULL, "scale=\"\"", "scale = ''", NULL, 1},
    {"zero scale", 0, "scale=\"0.1\"", NULL, "scale=\"0\"", "scale = '0'", NULL, 0},
    {"overflow", 0, "temperature=\"300\"", NULL, "temperature=\"1e999\"", "temperature = '1e999'",
     NULL, 0},
    {"infinite", 0, "temperature=\"300\"", NULL, "temperature=\"inf\"", "temperature = 'inf'", NULL,
     1},
    {"not a number", 0, "mass=\"12.011\"", NULL, "mass=\"nan\"", "mass = 'nan'", NULL, 1},
    {"negative mass", 0, "mass=\"12.011\"", NULL, "mass=\"-1\"", "<Bead> has mass -1", NULL, 0},
    {"four dimensions", 0, "dimensions=\"3\"", NULL, "dimensions=\"4\"",
     "<Coordinates> has dimensions = '4', must be an integer in [1, 3]", NULL, 1},
    {"huge integer", 0, "dimensions=\"3\"", NULL, "dimensions=\"4294967299\"",
     "dimensions = '4294967299'", NULL, 1},
    {"unknown schedule", 0, "variance-preserving", NULL, "variance-exploding",
     "<Schedule> has type = 'variance-exploding', must be 'variance-preserving'", NULL, 1},
    {"beta falls", 0, "betaMax=\"20\"", NULL, "betaMax=\"0.05\"",
     "betaMax is 0.05, less than betaMin 0.1", NULL, 0},
    {"long bead name", 0, "name=\"CA\"", NULL,
     "name=\"0123456789012345678901234567890123456789012345678901234567890123\"",
     "must be at most 63 bytes long", NULL, 1},
    {"residues go back", 0, "residueIndex=\"0\"", NULL, "residueIndex=\"3\"",
     "<Bead> has residueIndex = '2', must be an integer in [3, ", "residueIndex=\"2\"", 0},
    {"features without Features", 0, "<Bead ", NULL, "<Bead features=\"1 2\" ",
     "<Bead> has an attribute 'features'", NULL, 0},
    {"feature too large", SAMPLE_FEATURES, "features=\"0 4\"", NULL, "features=\"0 5\"",
     "<Bead> has feature 1 = 5, must be in [0, 5)", NULL, 0},
    {"too few features", SAMPLE_FEATURES, "features=\"0 4\"", NULL, "features=\"0\"",
     "<Bead> has 1 features, must have 2", NULL, 0},
    {"garbage features", SAMPLE_FEATURES, "features=\"0 4\"", NULL, "features=\"0,4\"",
     "<Bead> has features = '0,4', must be 1 to 8 integers", NULL, 1},
    {"no features", SAMPLE_FEATURES, " features=\"0 4\"", NULL, "",
     "<Bead> has no attribute 'features'", NULL, 0},
    {"no beads", 0, "<Bead ", "z=\"123456789.12345679\"/>\n", "", "there is no <Bead>", "</Beads>",
     0},
    {"one centred bead", 0, "<Bead ", "/>\n", "", "there is one <Bead>", "</Beads>", 0},
    {"note twice", 0, "</Provenance>", NULL, "<Note name=\"recipe\"/>\n</Provenance>",
     "there is more than one <Note> 'recipe'", NULL, 0},

    /* experts */
    {"unknown architecture", 0, "graph-transformer", NULL, "transformer",
     "<Expert> has architecture = 'transformer', must be 'graph-transformer' or 'mlp'", NULL, 1},
    {"unknown output", 0, "output=\"energy\"", NULL, "output=\"force\"", "output = 'force'", NULL,
     1},
    {"unknown dtype of an expert", 0, "dtype=\"float32\"", NULL, "dtype=\"float16\"",
     "dtype = 'float16', must be 'float32' or 'float64'", NULL, 1},
    {"hidden 0", 0, "hidden=\"2\"", NULL, "hidden=\"0\"", "hidden = '0'", NULL, 1},
    {"hidden over the limit", 0, "hidden=\"2\"", NULL, "hidden=\"16385\"",
     "hidden = '16385', must be an integer in [1, 16384]", NULL, 0},
    {"layers over the limit", 0, "layers=\"1\"", NULL, "layers=\"1025\"", "layers = '1025'", NULL,
     0},
    {"parameters over the limit", 0, "hidden=\"2\" layers=\"1\"", NULL,
     "hidden=\"16384\" layers=\"1024\"", "parameters, more than the limit of 268435456", NULL, 0},
    {"heads over the limit", 0, "heads=\"1\" headWidth=\"2\"", NULL,
     "heads=\"65536\" headWidth=\"65536\"", "65536 heads of width 65536 are wider", NULL, 0},
    {"heads of an MLP", SAMPLE_MLP, "layers=\"2\"", NULL, "layers=\"2\" heads=\"8\"",
     "<Expert> has an attribute 'heads' that is not known here", NULL, 1},
    {"transformer without heads", 0, " heads=\"1\"", NULL, "",
     "<Expert> has no attribute 'heads'", NULL, 1},
    {"transformer in two dimensions", 0, "dimensions=\"3\"", NULL, "dimensions=\"2\"",
     "is a graph transformer in 2 dimensions", "<Expert ", 0},
    {"score of bead features", SAMPLE_FEATURES, "output=\"energy\"", NULL, "output=\"score\"",
     "predicts a score, which a model of bead features", NULL, 0},
    {"times outside [0, 1]", 0, "timeEnd=\"1\"", NULL, "timeEnd=\"1.5\"",
     "owns diffusion times [0, 1.5]", NULL, 0},
    {"times the wrong way round", SAMPLE_EXPERTS, "timeBegin=\"0.6\"", NULL, "timeBegin=\"1\"",
     "expert 0 owns diffusion times [1, 1]", NULL, 0},

    /* tensors */
    {"missing tensor", 0, "<Tensor name=\"edge.bias\"", TENSOR_END, "",
     "tensor 'edge.bias' of expert 0 is missing", "</Expert>", 0},
    {"missing last tensor", 0, "<Tensor name=\"readout.bias\"", TENSOR_END, "",
     "tensor 'readout.bias' of expert 0 is missing", "</Expert>", 0},
    {"duplicate tensor", 0, "<Tensor name=\"edge.bias\"", NULL, "<Tensor name=\"edge.weight\"",
     "tensor 'edge.weight' appears twice", NULL, 0},
    {"surplus tensor", 0, "<Tensor name=\"edge.bias\"", NULL, "<Tensor name=\"edge.extra\"",
     "tensor 'edge.extra' is not one of the architecture's", NULL, 0},
    {"tensor of another layer", 0, "layer.0.query_key_value.bias", NULL,
     "layer.1.query_key_value.bias", "tensor 'layer.1.query_key_value.bias' is not one of", NULL,
     0},
    {"wrong shape", 0, "name=\"edge.weight\" shape=\"3 2\"", NULL,
     "name=\"edge.weight\" shape=\"2 3\"",
     "tensor 'edge.weight' has shape '2 3', the architecture says '3 2'", NULL, 0},
    {"wrong rank", 0, "name=\"edge.bias\" shape=\"2\"", NULL,
     "name=\"edge.bias\" shape=\"2 1\"", "tensor 'edge.bias' has shape '2 ...', the architecture "
     "says '2'", NULL, 0},
    {"too many dimensions", 0, "shape=\"3 2\"", NULL, "shape=\"3 2 1\"",
     "shape = '3 2 1', must be 1 to 2 integers", NULL, 1},
    {"10 GB", 0, "shape=\"3 2\"", NULL, "shape=\"50000 50000\"",
     "has shape '50000 50000', the architecture says '3 2'", NULL, 0},
    {"garbage shape", 0, "shape=\"3 2\"", NULL, "shape=\"3x2\"", "shape = '3x2'", NULL, 1},
    {"negative shape", 0, "shape=\"3 2\"", NULL, "shape=\"-3 2\"", "shape = '-3 2'", NULL, 1},
    {"wrong dtype", 0, "shape=\"3 2\" dtype=\"float32\"", NULL, "shape=\"3 2\" dtype=\"float64\"",
     "tensor 'edge.weight' has dtype float64, its expert has float32", NULL, 0},
    {"wrong checksum", 0, "crc32=\"", "\"", "crc32=\"00000000\"", "crc32 says 00000000", NULL, 0},
    {"garbage checksum", 0, "crc32=\"", "\"", "crc32=\"0x12ab\"",
     "<Tensor> has crc32 = '0x12ab', must be 8 hexadecimal digits", NULL, 1},
    {"checksum with a sign", 0, "crc32=\"", "\"", "crc32=\"-1234567\"", "crc32 = '-1234567'", NULL,
     1},
    {"no data", 0, "\">\neJ", "</Tensor>", "\"></Tensor>", "has data for 0 values", NULL, 0},
    {"not base64", 0, "\">\neJ", NULL, "\">\n\n!eJ", "has character 0x21 where base64", "!eJ", 1},
    {"cut base64", 0, "\n      </Tensor>", NULL, "A\n      </Tensor>", "base64", NULL, 0},
    {"not zlib's", 0, "\">\neJ", NULL, "\">\n\naa", "has corrupt zlib data", NULL, 0},
    {"element in a tensor", 0, "</Tensor>", NULL, "<Tensor/></Tensor>",
     "<Tensor> is not known inside <Tensor>", NULL, 1},
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
