/* The compiled source table: see source_table.py for what it is and array_table.py for the reference.

   Every sum adds the same weights in the same order as the reference, so that both agree to the last bit;
   the compiler must therefore not contract multiplications and additions (-ffp-contract=off). Arrays belong
   to the index and are read through buffers; item and session numbers found in them are the index's own and
   are trusted, those that a caller passes are checked. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define REVISION 1 /* of this interface; compiled_table.py takes no other */
#define NEIGHBOURS 6 /* clicks around one to which rules lead */
#define LEAST_TOTAL 1e-300 /* of an item from which no rule leads */

enum source { NEAREST_SESSIONS, SEQUENTIAL_RULES, ITEM_WALK, SESSION_HISTORY, POPULARITY, SOURCES };

static const int OFFSETS[NEIGHBOURS] = {-3, -2, -1, 1, 2, 3};

enum array {
    CLICK_ITEMS, CLICK_SESSIONS, SESSION_STARTS, SESSION_LENGTHS, RECENCY_WEIGHTS,
    ITEM_CLICKS, ITEM_LAST_CLICK, DISCOUNTS, RULE_WEIGHTS, RULE_SHARES, HISTORY_SHARES, ARRAYS
};

typedef struct {
    double score;
    int64_t latest; /* of equal scores the higher number comes first */
    int32_t number;
} Ranked;

typedef struct {
    PyObject_HEAD
    Py_buffer arrays[ARRAYS];
    PyObject *postings, *posting_ends;
    Py_ssize_t most_postings, nearest_clicks, most_neighbours, matched_items, rule_clicks, walk_clicks, walk_width;
    double match_decay;
    int64_t click_mask, first_click, live_sessions;
    Py_ssize_t item_limit, session_limit;
    /* The open session: distinct items, the latest first. */
    int32_t *latest;
    Py_ssize_t latest_count;
    /* Candidates in the order in which they were first named, counted from 1; 0 is no place. */
    int32_t *place_of, *items;
    double (*expected)[SOURCES];
    double *scores;
    char *is_left_out;
    int32_t count;
    double totals[SOURCES], weights[SOURCES];
    /* Scratch. */
    double *similarities, *step_weights;
    int32_t *found_sessions, *rule_places, *step_items;
    Ranked *ranked;
} SourceTable;

#define ARRAY(type, which) ((const type *)self->arrays[which].buf)

/* Ranking: a heap with the worst on top holds the best so far. */

static inline int outranks(const Ranked *one, const Ranked *other)
{
    return one->score > other->score || (one->score == other->score && one->latest > other->latest);
}

static void sink(Ranked *heap, Py_ssize_t count, Py_ssize_t place)
{
    Ranked moved = heap[place];
    for (Py_ssize_t child; (child = 2 * place + 1) < count; place = child) {
        if (child + 1 < count && outranks(&heap[child], &heap[child + 1]))
            child++;
        if (!outranks(&moved, &heap[child]))
            break;
        heap[place] = heap[child];
    }
    heap[place] = moved;
}

static void offer(Ranked *heap, Py_ssize_t *count, Py_ssize_t most, Ranked offered)
{
    if (*count < most) {
        Py_ssize_t place = (*count)++;
        for (; place && outranks(&heap[(place - 1) / 2], &offered); place = (place - 1) / 2)
            heap[place] = heap[(place - 1) / 2];
        heap[place] = offered;
    } else if (most > 0 && outranks(&offered, heap)) {
        heap[0] = offered;
        sink(heap, most, 0);
    }
}

static void sort_best_first(Ranked *heap, Py_ssize_t count)
{
    while (count > 1) {
        Ranked worst = heap[0];
        heap[0] = heap[--count];
        sink(heap, count, 0);
        heap[count] = worst;
    }
}

/* Reading the index */

typedef struct {
    Py_buffer buffer;
    const int64_t *positions;
    Py_ssize_t count;
} Postings;

