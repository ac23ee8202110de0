// Columns of a batch as rows read and write them without objects: a head, and a cell per column.
//
// Invariant: a cell is used only while it is of the kind that is asked for and its column has no nulls to look after; in
// every other case the answer is "not here", and the column's own methods do the work. `Cells.java` has the same layout.
#pragma once
#include "memory-small.h"

typedef struct {
    int32_t kind;        // the number of the column's type
    int32_t data;        // address of the values; of text that of the offsets
    int32_t validity;    // address of the validity bits, 0 if there are no nulls
    int32_t last_set;    // the row that was set last
    int32_t bytes;       // of text: address of the bytes
    int32_t bytes_room;  // of text: room for so many
} millrace_cell;

typedef struct {
    int32_t count;  // columns
    int32_t set;    // columns of the current row that are set
    millrace_cell cells[];
} millrace_cells;

#define MILLRACE_BOOLEAN 0
#define MILLRACE_INT 3
#define MILLRACE_BIGINT 4
#define MILLRACE_DOUBLE 6
#define MILLRACE_UTF8 8

static inline millrace_cell* millrace_cell_at(int32_t cells, int32_t index) {
    millrace_cells* all = (millrace_cells*) cells;
    return (uint32_t) index < (uint32_t) all->count ? &all->cells[index] : NULL;
}

static inline int millrace_bit(int32_t bits, int32_t row) { return ((const uint8_t*) bits)[row >> 3] >> (row & 7) & 1; }

// Whether the row of a column of this type has a value.
static inline int32_t millrace_cell_has(int32_t cells, int32_t index, int32_t kind, int32_t row) {
    millrace_cell* cell = millrace_cell_at(cells, index);
    return cell && cell->kind == kind && (!cell->validity || millrace_bit(cell->validity, row));
}

static inline int32_t millrace_cell_data(int32_t cells, int32_t index) { return ((millrace_cells*) cells)->cells[index].data; }

static inline int32_t millrace_cell_int(int32_t cells, int32_t index, int32_t row) {
    return ((const int32_t*) millrace_cell_data(cells, index))[row];
}

static inline int64_t millrace_cell_long(int32_t cells, int32_t index, int32_t row) {
    return ((const int64_t*) millrace_cell_data(cells, index))[row];
}

static inline double millrace_cell_double(int32_t cells, int32_t index, int32_t row) {
    return ((const double*) millrace_cell_data(cells, index))[row];
}

static inline int32_t millrace_cell_boolean(int32_t cells, int32_t index, int32_t row) {
    return millrace_bit(millrace_cell_data(cells, index), row);
}

// 1: null; 0: not null; -1: there is no such column.
static inline int32_t millrace_cell_null(int32_t cells, int32_t index, int32_t row) {
    millrace_cell* cell = millrace_cell_at(cells, index);
    return !cell ? -1 : cell->validity && !millrace_bit(cell->validity, row);
}

static inline void millrace_cell_touch(int32_t cells, int32_t index, int32_t row) {
    millrace_cells* all = (millrace_cells*) cells;
    if (all->cells[index].last_set != row) {
        all->cells[index].last_set = row;
        all->set++;
    }
}

// The cell to write to, if a value can simply be put there.
static inline millrace_cell* millrace_cell_open(int32_t cells, int32_t index, int32_t kind) {
    millrace_cell* cell = millrace_cell_at(cells, index);
    return cell && cell->kind == kind && !cell->validity ? cell : NULL;
}

static inline int32_t millrace_cell_put_int(int32_t cells, int32_t index, int32_t row, int32_t value) {
    millrace_cell* cell = millrace_cell_open(cells, index, MILLRACE_INT);
    if (!cell) return 0;
    ((int32_t*) cell->data)[row] = value;
    millrace_cell_touch(cells, index, row);
    return 1;
}

static inline int32_t millrace_cell_put_long(int32_t cells, int32_t index, int32_t row, int64_t value) {
    millrace_cell* cell = millrace_cell_open(cells, index, MILLRACE_BIGINT);
    if (!cell) return 0;
    ((int64_t*) cell->data)[row] = value;
    millrace_cell_touch(cells, index, row);
    return 1;
}

static inline int32_t millrace_cell_put_double(int32_t cells, int32_t index, int32_t row, double value) {
    millrace_cell* cell = millrace_cell_open(cells, index, MILLRACE_DOUBLE);
    if (!cell) return 0;
    ((double*) cell->data)[row] = value;
    millrace_cell_touch(cells, index, row);
    return 1;
}

static inline int32_t millrace_cells_set(int32_t cells) { return ((millrace_cells*) cells)->set; }

// Whether every column of the row is set; the next row has none.
static inline int32_t millrace_cells_complete(int32_t cells) {
    millrace_cells* all = (millrace_cells*) cells;
    if (all->set != all->count) return 0;
    all->set = 0;
    return 1;
}

static inline int32_t millrace_cell_is_set(int32_t cells, int32_t index, int32_t row) {
    return ((millrace_cells*) cells)->cells[index].last_set == row;
}

// Nothing of any row is set.
static inline void millrace_cells_forget(int32_t cells) {
    millrace_cells* all = (millrace_cells*) cells;
    for (int32_t i = 0; i < all->count; i++) all->cells[i].last_set = -1;
    all->set = 0;
}

static inline void millrace_cell_place(int32_t cell, int32_t data, int32_t validity) {
    ((millrace_cell*) cell)->data = data;
    ((millrace_cell*) cell)->validity = validity;
}

static inline void millrace_cell_place_bytes(int32_t cell, int32_t bytes, int32_t room) {
    ((millrace_cell*) cell)->bytes = bytes;
    ((millrace_cell*) cell)->bytes_room = room;
}

// Cells of rows without any: every answer is "not here".
extern millrace_cells millrace_no_cells;
static inline int32_t millrace_cells_none(void) { return (int32_t) &millrace_no_cells; }

// Text of a cell as a string of Java; NULL if it is not here or the collector has to make room first.
extern void* millrace_cell_text(int32_t cells, int32_t index, int32_t row);
// Writes a string as UTF-8; 0 if the cell is of another type or has too little room.
extern int32_t millrace_cell_put_text(int32_t cells, int32_t index, int32_t row, void* string);

// The position of a string in an array of strings, by identity; -1 if it is not there.
static inline int32_t millrace_find(void* array, void* string) {
    int32_t count = *(int32_t*) ((char*) array + MILLRACE_ARRAY_SIZE);
    void** at = (void**) ((char*) array + MILLRACE_ARRAY_DATA);
    for (int32_t i = 0; i < count; i++) {
        if (at[i] == string) return i;
    }
    return -1;
}
