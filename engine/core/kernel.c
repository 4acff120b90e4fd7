/* Ranks a catalogue for one history: one pass over the items, the best kept in a heap.
 *
 * The formulas are those of parts.py, and scan.py says the same in numpy. The pass is in float32,
 * or over int8 codes of the vectors; whatever comes within its error of the best is scored again
 * in float64, so that the answer does not depend on the representation, nor on the processor.
 *
 * Plain C that gcc and clang vectorise; kernel.py loads it by ctypes. Memory is the caller's.
 */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define INLINE static inline __attribute__((always_inline))
/* The loader picks the version for the processor; other systems take what the compiler makes. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define FOR_EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

enum { STATIC, VECTORS, NEIGHBOURS };
/* Rows that are scored before the heap looks at them. */
enum { BLOCK = 64 };
/* Fewer allowed rows of a block are scored one by one. */
enum { FEW = 12 };
/* Bytes; the processor's own prefetching ends with each page. */
enum { AHEAD = 4096 };
enum { BAD_INDEX = -1 };
static const double LEAST_VARIANCE = 1e-12;

typedef struct {
    int64_t kind;
    int64_t width; /* VECTORS: of a vector; NEIGHBOURS: entries in all */
    int64_t place; /* where the part's numbers begin in the state */
    double weight;
    const float *values;  /* STATIC: scores; VECTORS: row after row; NEIGHBOURS: weights */
    const float *reach;   /* the largest |value|: STATIC one, VECTORS of each column */
    const int8_t *codes;  /* VECTORS: value / reach * 127, or NULL */
    const double *mean, *covariance;
    const int64_t *indptr;
    const int32_t *indices;
} Part;

typedef struct {
    int64_t n_items, n_parts;
    const Part *parts;
} Blend;

typedef struct {
    int64_t length;
    const int32_t *rows;
    const float *weights;
} History;

typedef struct {
    float score;
    int32_t row;
} Scored;

/* The caller's memory, zeros at first and for one thread: 16 bytes and 44 for each item. */
typedef struct {
    int64_t capacity;
    int64_t turn; /* how many parts have spoken */
    double items[];
} Scratch;

/* What a part's entries add up to, where the turn is the part's. */
typedef struct {
    double raw;
    int64_t turn;
} Sum;

typedef struct {
    Sum *sums;
    double *spoken; /* of all neighbour parts but for their offsets; zeros between calls */
    Scored *found;
    int32_t *touched, *dirty;
    float *heap;
    int64_t n_dirty, turn;
    double error;   /* how far the pass may be from the truth */
    double largest; /* what the terms of a score may add up to */
    double offset;  /* the same for every item */
} Work;

/* A part's numbers in the state: scale, offset, the query, and the query as the pass reads it. */
INLINE double *scale_of(double *state, const Part *part) { return state + part->place; }
INLINE double *offset_of(double *state, const Part *part) { return state + part->place + 1; }
INLINE double *query_of(double *state, const Part *part) { return state + part->place + 3; }
INLINE void *pass_query_of(double *state, const Part *part) {
    return state + part->place + 3 + part->width;
}
/* What a product of codes is worth. */
INLINE double *unit_of(double *state, const Part *part) { return state + part->place + 2; }

INLINE Work work_in(Scratch *scratch, int64_t n_parts) {
    int64_t n = scratch->capacity;
    Work work = {0};
    work.sums = (Sum *)scratch->items;
    work.spoken = (double *)(work.sums + n);
    work.found = (Scored *)(work.spoken + n);
    work.touched = (int32_t *)(work.found + n);
    work.dirty = work.touched + n;
    work.heap = (float *)(work.dirty + n);
    work.turn = scratch->turn + 1;
    scratch->turn += n_parts;
    return work;
}

