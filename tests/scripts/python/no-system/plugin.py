# Files, processes, clocks, threads: an exception, never the end of the instance.
import datetime
import importlib
import io
import os
import random
import threading
import time
import uuid

schema = "id BIGINT NOT NULL, error STRING"
WAYS = [
    lambda: open("/etc/passwd"),
    lambda: io.open("x", "w"),
    lambda: os.listdir("/"),
    lambda: os.system("true"),
    lambda: os.environ["HOME"],
    lambda: time.time(),
    lambda: time.sleep(1),
    lambda: datetime.datetime.now(),
    lambda: datetime.date.today(),
    lambda: time.localtime(),
    lambda: threading.Thread(target=print).start(),
    lambda: importlib.import_module("ctypes"),
    lambda: importlib.import_module("socket"),
    lambda: importlib.import_module("not_there"),
    lambda: exit(),
    lambda: input(),
    lambda: len(uuid.uuid4().hex),
    lambda: len(os.urandom(4)),
    lambda: random.SystemRandom().random() < 1,
]


def process(row):
    try:
        return {"id": row.id, "error": f"answered {WAYS[row.id - 1]()}"}
    except BaseException as error:
        return {"id": row.id, "error": f"{type(error).__name__}: {error}"}
