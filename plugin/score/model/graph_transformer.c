/* The graph transformer of arXiv 2302.00600:
 *     node = embedding; a layer: node = gate(attention(norm(node)), node),
 *     node = gate(feedforward(norm(node)), node); read-out E = sum_i Dense_1(node_i), or
 *     score = -Dense_D(all nodes of a molecule side by side).
 * For forces at a fixed time, the first attention reads constants of what a molecule consists of
 * (nn/constant_attention.h). */
#include "model/architecture.h"

/* Tensors of a layer; a linear layer is its weight, with its bias behind it. */
typedef struct layer_tensors {
    int attention_norm, query_key_value, edge, attention_out, attention_gate;
    int feedforward_norm, widen, shrink, feedforward_gate;
} layer_tensors;

/* Adjoints, which all layers share. */
typedef struct adjoints {
    int node;   /* of a layer's input and output */
    int middle; /* between attention and feed-forward */
    int norm, fresh, heads, qkv, wide;
} adjoints;

typedef struct sizes {
    int hidden, wide, heads, all; /* all: heads side by side */
} sizes;

static sizes sizes_of(const score_network *network) {
    const score_expert_config *expert = &network->expert;
    return (sizes){expert->hidden, SCORE_FEEDFORWARD_FACTOR * expert->hidden, expert->heads,
                   expert->heads * expert->head_width};
}

static layer_tensors add_tensors(score_description *d, int layer, int edge, sizes n) {
    layer_tensors t;
    t.attention_norm = score_add_norm(d, layer, "attention_norm", n.hidden);
    t.query_key_value = score_add_linear(d, layer, "query_key_value", n.hidden, 3 * n.all, 3);
    t.edge = score_add_linear(d, layer, "attention_edge", n.hidden, n.all, 1);
    t.attention_out = score_add_linear(d, layer, "attention_out", n.all, n.hidden, 1);
    t.attention_gate = score_add_gate(d, layer, "attention_gate", n.hidden);
    t.feedforward_norm = score_add_norm(d, layer, "feedforward_norm", n.hidden);
    t.widen = score_add_linear(d, layer, "feedforward_in", n.hidden, n.wide, 1);
    t.shrink = score_add_linear(d, layer, "feedforward_out", n.wide, n.hidden, 1);
    t.feedforward_gate = score_add_gate(d, layer, "feedforward_gate", n.hidden);
    t.edge = score_add_derived(d, edge, t.edge, n.all);
    return t;
}

static adjoints add_adjoints(score_description *d, sizes n) {
    return (adjoints){
        .node = score_add_rows(d, "node_bar", n.hidden, SCORE_NO_ARRAY),
        .middle = score_add_rows(d, "middle_bar", n.hidden, SCORE_NO_ARRAY),
        .norm = score_add_rows(d, "norm_bar", n.hidden, SCORE_NO_ARRAY),
        .fresh = score_add_rows(d, "fresh_bar", n.hidden, SCORE_NO_ARRAY),
        .heads = score_add_array(d, (score_array){.name = "heads_bar",
                                                  .extent = {.row = n.all},
                                                  .streams = true,
                                                  .head_groups = 1}),
        .qkv = score_add_rows(d, "query_key_value_bar", 3 * n.all, SCORE_NO_ARRAY),
        .wide = score_add_rows(d, "wide_bar", n.wide, SCORE_NO_ARRAY),
    };
}

/* y = norm(x); returns y. */
static int add_norm(score_description *d, int layer, const char *name, int x, int tensor, sizes n,
                    const adjoints *bar) {
    const int y = score_add_rows(d, name, n.hidden, bar->norm);
    const int centred = score_add_rows(d, "norm_centred", n.hidden, SCORE_NO_ARRAY);
    const int variance = score_add_rows(d, "norm_variance", 1, SCORE_NO_ARRAY);
    score_add_step(d, (score_step){.operation = SCORE_NORM,
                                   .layer = layer,
                                   .in = {x},
                                   .out = {y, centred, variance},
                                   .tensor = {tensor}});
    return y;
}

static void add_gate(score_description *d, int layer, int fresh, int old, int out, int tensor) {
    const int logit = score_add_rows(d, "gate_logit", 1, SCORE_NO_ARRAY);
    score_add_step(d, (score_step){.operation = SCORE_GATE,
                                   .layer = layer,
                                   .in = {fresh, old},
                                   .out = {out, logit},
                                   .tensor = {tensor}});
}