/* Open the most recent live clicks on an item, the oldest first; close them with PyBuffer_Release. */
static int open_postings(SourceTable *self, int32_t item, Py_ssize_t most, Postings *found)
{
    if (item >= PyList_GET_SIZE(self->postings) || item >= PyList_GET_SIZE(self->posting_ends)) {
        PyErr_Format(PyExc_IndexError, "no posting list of item %d", (int)item);
        return -1;
    }
    Py_ssize_t end = PyLong_AsSsize_t(PyList_GET_ITEM(self->posting_ends, item));
    if (end == -1 && PyErr_Occurred())
        return -1;
    if (PyObject_GetBuffer(PyList_GET_ITEM(self->postings, item), &found->buffer, PyBUF_SIMPLE) < 0)
        return -1;
    if (end < 0 || end > found->buffer.len / (Py_ssize_t)sizeof(int64_t)) {
        PyBuffer_Release(&found->buffer);
        PyErr_SetString(PyExc_ValueError, "a posting list ends beyond its array");
        return -1;
    }
    if (most > self->most_postings)
        most = self->most_postings;
    Py_ssize_t start = end > most ? end - most : 0;
    const int64_t *positions = found->buffer.buf;
    for (Py_ssize_t beyond = end; start < beyond && positions[start] < self->first_click;) {
        Py_ssize_t middle = start + (beyond - start) / 2;
        if (positions[middle] < self->first_click)
            start = middle + 1;
        else
            beyond = middle;
    }
    found->positions = positions + start;
    found->count = end - start;
    return 0;
}

static inline double *candidate(SourceTable *self, int32_t item)
{
    int32_t place = self->place_of[item];
    if (!place) {
        place = ++self->count;
        self->place_of[item] = place;
        self->items[place] = item;
        memset(self->expected[place], 0, sizeof self->expected[place]);
    }
    return self->expected[place];
}

/* What makes weights add up to 1 where they add up to anything. */
static inline double reciprocal(double total)
{
    return total != 0.0 ? 1.0 / total : 1.0;
}

/* Sources, in their order */

static int ask_nearest_sessions(SourceTable *self)
{
    Py_ssize_t found = 0, neighbours = 0;
    double match = 1.0;
    for (Py_ssize_t turn = 0; turn < self->latest_count && turn < self->matched_items; turn++) {
        Postings clicks;
        int32_t item = self->latest[turn], last_seen = -1;
        if (open_postings(self, item, self->nearest_clicks, &clicks) < 0) {
            while (found)
                self->similarities[self->found_sessions[--found]] = 0.0;
            return -1;
        }
        double rarity = log1p((double)self->live_sessions / (double)ARRAY(int64_t, ITEM_CLICKS)[item]);
        for (Py_ssize_t click = 0; click < clicks.count; click++) {
            int32_t session = ARRAY(int32_t, CLICK_SESSIONS)[clicks.positions[click] & self->click_mask];
            if (session == last_seen)
                continue; /* a session that repeats the item matches it once */
            last_seen = session;
            if (self->similarities[session] == 0.0)
                self->found_sessions[found++] = session;
            self->similarities[session] += match * rarity;
        }
        PyBuffer_Release(&clicks.buffer);
        match *= self->match_decay;
    }
    for (Py_ssize_t place = 0; place < found; place++) {
        int32_t session = self->found_sessions[place];
        Ranked nearby = {
            self->similarities[session] * ARRAY(double, RECENCY_WEIGHTS)[session],
            ARRAY(int64_t, SESSION_STARTS)[session],
            session,
        };
        self->similarities[session] = 0.0;
        offer(self->ranked, &neighbours, self->most_neighbours, nearby);
    }
    sort_best_first(self->ranked, neighbours);
    double total = 0.0;
    for (Py_ssize_t nearest = 0; nearest < neighbours; nearest++) {
        int32_t session = self->ranked[nearest].number;
        int64_t start = ARRAY(int64_t, SESSION_STARTS)[session];
        int64_t end = start + ARRAY(int64_t, SESSION_LENGTHS)[session];
        double similarity = self->ranked[nearest].score;
        for (int64_t position = start; position < end; position++) {
            int32_t item = ARRAY(int32_t, CLICK_ITEMS)[position & self->click_mask];
            if (item) {
                candidate(self, item)[NEAREST_SESSIONS] += similarity;
                total += similarity;
            }
        }
    }
    self->totals[NEAREST_SESSIONS] = total;
    return 0;
}

