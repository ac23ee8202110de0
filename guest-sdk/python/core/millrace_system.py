"""What Python expects of a system, where a plugin has none: answered by the host's functions or by an exception.

Invariant: nothing here reaches the component's stubs for a system, because they end the instance.
"""

import builtins
import gc
import importlib.machinery
import io
import os
import random
import sys
import time

import millrace
from wit_world.imports import host

# Modules that plugins may import: without files, what is not here when the core is made is not there.
import abc, array, base64, binascii, bisect, calendar, cmath, collections, collections.abc, colorsys, contextlib, copy, csv  # noqa: E401, F401
import dataclasses, datetime, decimal, difflib, enum, fractions, functools, graphlib, hashlib, heapq, hmac, html, html.parser  # noqa: E401, F401
import html.entities, inspect, ipaddress, itertools, json, keyword, logging, math, numbers, operator, pprint, queue, re, secrets  # noqa: E401, F401
import statistics, string, struct, textwrap, threading, traceback, types, typing, unicodedata, urllib.parse, uuid, warnings  # noqa: E401, F401
import weakref, xml.etree.ElementTree, zlib, zoneinfo, stat, shlex, fnmatch, gettext, locale, codecs, encodings.idna  # noqa: E401, F401
import encodings.latin_1, encodings.ascii, encodings.cp1252, encodings.utf_16, encodings.utf_32, encodings.punycode, _strptime  # noqa: E401, F401


class Lines(io.TextIOBase):
    """Standard output and error as lines of the job's log."""

    def __init__(self, level):
        self.level, self.rest = level, ""

    def writable(self):
        return True

    def write(self, text):
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            host.log(self.level, line.encode("utf-8", "replace").decode())
        return len(text)

    def flush(self):
        if self.rest:
            self.write("\n")


class PackedModules:
    """Finds modules among the files that were packed with the plugin."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        base = name.replace(".", "/")
        for file, is_package in ((f"{base}.py", False), (f"{base}/__init__.py", True)):
            if (source := host.packed_file(file)) is not None:
                spec = importlib.machinery.ModuleSpec(name, PackedModules.Loader(source, file), origin=file, is_package=is_package)
                spec.has_location = False
                return spec
        return None

    class Loader:
        def __init__(self, source, file):
            self.source, self.file = source, file

        def create_module(self, spec):
            return None

        def exec_module(self, module):
            module.__file__ = self.file
            exec(compile(self.source, self.file, "exec"), module.__dict__)


def refuse(name):
    def refused(*values, **named):
        raise PermissionError(f"plugins have no system: {name} is not there")

    return refused


def replace_method(of, name, function):
    """Replaces a class method of a built-in class, whose attributes cannot be set."""
    gc.get_referents(of.__dict__)[0][name] = classmethod(function)


def install():
    """Once, when the core is made: what is there from now on lives as long as the core."""
    gc.collect()
    gc.freeze()


def start():
    """Once per instance, before the plugin is loaded."""
    sys.stdout, sys.stderr, sys.stdin = Lines(host.Level.INFO), Lines(host.Level.WARN), io.StringIO()
    sys.__stdout__ = sys.__stderr__ = sys.__stdin__ = None
    sys.path.clear()
    sys.path_hooks.clear()
    sys.path_importer_cache.clear()
    sys.meta_path[:] = [importlib.machinery.BuiltinImporter, importlib.machinery.FrozenImporter, PackedModules]
    sys.setrecursionlimit(1000)
    sys.dont_write_bytecode = True
    replace_time()
    replace_files()
    builtins.compile = compile_text
    sys.unraisablehook = lambda raised: host.log(host.Level.WARN, f"{raised.err_msg or 'ignored'}: {raised.exc_value!r}")
    random.seed(host.random_seed())
    os.urandom = random._urandom = secrets.token_bytes = lambda size=32: random.randbytes(size)
    threading.Thread.start = refuse("threading.Thread")
    warnings.simplefilter("ignore")
    decimal.getcontext().prec = decimal.DefaultContext.prec = 38


def compile_text(source, filename, mode, *values, real=builtins.compile, **named):
    """As `compile`. On a wrong text the parser would look for it in a file, unless no file can have the name."""
    if mode == "exec" and isinstance(source, (str, bytes)):
        try:
            real(source, f"{filename}\ud800", mode, *values, **named)
        except SyntaxError as error:
            error.filename = filename
            raise
    return real(source, filename, mode, *values, **named)


def replace_time():
    """The same rows must give the same answers: the time comes from the capability `clock`, or not at all."""
    time.time = lambda: millrace.now_ms() / 1000
    time.time_ns = lambda: millrace.now_ms() * 1_000_000
    for name in ("sleep", "monotonic", "perf_counter", "process_time", "thread_time", "clock_gettime", "clock_getres"):
        for variant in (name, f"{name}_ns"):
            if hasattr(time, variant):
                setattr(time, variant, refuse(f"time.{variant}"))
    for name, values_min in (("localtime", 1), ("gmtime", 1), ("ctime", 1), ("asctime", 1), ("strftime", 2)):
        setattr(time, name, with_time(getattr(time, name), values_min))
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)

    def now(of, tz=None):
        instant = epoch + datetime.timedelta(milliseconds=millrace.now_ms())
        return instant.astimezone(tz) if tz else instant.replace(tzinfo=None)

    for name in ("now", "utcnow", "today"):
        replace_method(datetime.datetime, name, now)
    replace_method(datetime.date, "today", lambda of: now(of).date())


def with_time(function, values_min):
    def given(*values):
        if len(values) < values_min:
            raise PermissionError(f"time.{function.__name__} without a time; use millrace.now_ms()")
        return function(*values)

    return given


def replace_files():
    builtins.open = io.open = io.FileIO = refuse("open()")
    builtins.input = refuse("input()")
    kept = {"fspath", "fsencode", "fsdecode", "strerror"}
    for name in dir(os):
        value = getattr(os, name)
        if callable(value) and not isinstance(value, type) and not name.startswith("_") and name not in kept:
            setattr(os, name, refuse(f"os.{name}"))
    os.getenv = lambda name, default=None: default