/* Fold the columns' scales into whole numbers whose products with codes add up without overflow. */
INLINE double fold_query(const Part *part, double *state, int16_t *folded) {
    const double *query = query_of(state, part);
    double most = INT32_MAX / (127.0 * (double)part->width), largest = 0, sum = 0, left = 0;
    if (most > INT16_MAX) most = INT16_MAX;
    for (int64_t j = 0; j < part->width; j++) largest = fmax(largest, fabs(query[j]) * part->reach[j] / 127);
    double unit = largest > 0 ? largest / floor(most) : 1;
    for (int64_t j = 0; j < part->width; j++) {
        double exact = query[j] * part->reach[j] / 127;
        folded[j] = (int16_t)rint(exact / unit);
        left += fabs(exact - folded[j] * unit) * 127;
        sum += fabs(exact);
    }
    *unit_of(state, part) = unit;
    /* A code is within half a step of its value. */
    return sum * 0.5001 + left;
}

INLINE int speak_vectors(const Blend *blend, const Part *part, const History *history, double *state, Work *work) {
    double *query = query_of(state, part), total = 0, variance = 0, reach = 0, offset = 0;
    memset(query, 0, sizeof(double) * (size_t)part->width);
    for (int64_t h = 0; h < history->length; h++) {
        int32_t row = history->rows[h];
        if (row < 0 || row >= blend->n_items) return BAD_INDEX;
        for (int64_t j = 0; j < part->width; j++)
            query[j] += (double)history->weights[h] * part->values[row * part->width + j];
        total += history->weights[h];
    }
    for (int64_t j = 0; j < part->width; j++) query[j] = total > 0 ? query[j] / total : 0;
    for (int64_t i = 0; i < part->width; i++) {
        double along = 0;
#pragma omp simd reduction(+ : along)
        for (int64_t j = 0; j < part->width; j++) along += part->covariance[i * part->width + j] * query[j];
        variance += query[i] * along;
    }
    double scale = variance > LEAST_VARIANCE ? part->weight / sqrt(variance) : 0;
    for (int64_t j = 0; j < part->width; j++) {
        query[j] *= scale;
        offset -= query[j] * part->mean[j];
        reach += fabs(query[j]) * part->reach[j];
    }
    *scale_of(state, part) = scale;
    *offset_of(state, part) = offset;
    work->offset += offset;
    work->largest += reach;
    if (part->codes) {
        work->error += fold_query(part, state, pass_query_of(state, part));
    } else {
        float *narrow = pass_query_of(state, part);
        for (int64_t j = 0; j < part->width; j++) narrow[j] = (float)query[j];
        work->error += (double)(part->width + 4) * FLT_EPSILON * reach;
    }
    return 0;
}

INLINE void fetch_entries(const Part *part, int32_t row) {
    for (int64_t entry = part->indptr[row]; entry < part->indptr[row + 1]; entry += 16) {
        __builtin_prefetch(part->indices + entry);
        __builtin_prefetch(part->values + entry);
    }
}

INLINE int speak_neighbours(const Blend *blend, const Part *part, const History *history, double *state, Work *work, int64_t turn) {
    int64_t n = blend->n_items, n_touched = 0;
    double sum = 0;
    for (int64_t h = 0; h < history->length; h++) {
        int32_t row = history->rows[h];
        if (row < 0 || row >= n) return BAD_INDEX;
        int64_t start = part->indptr[row], stop = part->indptr[row + 1];
        if (h + 1 < history->length && history->rows[h + 1] >= 0 && history->rows[h + 1] < n)
            fetch_entries(part, history->rows[h + 1]);
        if (start < 0 || stop > part->width) return BAD_INDEX;
        for (int64_t entry = start; entry < stop; entry++) {
            int32_t target = part->indices[entry];
            if (target < 0 || target >= n) return BAD_INDEX;
            Sum *of_target = work->sums + target;
            if (of_target->turn != turn) {
                if (of_target->turn < work->turn) work->dirty[work->n_dirty++] = target;
                *of_target = (Sum){0, turn};
                work->touched[n_touched++] = target;
            }
            float said = part->values[entry] * history->weights[h];
            of_target->raw += said;
            sum += said;
        }
    }
    double mean = sum / (double)n, squares = (double)(n - n_touched) * mean * mean;
    double largest = n_touched < n ? fabs(mean) : 0;
    for (int64_t t = 0; t < n_touched; t++) {
        double from_mean = work->sums[work->touched[t]].raw - mean;
        squares += from_mean * from_mean;
        largest = fmax(largest, fabs(from_mean));
    }
    double variance = squares / (double)n;
    int speaks = variance > LEAST_VARIANCE * largest * largest;
    double scale = speaks ? part->weight / sqrt(variance) : 0;
    for (int64_t t = 0; speaks && t < n_touched; t++)
        work->spoken[work->touched[t]] += work->sums[work->touched[t]].raw * scale;
    *scale_of(state, part) = scale;
    *offset_of(state, part) = -mean * scale;
    work->offset -= mean * scale;
    work->largest += (largest + fabs(mean)) * scale;
    return 0;
}