static void add_linear(score_description *d, int layer, int x, int y, int tensor) {
    score_add_step(
        d,
        (score_step){
            .operation = SCORE_LINEAR, .layer = layer, .in = {x}, .out = {y}, .tensor = {tensor}});
}

/* The queries, keys and values of the layer. */
static int add_query_key_value(score_description *d, int layer, int node, const layer_tensors *t,
                               sizes n, const adjoints *bar) {
    const int norm = add_norm(d, layer, "attention_norm", node, t->attention_norm, n, bar);
    const int qkv = score_add_array(d, (score_array){.name = "query_key_value",
                                                     .extent = {.row = 3 * n.all},
                                                     .streams = true,
                                                     .head_groups = 3,
                                                     .adjoint = bar->qkv});
    add_linear(d, layer, norm, qkv, t->query_key_value);
    return qkv;
}

/* What the attention gives before its gate. */
static int add_attention(score_description *d, int layer, int node, int x, const layer_tensors *t,
                         sizes n, const adjoints *bar) {
    const score_extent of_heads = {.row = 3 * n.heads};
    const int qkv = add_query_key_value(d, layer, node, t, n, bar);
    const int heads = score_add_array(d, (score_array){.name = "heads",
                                                       .extent = {.row = n.all},
                                                       .streams = true,
                                                       .head_groups = 1,
                                                       .adjoint = bar->heads});
    const int weights = score_add_array(
        d,
        (score_array){.name = "attention_weights", .extent = {.pair = n.heads}, .streams = true});
    const int edges = score_add_array(
        d, (score_array){.name = "edge_query", .extent = of_heads, .streams = true});
    const int shift = score_add_array(
        d, (score_array){.name = "attention_shift", .extent = of_heads, .streams = true});
    const int scratch = score_add_array(
        d, (score_array){.name = "edge_query_bar", .extent = of_heads, .streams = true});
    score_add_step(d, (score_step){.operation = SCORE_ATTENTION,
                                   .layer = layer,
                                   .in = {qkv, x},
                                   .out = {heads, weights, edges, shift, scratch},
                                   .tensor = {t->edge}});
    const int fresh = score_add_rows(d, "attention_out", n.hidden, bar->fresh);
    add_linear(d, layer, heads, fresh, t->attention_out);
    return fresh;
}

/* The same as one product of constants; also gives the nodes. */
static int add_constant_attention(score_description *d, int x, int node, sizes n,
                                  const adjoints *bar) {
    const score_extent inputs = {.row = 3 * n.heads, .pair = n.heads};
    score_extent padded = inputs;
    padded.row_padding = n.heads;
    padded.molecule_padding = 3 * n.heads;
    const int input_bar = score_add_array(
        d, (score_array){.name = "weights_and_shifts_bar", .extent = inputs});
    const int input = score_add_array(
        d, (score_array){.name = "weights_and_shifts", .extent = padded, .adjoint = input_bar});
    const int fresh = score_add_rows(d, "attention_out", n.hidden, bar->fresh);
    score_add_step(d, (score_step){.operation = SCORE_CONSTANT_NODES, .layer = -1, .out = {node}});
    score_add_step(d,
                   (score_step){.operation = SCORE_CONSTANT_ATTENTION, .in = {x}, .out = {input}});
    score_add_step(
        d, (score_step){.operation = SCORE_CONSTANT_PROJECTION, .in = {input}, .out = {fresh}});
    return fresh;
}

static int add_feedforward(score_description *d, int layer, int middle, const layer_tensors *t,
                           sizes n, const adjoints *bar) {
    const int norm = add_norm(d, layer, "feedforward_norm", middle, t->feedforward_norm, n, bar);
    const int wide = score_add_rows(d, "wide", n.wide, bar->wide);
    const int active = score_add_rows(d, "wide_active", n.wide, bar->wide);
    const int slope = score_add_array(d, (score_array){.name = "slope", .extent = {.row = n.wide}});
    const int fresh = score_add_rows(d, "feedforward_out", n.hidden, bar->fresh);
    add_linear(d, layer, norm, wide, t->widen);
    score_add_step(d, (score_step){.operation = SCORE_ACTIVATE,
                                   .layer = layer,
                                   .in = {wide},
                                   .out = {active, slope},
                                   .activation = (score_activation)d->network->expert.activation});
    add_linear(d, layer, active, fresh, t->shrink);
    return fresh;
}