/* Let the rules from one item spread its share. The places of those that SEQUENTIAL_RULES names first are
   noted in rule_places, from *named on. */
static int step(SourceTable *self, enum source source, int32_t item, double share, Py_ssize_t *named)
{
    int is_walk = source == ITEM_WALK;
    Postings clicks;
    if (open_postings(self, item, is_walk ? self->walk_clicks : self->rule_clicks, &clicks) < 0)
        return -1;
    const int32_t *items = ARRAY(int32_t, CLICK_ITEMS), *sessions = ARRAY(int32_t, CLICK_SESSIONS);
    const double *side_weights = ARRAY(double, RULE_WEIGHTS);
    double sides[NEIGHBOURS] = {0.0}, total = 0.0;
    Py_ssize_t rules = 0;
    for (Py_ssize_t click = 0; click < clicks.count; click++) {
        int64_t position = clicks.positions[click];
        int32_t session = sessions[position & self->click_mask];
        double recency = ARRAY(double, RECENCY_WEIGHTS)[session];
        for (int side = 0; side < NEIGHBOURS; side++) {
            int64_t place = (position + OFFSETS[side]) & self->click_mask;
            int32_t near = sessions[place] == session ? items[place] : 0;
            if (!near || (is_walk && near == item))
                continue;
            double weight = recency * side_weights[side];
            sides[side] += weight;
            self->step_items[rules] = near;
            self->step_weights[rules++] = weight;
        }
    }
    for (int side = 0; side < NEIGHBOURS; side++)
        total += sides[side];
    double factor = share / (total > LEAST_TOTAL ? total : LEAST_TOTAL);
    if (total > 0.0)
        self->totals[source] += share;
    for (Py_ssize_t rule = 0; rule < rules; rule++) {
        double *row = candidate(self, self->step_items[rule]);
        if (!is_walk && row[source] == 0.0)
            self->rule_places[(*named)++] = self->place_of[self->step_items[rule]];
        row[source] += self->step_weights[rule] * factor;
    }
    PyBuffer_Release(&clicks.buffer);
    return 0;
}

static int ask_rules_and_walk(SourceTable *self)
{
    Py_ssize_t start_items = self->arrays[RULE_SHARES].len / (Py_ssize_t)sizeof(double);
    Py_ssize_t named = 0, likeliest = 0;
    for (Py_ssize_t turn = 0; turn < self->latest_count && turn < start_items; turn++)
        if (step(self, SEQUENTIAL_RULES, self->latest[turn], ARRAY(double, RULE_SHARES)[turn], &named) < 0)
            return -1;
    /* The walk goes on from shares of the rules; these are then votes of their own. */
    double factor = reciprocal(self->totals[SEQUENTIAL_RULES]), total = 0.0;
    for (Py_ssize_t turn = 0; turn < named; turn++) {
        int32_t place = self->rule_places[turn], item = self->items[place];
        double share = self->expected[place][SEQUENTIAL_RULES] *= factor;
        total += share;
        Ranked reached = {share, ARRAY(int64_t, ITEM_LAST_CLICK)[item], item};
        offer(self->ranked, &likeliest, self->walk_width, reached);
    }
    self->totals[SEQUENTIAL_RULES] = total;
    sort_best_first(self->ranked, likeliest);
    for (Py_ssize_t turn = 0; turn < likeliest; turn++)
        if (step(self, ITEM_WALK, self->ranked[turn].number, self->ranked[turn].score, &named) < 0)
            return -1;
    return 0;
}

