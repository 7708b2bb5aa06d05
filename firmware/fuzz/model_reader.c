#include "firmware/fuzz/model_reader.h"

#include "firmware/fuzz/harness.h"

static void read_row(const Tensor *tensor, u32 row, f32 *values) {
    const u8 *data = tensor->data + row * tensor_row_bytes(tensor->type, tensor->cols);
    tensor_type_info(tensor->type)->dequantize(data, values, tensor->cols);
}

static void read_matrix(const Tensor *tensor, Arena *arena) {
    ArenaMark mark = arena_mark(arena);
    f32 *values = ARENA_NEW(arena, f32, tensor->cols);
    CHECK(values != NULL);
    read_row(tensor, 0, values);
    read_row(tensor, tensor->rows - 1, values);
    arena_release(arena, mark);
}

static void read_vector(const f32 *vector, u32 count) {
    if (!vector) return;
    volatile f32 first = vector[0], last = vector[count - 1];
    (void)first, (void)last;
}

static void read_layer(const ModelConfig *c, const LayerWeights *w, Arena *arena) {
    const Tensor *matrices[] = {&w->wq, &w->wk, &w->wv, &w->wo, &w->gate, &w->up, &w->down};
    for (usize i = 0; i < COUNT_OF(matrices); i++) read_matrix(matrices[i], arena);
    read_vector(w->attention_norm, c->dim);
    read_vector(w->ffn_norm, c->dim);
    read_vector(w->bias_q, c->heads * c->head_dim);
    read_vector(w->bias_k, c->kv_heads * c->head_dim);
    read_vector(w->bias_v, c->kv_heads * c->head_dim);
}

void read_model_edges(const Model *model, Arena *arena) {
    const ModelConfig *c = &model->config;
    CHECK(str_is_printable(model->name));
    read_matrix(&model->embedding, arena);
    read_matrix(&model->output, arena);
    read_vector(model->final_norm, c->dim);
    read_vector(c->rope_factors, c->rope_dims / 2);
    for (u32 i = 0; i < c->layers; i++) read_layer(c, &model->layers[i], arena);
}