/* Let every part hear the history. */
INLINE int speak(const Blend *blend, const History *history, double *state, Work *work) {
    for (int64_t p = 0; p < blend->n_parts; p++) {
        const Part *part = &blend->parts[p];
        int failed = 0;
        if (part->kind == VECTORS) failed = speak_vectors(blend, part, history, state, work);
        else if (part->kind == NEIGHBOURS)
            failed = speak_neighbours(blend, part, history, state, work, work->turn + p);
        else work->largest += part->weight * part->reach[0];
        if (failed) return failed;
    }
    work->error += (double)(blend->n_parts + 4) * FLT_EPSILON * work->largest;
    return 0;
}

INLINE void forget(Work *work) {
    for (int64_t d = 0; d < work->n_dirty; d++) work->spoken[work->dirty[d]] = 0;
}

INLINE void add_products(const Part *part, double *state, int64_t row, int64_t rows, int64_t k, float *restrict scores) {
    const float *restrict query = pass_query_of(state, part);
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        const float *x = part->values + (row + r) * k;
        float a = 0, b = 0, c = 0, d = 0;
        for (int64_t j = 0; j < 4 * k; j += 64 / 4) __builtin_prefetch(x + j + AHEAD / 4);
#pragma omp simd reduction(+ : a, b, c, d)
        for (int64_t j = 0; j < k; j++) {
            a += x[j] * query[j];
            b += x[j + k] * query[j];
            c += x[j + 2 * k] * query[j];
            d += x[j + 3 * k] * query[j];
        }
        scores[r] += a, scores[r + 1] += b, scores[r + 2] += c, scores[r + 3] += d;
    }
    for (; r < rows; r++) {
        const float *x = part->values + (row + r) * k;
        float a = 0;
#pragma omp simd reduction(+ : a)
        for (int64_t j = 0; j < k; j++) a += x[j] * query[j];
        scores[r] += a;
    }
}

INLINE void add_coded_products(const Part *part, double *state, int64_t row, int64_t rows, int64_t k, float *restrict scores) {
    const int16_t *restrict query = pass_query_of(state, part);
    const float unit = (float)*unit_of(state, part);
    int32_t sums[BLOCK];
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        const int8_t *x = part->codes + (row + r) * k;
        int32_t a = 0, b = 0, c = 0, d = 0;
        for (int64_t j = 0; j < 4 * k; j += 64) __builtin_prefetch(x + j + AHEAD);
        for (int64_t j = 0; j < k; j++) {
            a += x[j] * query[j];
            b += x[j + k] * query[j];
            c += x[j + 2 * k] * query[j];
            d += x[j + 3 * k] * query[j];
        }
        sums[r] = a, sums[r + 1] = b, sums[r + 2] = c, sums[r + 3] = d;
    }
    for (; r < rows; r++) {
        const int8_t *x = part->codes + (row + r) * k;
        int32_t a = 0;
        for (int64_t j = 0; j < k; j++) a += x[j] * query[j];
        sums[r] = a;
    }
    for (r = 0; r < rows; r++) scores[r] += unit * (float)sums[r];
}

/* A width that the compiler knows needs no loop for what is left over. */
#define FOR_WIDTH(add)                                                  \
    switch (part->width) {                                              \
    case 32: add(part, state, row, rows, 32, scores); break;            \
    case 64: add(part, state, row, rows, 64, scores); break;            \
    case 128: add(part, state, row, rows, 128, scores); break;          \
    default: add(part, state, row, rows, part->width, scores);          \
    }