static void ask_session_history(SourceTable *self)
{
    for (Py_ssize_t turn = 0; turn < self->latest_count; turn++) {
        double share = ARRAY(double, HISTORY_SHARES)[turn];
        candidate(self, self->latest[turn])[SESSION_HISTORY] += share;
        self->totals[SESSION_HISTORY] += share;
    }
}

/* Arguments */

/* Read an item number from 1 to the limit of the index; return 0 and set IndexError for any other. */
static int32_t item_number(SourceTable *self, PyObject *value)
{
    long number = PyLong_AsLong(value);
    if (number >= 1 && number < self->item_limit)
        return (int32_t)number;
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_IndexError, "%ld is no number of an item", number);
    return 0;
}

static int ask_popularity(SourceTable *self, PyObject *numbers, PyObject *weights)
{
    for (Py_ssize_t turn = 0; turn < PyList_GET_SIZE(numbers) && turn < PyList_GET_SIZE(weights); turn++) {
        int32_t item = item_number(self, PyList_GET_ITEM(numbers, turn));
        double weight = PyFloat_AsDouble(PyList_GET_ITEM(weights, turn));
        if (!item || (weight == -1.0 && PyErr_Occurred()))
            return -1;
        candidate(self, item)[POPULARITY] += weight;
        self->totals[POPULARITY] += weight;
    }
    return 0;
}

static void clear(SourceTable *self)
{
    while (self->count)
        self->place_of[self->items[self->count--]] = 0;
    memset(self->totals, 0, sizeof self->totals);
    self->latest_count = 0;
}

/* Methods */

static PyObject *expect(SourceTable *self, PyObject *args)
{
    PyObject *latest, *leaders, *leader_weights;
    long long first_click, live_sessions;
    if (!PyArg_ParseTuple(args, "O!LLO!O!", &PyList_Type, &latest, &first_click, &live_sessions, &PyList_Type,
                          &leaders, &PyList_Type, &leader_weights))
        return NULL;
    clear(self);
    self->first_click = first_click;
    self->live_sessions = live_sessions;
    Py_ssize_t most = self->arrays[HISTORY_SHARES].len / (Py_ssize_t)sizeof(double);
    for (Py_ssize_t turn = 0; turn < PyList_GET_SIZE(latest) && turn < most; turn++) {
        int32_t item = item_number(self, PyList_GET_ITEM(latest, turn));
        if (!item)
            return NULL;
        self->latest[self->latest_count++] = item;
    }
    if (ask_nearest_sessions(self) < 0 || ask_rules_and_walk(self) < 0)
        return NULL;
    ask_session_history(self);
    if (ask_popularity(self, leaders, leader_weights) < 0)
        return NULL;
    double factors[SOURCES];
    for (int source = 0; source < SOURCES; source++)
        factors[source] = reciprocal(self->totals[source]);
    for (int32_t place = 1; place <= self->count; place++)
        for (int source = 0; source < SOURCES; source++)
            self->expected[place][source] *= factors[source];
    Py_RETURN_NONE;
}

static PyObject *mix(SourceTable *self, PyObject *weights)
{
    Py_buffer buffer;
    if (PyObject_GetBuffer(weights, &buffer, PyBUF_SIMPLE) < 0)
        return NULL;
    int fits = buffer.len == sizeof self->weights;
    if (fits)
        memcpy(self->weights, buffer.buf, sizeof self->weights);
    PyBuffer_Release(&buffer);
    if (!fits) {
        PyErr_Format(PyExc_ValueError, "a mixture needs %d weights", SOURCES);
        return NULL;
    }
    int64_t most = self->arrays[DISCOUNTS].len / (Py_ssize_t)sizeof(double) - 1;
    for (int32_t place = 1; place <= self->count; place++) {
        double score = self->weights[0] * self->expected[place][0];
        for (int source = 1; source < SOURCES; source++)
            score += self->weights[source] * self->expected[place][source];
        if (self->latest_count) {
            int64_t clicks = ARRAY(int64_t, ITEM_CLICKS)[self->items[place]];
            score *= ARRAY(double, DISCOUNTS)[clicks < most ? clicks : most];
        }
        self->scores[place] = score;
    }
    Py_RETURN_NONE;
}