static void add_readout(score_description *d, int node, int tensor) {
    const int readout = score_begin_readout(d);
    const bool energy = d->network->expert.output == SCORE_OUTPUT_ENERGY;
    score_add_step(d, (score_step){.operation = energy ? SCORE_SUM_ENERGY : SCORE_LINEAR,
                                   .layer = -1,
                                   .in = {node},
                                   .out = {readout},
                                   .tensor = {tensor}});
    score_end_readout(d, readout);
}

static void describe(score_description *d) {
    const score_network *network = d->network;
    const sizes n = sizes_of(network);
    const bool constants_alone = d->purpose == SCORE_FOR_CONSTANTS;
    const bool has_constants = d->purpose == SCORE_FOR_FORCES;
    const int tables = network->feature_count;
    const int inputs = tables > 0 ? SCORE_FEATURE_WIDTH * tables : network->beads;
    const int embedding = d->tensor_count;
    for (int k = 0; k < tables; k++)
        score_add_table(d, k, network->feature_sizes[k], SCORE_FEATURE_WIDTH);
    score_add_linear(d, -1, "embedding", inputs + network->time_features, n.hidden, 0);
    const int edge = score_add_linear(d, -1, "edge", network->dimensions, n.hidden, 0);

    const adjoints bar = add_adjoints(d, n);
    const int x = constants_alone ? SCORE_NO_ARRAY : score_add_positions(d, n.heads);
    int node = score_add_rows(d, "node", n.hidden, bar.node);
    if (!has_constants)
        score_add_step(d, (score_step){.operation = SCORE_EMBED,
                                       .layer = -1,
                                       .in = {score_add_times(d)},
                                       .out = {node},
                                       .tensor = {embedding}});
    for (int l = 0; l < network->expert.layers; l++) {
        const layer_tensors t = add_tensors(d, l, edge, n);
        if (constants_alone) {
            if (l == 0)
                score_add_step(
                    d, (score_step){.operation = SCORE_MAKE_CONSTANTS,
                                    .in = {node, add_query_key_value(d, l, node, &t, n, &bar)},
                                    .tensor = {t.edge, t.attention_out}});
            continue;
        }
        int fresh = l == 0 && has_constants ? add_constant_attention(d, x, node, n, &bar)
                                            : add_attention(d, l, node, x, &t, n, &bar);
        const int middle = score_add_rows(d, "middle", n.hidden, bar.middle);
        add_gate(d, l, fresh, node, middle, t.attention_gate);
        fresh = add_feedforward(d, l, middle, &t, n, &bar);
        node = score_add_rows(d, "node", n.hidden, bar.node);
        add_gate(d, l, fresh, middle, node, t.feedforward_gate);
    }
    const bool energy = network->expert.output == SCORE_OUTPUT_ENERGY;
    const int readout = score_add_linear(
        d, -1, "readout", energy ? n.hidden : network->beads * n.hidden, network->outputs, 0);
    if (!constants_alone)
        add_readout(d, node, readout);
}

static const char *const activations[] = {"gelu-tanh", "gelu", NULL};

static const score_setting settings[] = {
    {.name = "heads",
     .kind = SCORE_SETTING_INT,
     .offset = offsetof(score_expert_config, heads),
     .least = 1,
     .most = SCORE_MAX_WIDTH,
     .usual = 8},
    {.name = "headWidth",
     .kind = SCORE_SETTING_INT,
     .offset = offsetof(score_expert_config, head_width),
     .least = 1,
     .most = SCORE_MAX_WIDTH,
     .usual = 64},
    {.name = "activation",
     .kind = SCORE_SETTING_CHOICE,
     .offset = offsetof(score_expert_config, activation),
     .optional = true,
     .choices = activations},
    {.name = "normEpsilon",
     .kind = SCORE_SETTING_NUMBER,
     .offset = offsetof(score_expert_config, norm_epsilon),
     .usual = 1e-6,
     .optional = true},
    {.name = NULL},
};

const score_architecture_kind SCORE_GRAPH_TRANSFORMER_KIND = {
    "graph-transformer", "graph transformer", settings, describe};
