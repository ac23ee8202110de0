# Every type comes as the Python value that stands for it, and goes back as it came.
from millrace import log


def process(row):
    for name, value in row.items():
        log.info(name, type(value).__name__, repr(value))
    return {**row}
