/* The table of losses against the schema of recipes, which is written by hand: a loss has the same
 * element, with the same attributes, in both. */
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "losses/loss.h"
#include "temporary_folder.h"

static xmlXPathContext *open_schema(void) {
    xmlDoc *document = xmlReadFile(SCORE_RECIPE_SCHEMA, NULL, XML_PARSE_NONET);
    assert_non_null(document);
    xmlXPathContext *context = xmlXPathNewContext(document);
    assert_non_null(context);
    xmlXPathRegisterNs(context, (const xmlChar *)"r",
                       (const xmlChar *)"http://relaxng.org/ns/structure/1.0");
    return context;
}

static void close_schema(xmlXPathContext *context) {
    xmlFreeDoc(context->doc);
    xmlXPathFreeContext(context);
}

/* How many nodes of the schema a path names, in which %s is replaced by one or two texts. */
static int count(xmlXPathContext *schema, const char *format, const char *first,
                 const char *second) {
    char path[256];
    snprintf(path, sizeof path, format, first, second);
    xmlXPathObject *found = xmlXPathEvalExpression((const xmlChar *)path, schema);
    assert_non_null(found);
    const int nodes = found->nodesetval == NULL ? 0 : found->nodesetval->nodeNr;
    xmlXPathFreeObject(found);
    return nodes;
}

static void check_attribute(xmlXPathContext *schema, const char *element, const char *name,
                            bool is_required) {
    const char *path = is_required ? "//r:element[@name='%s']/r:attribute[@name='%s']"
                                   : "//r:element[@name='%s']/r:optional/r:attribute[@name='%s']";
    if (count(schema, path, element, name) != 1)
        fail_msg("the schema lacks %s %s of <%s>", is_required ? "the required" : "the optional",
                 name, element);
}

static void schema_has_the_losses_and_their_attributes(void **state) {
    (void)state;
    xmlXPathContext *schema = open_schema();
    for (int k = 0; k < SCORE_LOSS_KINDS; k++) {
        const score_loss *loss = score_loss_table[k];
        const char *in_stage = loss->is_required
                                   ? "//r:element[@name='Stage']/r:interleave/r:ref[@name='%s']%s"
                                   : "//r:element[@name='Stage']/r:interleave/r:optional/"
                                     "r:ref[@name='%s']%s";
        assert_int_equal(count(schema, in_stage, loss->element, ""), 1);
        int attributes = 1 + loss->has_share;
        check_attribute(schema, loss->element, "weight", isnan(loss->default_weight));
        if (loss->has_share)
            check_attribute(schema, loss->element, "share", false);
        for (int a = 0; a < SCORE_LOSS_SETTINGS && loss->attributes[a].name != NULL; a++) {
            check_attribute(schema, loss->element, loss->attributes[a].name,
                            isnan(loss->attributes[a].fallback));
            attributes++;
        }
        assert_int_equal(count(schema, "//r:element[@name='%s']//r:attribute%s", loss->element, ""),
                         attributes);
    }
    close_schema(schema);
}

/* Elements, columns and titles tell losses apart; what is required is listed, and every score has it. */
static void losses_are_told_apart(void **state) {
    (void)state;
    for (int k = 0; k < SCORE_LOSS_KINDS; k++) {
        const score_loss *loss = score_loss_table[k];
        assert_non_null(loss->weigh);
        assert_true(!loss->is_required || (loss->is_listed && !loss->needs_energy));
        assert_true(!loss->has_probes || loss->draw != NULL);
        assert_true(loss->own_streams == NULL || loss->needs_energy);
        for (int j = 0; j < k; j++) {
            const score_loss *other = score_loss_table[j];
            assert_string_not_equal(loss->element, other->element);
            assert_string_not_equal(loss->column, other->column);
            assert_string_not_equal(loss->title, other->title);
        }
    }
}

/* A run that does not use a loss that came later has the identity and the log that it had before. */
static void later_losses_are_listed_where_a_stage_uses_them(void **state) {
    (void)state;
    score_recipe recipe = {.stage_count = 2};
    const unsigned first = SCORE_BIT(SCORE_LOSS_DENOISING) | SCORE_BIT(SCORE_LOSS_FOKKER_PLANCK) |
                           SCORE_BIT(SCORE_LOSS_CLASSIFICATION);
    assert_int_equal(score_recipe_listed_losses(&recipe), first);
    assert_false(score_recipe_needs_forces(&recipe));
    recipe.stages[1].losses[SCORE_LOSS_FORCE_MATCHING].weight = 1;
    assert_int_equal(score_recipe_listed_losses(&recipe),
                     first | SCORE_BIT(SCORE_LOSS_FORCE_MATCHING));
    assert_true(score_recipe_needs_forces(&recipe));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_has_the_losses_and_their_attributes),
        cmocka_unit_test(losses_are_told_apart),
        cmocka_unit_test(later_losses_are_listed_where_a_stage_uses_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