/* Score rows of the pass, but for the offset that all have in common. */
INLINE void pass(const Blend *blend, double *state, const Work *work, int64_t row, int64_t rows, float *restrict scores) {
    if (work->n_dirty) for (int64_t r = 0; r < rows; r++) scores[r] = (float)work->spoken[row + r];
    else memset(scores, 0, sizeof(float) * (size_t)rows);
    for (int64_t p = 0; p < blend->n_parts; p++) {
        const Part *part = &blend->parts[p];
        if (part->kind == STATIC) {
            const float weight = (float)part->weight;
            for (int64_t r = 0; r < rows; r++) scores[r] += weight * part->values[row + r];
        } else if (part->kind == VECTORS) {
            if (part->codes) { FOR_WIDTH(add_coded_products) }
            else { FOR_WIDTH(add_products) }
        }
    }
}

INLINE double product(const float *restrict values, const double *restrict query, int64_t width) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < width; j++) sum += values[j] * query[j];
    return sum;
}

/* Return a row's score: in float64, whatever the pass was made of. */
INLINE float exact_score(const Blend *blend, double *state, const Work *work, int64_t row) {
    double score = work->offset + work->spoken[row];
    for (int64_t p = 0; p < blend->n_parts; p++) {
        const Part *part = &blend->parts[p];
        if (part->kind == STATIC) score += part->weight * part->values[row];
        if (part->kind != VECTORS) continue;
        score += product(part->values + row * part->width, query_of(state, part), part->width);
    }
    return (float)score;
}

