# Parameters, log, counters, random numbers that are the same every time.
import random

from millrace import count, kind, log, params

schema = "text STRING"


def open(columns):
    print("columns", columns)
    log.warn("missing", params.has("missing"), params.int("missing", 7))


def process(row):
    count("rows")
    count("bytes", 10)
    assert 0 <= random.random() < 1
    return {"text": f"{params.float('min')} {params.boolean('on')} {'+'.join(params.words('names'))} {params.text('label', 'none')} {kind()}"}