static PyObject *parts(SourceTable *self, PyObject *Py_UNUSED(ignored))
{
    double current = 0.0, earlier = 0.0, all = 0.0;
    if (self->latest_count)
        current = self->scores[self->place_of[self->latest[0]]];
    for (Py_ssize_t turn = 1; turn < self->latest_count; turn++)
        earlier += self->scores[self->place_of[self->latest[turn]]];
    for (int32_t place = 1; place <= self->count; place++)
        all += self->scores[place];
    return Py_BuildValue("(ddd)", current, earlier, all - current - earlier);
}

static PyObject *correct(SourceTable *self, PyObject *args)
{
    double current, earlier;
    if (!PyArg_ParseTuple(args, "dd", &current, &earlier))
        return NULL;
    for (Py_ssize_t turn = 0; turn < self->latest_count; turn++)
        self->scores[self->place_of[self->latest[turn]]] *= turn ? earlier : current;
    Py_RETURN_NONE;
}

static PyObject *expected(SourceTable *self, PyObject *number)
{
    int32_t item = item_number(self, number);
    if (!item)
        return NULL;
    static const double nothing[SOURCES];
    int32_t place = self->place_of[item];
    const double *row = place ? self->expected[place] : nothing;
    return Py_BuildValue("[ddddd]", row[0], row[1], row[2], row[3], row[4]);
}

static PyObject *list_items(const SourceTable *self, Py_ssize_t count)
{
    PyObject *numbers = PyList_New(count);
    for (Py_ssize_t rank = 0; numbers && rank < count; rank++) {
        PyObject *number = PyLong_FromLong(self->items[self->ranked[rank].number]);
        if (!number) {
            Py_CLEAR(numbers);
            break;
        }
        PyList_SET_ITEM(numbers, rank, number);
    }
    return numbers;
}