static void sift_down(float *heap, int64_t length, int64_t at) {
    float moved = heap[at];
    for (int64_t child; (child = 2 * at + 1) < length; at = child) {
        if (child + 1 < length && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= moved) break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

/* The best scores so far, the least of them on top, and the rows that come near it. */
typedef struct {
    int64_t limit, filled, n_found;
    float margin, floor;
    float *heap;
    Scored *found;
} Best;

INLINE void offer(Best *best, float score, int64_t row) {
    best->found[best->n_found++] = (Scored){score, (int32_t)row};
    if (best->filled < best->limit) {
        best->heap[best->filled++] = score;
        if (best->filled < best->limit) return;
        for (int64_t at = best->limit / 2 - 1; at >= 0; at--) sift_down(best->heap, best->limit, at);
    } else if (score > best->heap[0]) {
        best->heap[0] = score;
        sift_down(best->heap, best->limit, 0);
    }
    best->floor = best->heap[0] - best->margin;
}

/* Eight flags; a copy of a whole block would be waited for. */
INLINE uint64_t word_at(const uint8_t *flags) {
    uint64_t word;
    memcpy(&word, flags, sizeof word);
    return word;
}

/* Return how many of a block's flags, bytes of 0 or 1, are set. */
INLINE int count_flags(const uint8_t *flags) {
    uint64_t sum = 0;
    for (int w = 0; w < BLOCK / 8; w++) sum += word_at(flags + 8 * w);
    return (int)(sum * 0x0101010101010101u >> 56);
}

/* Return the flags as bits. */
INLINE uint64_t bits_of(const uint8_t *flags) {
    uint64_t bits = 0;
    for (int w = 0; w < BLOCK / 8; w++) {
        uint64_t word = word_at(flags + 8 * w);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        bits |= (word * 0x0102040810204080u >> 56) << 8 * w;
    }
    return bits;
}

/* Run what follows for each row whose bit is set. */
#define FOR_EACH_ROW(row, bits) \
    for (uint64_t left_ = (bits), row = 0; left_ && (row = (uint64_t)__builtin_ctzll(left_), 1); left_ &= left_ - 1)

/* Offer the rows of a block; flags and scores are of all its places. */
INLINE void offer_block(Best *best, const float *scores, const uint8_t *allowed, int64_t row) {
    uint8_t reached[BLOCK];
    for (int64_t r = 0; r < BLOCK; r++) reached[r] = allowed[r] & (scores[r] >= best->floor);
    if (count_flags(reached)) FOR_EACH_ROW(r, bits_of(reached)) if (scores[r] >= best->floor) offer(best, scores[r], row + (int64_t)r);
}

static int by_score_then_row(const void *left, const void *right) {
    const Scored *a = left, *b = right;
    if (a->score != b->score) return a->score < b->score ? 1 : -1;
    return a->row < b->row ? -1 : a->row > b->row;
}

static Best best_in(const Work *work, int64_t limit, double margin) {
    return (Best){limit, 0, 0, (float)margin, -INFINITY, work->heap, work->found};
}

/* Keep what came within the margin of the last place. */
static void drop_overtaken(Best *best) {
    int64_t kept = 0;
    for (int64_t f = 0; f < best->n_found; f++)
        if (best->found[f].score >= best->floor) best->found[kept++] = best->found[f];
    best->n_found = kept;
}

static int64_t write_best(Best *best, int32_t *rows, float *scores) {
    int64_t count = best->n_found < best->limit ? best->n_found : best->limit;
    qsort(best->found, (size_t)best->n_found, sizeof(Scored), by_score_then_row);
    for (int64_t place = 0; place < count; place++) {
        rows[place] = best->found[place].row;
        if (scores) scores[place] = best->found[place].score;
    }
    return count;
}

/* Rows of sparsely allowed blocks: they wait until what they need has come from memory. */
typedef struct {
    int64_t length;
    int64_t rows[BLOCK];
} Waiting;

INLINE void offer_waiting(const Blend *blend, double *state, const Work *work, Waiting *waiting, Best *best) {
    for (int64_t w = 0; w < waiting->length; w++) {
        float score;
        pass(blend, state, work, waiting->rows[w], 1, &score);
        if (score >= best->floor) offer(best, score, waiting->rows[w]);
    }
    waiting->length = 0;
}

INLINE void fetch(const Blend *blend, const Work *work, int64_t row, int is_coded) {
    __builtin_prefetch(work->spoken + row);
    for (int64_t p = 0; p < blend->n_parts; p++) {
        const Part *part = &blend->parts[p];
        if (part->kind != VECTORS) continue;
        const char *start = (const char *)(part->values + row * part->width);
        int64_t bytes = part->width * (int64_t)sizeof(float);
        if (is_coded && part->codes) start = (const char *)(part->codes + row * part->width), bytes = part->width;
        for (int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(start + at);
    }
}

INLINE void pass_all(const Blend *blend, double *state, const Work *work, const uint8_t *allowed, Best *best) {
    float scores[BLOCK] = {0};
    uint8_t last[BLOCK] = {0};
    Waiting waiting = {0};
    for (int64_t row = 0; row < blend->n_items; row += BLOCK) {
        int64_t rows = blend->n_items - row < BLOCK ? blend->n_items - row : BLOCK;
        const uint8_t *flags = rows < BLOCK ? memcpy(last, allowed + row, (size_t)rows) : allowed + row;
        int n_allowed = count_flags(flags);
        if (n_allowed > FEW) {
            pass(blend, state, work, row, rows, scores);
            offer_block(best, scores, flags, row);
        } else if (n_allowed) {
            if (waiting.length + n_allowed > BLOCK) offer_waiting(blend, state, work, &waiting, best);
            FOR_EACH_ROW(r, bits_of(flags)) {
                fetch(blend, work, row + (int64_t)r, 1);
                waiting.rows[waiting.length++] = row + (int64_t)r;
            }
        }
    }
    offer_waiting(blend, state, work, &waiting, best);
    drop_overtaken(best);
    for (int64_t f = 0; f < best->n_found; f++) fetch(blend, work, best->found[f].row, 0);
    for (int64_t f = 0; f < best->n_found; f++)
        best->found[f].score = exact_score(blend, state, work, best->found[f].row);
}

/* Write the best allowed rows and their scores, and return how many. */
EXPORT FOR_EACH_PROCESSOR
int64_t shelfwise_best(const Blend *blend, const int32_t *history, const float *weights, int64_t length,
                              const uint8_t *allowed, int64_t limit, Scratch *scratch, double *state,
                              int32_t *rows, float *scores) {
    const History heard = {length, history, weights};
    Work work = work_in(scratch, blend->n_parts);
    int64_t count = speak(blend, &heard, state, &work);
    if (!count && limit > 0) {
        Best best = best_in(&work, limit, 2 * work.error);
        pass_all(blend, state, &work, allowed, &best);
        count = write_best(&best, rows, scores);
    }
    forget(&work);
    return count;
}

/* Write every item's score. */
EXPORT FOR_EACH_PROCESSOR
int64_t shelfwise_values(const Blend *blend, const int32_t *history, const float *weights, int64_t length,
                                Scratch *scratch, double *state, float *scores) {
    const History heard = {length, history, weights};
    Work work = work_in(scratch, blend->n_parts);
    int failed = speak(blend, &heard, state, &work);
    for (int64_t row = 0; !failed && row < blend->n_items; row++)
        scores[row] = exact_score(blend, state, &work, row);
    forget(&work);
    return failed;
}

/* Return what a history's item adds to another's raw score. */
INLINE double said_by(const Part *part, int32_t row, int32_t item) {
    const int32_t *low = part->indices + part->indptr[row], *end = part->indices + part->indptr[row + 1];
    int64_t length = end - low;
    if (!length) return 0;
    while (length > 1) {
        int64_t half = length / 2;
        low += (low[half - 1] < item) * half;
        length -= half;
    }
    return *low == item ? part->values[low - part->indices] : 0;
}

/* Say of rows what each part adds, and which part and which item of the history add the most.
 *
 * The state is that of an earlier call for the same history. Each row of what is told has a number
 * for each of the items: the leading part, the place in the history that speaks loudest there, -1
 * where it hears none, the score, and what each part adds. */
EXPORT FOR_EACH_PROCESSOR
int64_t shelfwise_explain(const Blend *blend, const int32_t *history, const float *weights, int64_t length,
                                 double *state, const int32_t *rows, int64_t count, void *told) {
    int32_t *leading = told, *seeds = leading + count;
    float *scores = (float *)(seeds + count), *contributions = scores + count;
    for (int64_t c = 0; c < count; c++) if (rows[c] < 0 || rows[c] >= blend->n_items) return BAD_INDEX;
    for (int64_t c = 0; c < count; c++) {
        float most = -INFINITY;
        double total = 0;
        leading[c] = 0, seeds[c] = -1;
        for (int64_t p = 0; p < blend->n_parts; p++) {
            const Part *part = &blend->parts[p];
            const float *own = part->values + rows[c] * part->width;
            double sum = 0, loudest = -INFINITY;
            int32_t seed = -1;
            if (part->kind == STATIC) {
                sum = part->weight * part->values[rows[c]];
            } else if (part->kind == VECTORS) {
                sum = product(own, query_of(state, part), part->width) + *offset_of(state, part);
            } else {
                for (int64_t h = 0; h < length; h++) {
                    float said = (float)said_by(part, history[h], rows[c]) * weights[h];
                    sum += said;
                    if (said > loudest) loudest = said, seed = (int32_t)h;
                }
                sum = sum * *scale_of(state, part) + *offset_of(state, part);
            }
            total += sum;
            contributions[p * count + c] = (float)sum;
            if ((float)sum <= most) continue;
            most = (float)sum, leading[c] = (int32_t)p, seeds[c] = seed;
        }
        scores[c] = (float)total;
        const Part *part = &blend->parts[leading[c]];
        if (part->kind != VECTORS) continue;
        const float *own = part->values + rows[c] * part->width;
        double loudest = -INFINITY;
        for (int64_t h = 0; h < length; h++) {
            const float *other = part->values + history[h] * part->width;
            double said = 0;
#pragma omp simd reduction(+ : said)
            for (int64_t j = 0; j < part->width; j++) said += (double)own[j] * other[j];
            said *= weights[h];
            if (said > loudest) loudest = said, seeds[c] = (int32_t)h;
        }
    }
    return 0;
}

/* Write the rows of the highest allowed scores, and return how many. */
EXPORT FOR_EACH_PROCESSOR
int64_t shelfwise_top(const float *scores, const uint8_t *allowed, int64_t n_items, int64_t limit,
                             Scratch *scratch, int32_t *rows) {
    Work work = work_in(scratch, 0);
    Best best = best_in(&work, limit, 0);
    int64_t row = 0;
    for (; limit > 0 && row + BLOCK <= n_items; row += BLOCK) offer_block(&best, scores + row, allowed + row, row);
    for (; limit > 0 && row < n_items; row++)
        if (allowed[row] && scores[row] >= best.floor) offer(&best, scores[row], row);
    drop_overtaken(&best);
    return write_best(&best, rows, NULL);
}