static int leave_out(SourceTable *self, PyObject *numbers, char is_left_out)
{
    PyObject *number, *iterator = PyObject_GetIter(numbers);
    if (!iterator)
        return -1;
    while ((number = PyIter_Next(iterator))) {
        int32_t item = item_number(self, number);
        Py_DECREF(number);
        if (!item)
            break;
        self->is_left_out[self->place_of[item]] = is_left_out;
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *leading(SourceTable *self, PyObject *args)
{
    PyObject *left_out;
    Py_ssize_t most, count = 0;
    double total = 0.0;
    if (!PyArg_ParseTuple(args, "nO", &most, &left_out))
        return NULL;
    if (leave_out(self, left_out, 1) < 0) {
        memset(self->is_left_out, 0, (size_t)self->count + 1);
        return NULL;
    }
    for (int32_t place = 1; place <= self->count; place++) {
        if (self->is_left_out[place])
            continue;
        Ranked scored = {self->scores[place], ARRAY(int64_t, ITEM_LAST_CLICK)[self->items[place]], place};
        total += scored.score;
        offer(self->ranked, &count, most, scored);
    }
    memset(self->is_left_out, 0, (size_t)self->count + 1);
    sort_best_first(self->ranked, count);
    PyObject *numbers = list_items(self, count), *shares = PyList_New(count), *sources = PyList_New(count);
    for (Py_ssize_t rank = 0; numbers && shares && sources && rank < count; rank++) {
        const double *row = self->expected[self->ranked[rank].number];
        int largest = 0;
        for (int source = 1; source < SOURCES; source++)
            if (row[source] * self->weights[source] > row[largest] * self->weights[largest])
                largest = source;
        PyObject *share = PyFloat_FromDouble(self->ranked[rank].score / total);
        PyObject *source = PyLong_FromLong(largest);
        if (!share || !source) {
            Py_XDECREF(share);
            Py_XDECREF(source);
            Py_CLEAR(shares);
            break;
        }
        PyList_SET_ITEM(shares, rank, share);
        PyList_SET_ITEM(sources, rank, source);
    }
    if (!numbers || !shares || !sources) {
        Py_XDECREF(numbers);
        Py_XDECREF(shares);
        Py_XDECREF(sources);
        return NULL;
    }
    return Py_BuildValue("(NNN)", numbers, shares, sources);
}

static PyObject *leading_of(SourceTable *self, PyObject *args)
{
    int source;
    Py_ssize_t most, count = 0;
    if (!PyArg_ParseTuple(args, "in", &source, &most))
        return NULL;
    if (source < 0 || source >= SOURCES) {
        PyErr_Format(PyExc_IndexError, "%d is no number of a source", source);
        return NULL;
    }
    for (int32_t place = 1; place <= self->count; place++) {
        Ranked known = {
            self->expected[place][source], ARRAY(int64_t, ITEM_LAST_CLICK)[self->items[place]], place,
        };
        if (known.score != 0.0)
            offer(self->ranked, &count, most, known);
    }
    sort_best_first(self->ranked, count);
    return list_items(self, count);
}

/* The type */

static int has_items(const SourceTable *self, enum array which, int64_t items, size_t size)
{
    return self->arrays[which].len == items * (int64_t)size;
}

static int measure(SourceTable *self)
{
    int64_t clicks = self->arrays[CLICK_ITEMS].len / (Py_ssize_t)sizeof(int32_t);
    self->click_mask = clicks - 1;
    self->session_limit = self->arrays[SESSION_STARTS].len / (Py_ssize_t)sizeof(int64_t);
    self->item_limit = self->arrays[ITEM_CLICKS].len / (Py_ssize_t)sizeof(int64_t);
    if (clicks < 1 || (clicks & self->click_mask) ||
        !has_items(self, CLICK_SESSIONS, clicks, sizeof(int32_t)) ||
        !has_items(self, SESSION_LENGTHS, self->session_limit, sizeof(int64_t)) ||
        !has_items(self, RECENCY_WEIGHTS, self->session_limit, sizeof(double)) ||
        !has_items(self, ITEM_LAST_CLICK, self->item_limit, sizeof(int64_t)) ||
        !has_items(self, RULE_WEIGHTS, NEIGHBOURS, sizeof(double)) || self->item_limit > INT32_MAX - 2 ||
        self->session_limit > INT32_MAX || self->arrays[DISCOUNTS].len < (Py_ssize_t)sizeof(double) ||
        self->nearest_clicks < 0 || self->most_neighbours < 0 || self->matched_items < 0 || self->rule_clicks < 0 ||
        self->walk_clicks < 0 || self->walk_width < 0) {
        PyErr_SetString(PyExc_ValueError, "these are not the arrays and settings of one index");
        return -1;
    }
    return 0;
}

static int allocate(SourceTable *self)
{
    size_t items = (size_t)self->item_limit + 1;
    size_t most_clicks = (size_t)Py_MAX(self->rule_clicks, self->walk_clicks);
    size_t most_ranked = (size_t)Py_MAX(self->item_limit + 1, self->most_neighbours);
    /* All but a little stays untouched, and so out of memory, unless so much is found at once. */
    self->latest = PyMem_Calloc((size_t)self->arrays[HISTORY_SHARES].len / sizeof(double) + 1, sizeof(int32_t));
    self->place_of = PyMem_Calloc(items, sizeof(int32_t));
    self->items = PyMem_Calloc(items, sizeof(int32_t));
    self->expected = PyMem_Calloc(items, sizeof *self->expected);
    self->scores = PyMem_Calloc(items, sizeof(double));
    self->is_left_out = PyMem_Calloc(items, 1);
    self->similarities = PyMem_Calloc((size_t)self->session_limit + 1, sizeof(double));
    self->step_weights = PyMem_Calloc(most_clicks * NEIGHBOURS + 1, sizeof(double));
    self->found_sessions = PyMem_Calloc((size_t)(self->matched_items * self->nearest_clicks) + 1, sizeof(int32_t));
    self->step_items = PyMem_Calloc(most_clicks * NEIGHBOURS + 1, sizeof(int32_t));
    self->rule_places = PyMem_Calloc(items, sizeof(int32_t));
    self->ranked = PyMem_Calloc(most_ranked + 1, sizeof(Ranked));
    if (!self->latest || !self->place_of || !self->items || !self->expected || !self->scores || !self->is_left_out ||
        !self->similarities || !self->step_weights || !self->found_sessions || !self->rule_places || !self->step_items || !self->ranked) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static PyObject *new_table(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs))
{
    SourceTable *self = (SourceTable *)type->tp_alloc(type, 0);
    PyObject *arrays;
    if (!self)
        return NULL;
    if (!PyArg_ParseTuple(args, "O!O!O!nnnndnnn", &PyTuple_Type, &arrays, &PyList_Type, &self->postings,
                          &PyList_Type, &self->posting_ends, &self->most_postings, &self->nearest_clicks,
                          &self->most_neighbours, &self->matched_items, &self->match_decay, &self->rule_clicks,
                          &self->walk_clicks, &self->walk_width)) {
        self->postings = self->posting_ends = NULL; /* borrowed until here */
        goto failed;
    }
    Py_INCREF(self->postings);
    Py_INCREF(self->posting_ends);
    if (PyTuple_GET_SIZE(arrays) != ARRAYS) {
        PyErr_Format(PyExc_ValueError, "a source table reads %d arrays", ARRAYS);
        goto failed;
    }
    for (int which = 0; which < ARRAYS; which++)
        if (PyObject_GetBuffer(PyTuple_GET_ITEM(arrays, which), &self->arrays[which], PyBUF_SIMPLE) < 0)
            goto failed;
    if (measure(self) == 0 && allocate(self) == 0)
        return (PyObject *)self;
failed:
    Py_DECREF(self);
    return NULL;
}

static void dealloc(SourceTable *self)
{
    PyTypeObject *type = Py_TYPE(self);
    for (int which = 0; which < ARRAYS; which++)
        if (self->arrays[which].obj)
            PyBuffer_Release(&self->arrays[which]);
    Py_XDECREF(self->postings);
    Py_XDECREF(self->posting_ends);
    void *owned[] = {self->latest, self->place_of, self->items, self->expected, self->scores, self->is_left_out,
                     self->similarities, self->step_weights, self->found_sessions, self->rule_places, self->step_items,
                     self->ranked};
    for (size_t turn = 0; turn < sizeof owned / sizeof *owned; turn++)
        PyMem_Free(owned[turn]);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"expect", (PyCFunction)expect, METH_VARARGS, NULL},
    {"mix", (PyCFunction)mix, METH_O, NULL},
    {"parts", (PyCFunction)parts, METH_NOARGS, NULL},
    {"correct", (PyCFunction)correct, METH_VARARGS, NULL},
    {"expected", (PyCFunction)expected, METH_O, NULL},
    {"leading", (PyCFunction)leading, METH_VARARGS, NULL},
    {"leading_of", (PyCFunction)leading_of, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, new_table},
    {Py_tp_dealloc, dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    "models.recommenders._source_table.SourceTable", sizeof(SourceTable), 0, Py_TPFLAGS_DEFAULT, slots,
};

static int add_contents(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    if (!type)
        return -1;
    int added = PyModule_AddObjectRef(module, "SourceTable", type);
    Py_DECREF(type);
    return added < 0 ? -1 : PyModule_AddIntConstant(module, "REVISION", REVISION);
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, add_contents}, {0, NULL}};

static PyModuleDef module = {
    PyModuleDef_HEAD_INIT, .m_name = "_source_table", .m_size = 0, .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__source_table(void)
{
    return PyModuleDef_Init(&module);
}
