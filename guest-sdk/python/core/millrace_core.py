"""The core: the plugin's module from packed files, exceptions as text, and the worlds' exports."""

import importlib
import sys

import millrace
import millrace_system
from componentize_py_types import Err
from millrace_types import Row, columns_of, parse_schema, read_columns, write_columns
from wit_world.imports import host
from wit_world.imports import types as wit

CORE = "millrace_"
plugin = None


def described(error):
    """`ValueError: no good (plugin.py:12)`: the innermost place that is the plugin's own."""
    text = str(error) if not isinstance(error, KeyError) else str(error.args[0]) if error.args else ""
    text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg} ({error.filename}:{error.lineno})"
    place, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file in FILES:
            place = f" ({file}:{trace.tb_lineno})"
        trace = trace.tb_next
    return text + place


class Files:
    """Names of the plugin's own files."""

    def __contains__(self, name):
        return not name.startswith(("<", "/")) and name.endswith(".py") and host.packed_file(name) is not None


FILES = Files()


def fault(error, row=None):
    text = error if isinstance(error, str) else described(error)
    return Err(wit.Fault(text.encode("utf-8", "replace").decode(), row))


def load():
    """The plugin's module, loaded once."""
    global plugin
    if plugin is None:
        millrace_system.start()
        entry = host.packed_file("millrace-entry")
        if entry is None:
            raise ImportError("the component has no script; `millrace plugin build` packs it")
        plugin = importlib.import_module(entry.decode().removesuffix(".py").replace("/", "."))
    return plugin


def exported(name):
    function = getattr(plugin, name, None)
    if not callable(function):
        raise TypeError(f"the plugin has no function `{name}`")
    return function


def rows_of(answer, into):
    """Appends what a call has answered: a row, several, or none."""
    if answer is None or answer is False:
        return
    if isinstance(answer, dict):
        into.append(answer)
        return
    if isinstance(answer, (str, bytes)) or not hasattr(answer, "__iter__"):
        raise TypeError(f"the answer is {type(answer).__name__}, expected a row (a dict), an iterable of rows, or None")
    before = len(into)
    into.extend(answer)
    for row in into[before:]:
        if not isinstance(row, dict):
            raise TypeError(f"the answer has a {type(row).__name__} among its rows, expected dicts")


class Etl:
    """World `etl-operator`: `process(row)` of the plugin for every row of a batch."""

    def open(self, input):
        try:
            load()
            Etl.process_row = exported("process")
            Etl.input = columns_of(input.fields)
            Etl.names = [column.name for column in Etl.input]
            schema = {column.name: column.text() for column in Etl.input}
            if hasattr(plugin, "open"):
                exported("open")(schema)
            declared = getattr(plugin, "schema", None)
            if callable(declared):
                declared = declared(schema)
            Etl.output = Etl.input if declared is None else parse_schema(declared)
            fields = []
            for column in Etl.output:
                column.to_wit(fields)
            return wit.Schema(fields)
        except Exception as error:
            raise fault(error) from None

    def process(self, input):
        columns, bad = read_columns(Etl.input, input)
        kinds, names, process = input.kinds, Etl.names, Etl.process_row
        answered, starts = [], [0]
        row = 0
        rejected = set()

        def reject(row, text):
            text = text.encode("utf-8", "replace").decode()
            rejected.add(row)
            if not host.reject_row(row, text):
                raise Err(wit.Fault(text, row))

        for values in zip(*columns):
            if kinds is not None:
                millrace._kind = kinds[row]
            before = len(answered)
            try:
                if row in bad:
                    raise OverflowError(bad[row])
                answer = process(Row(zip(names, values)))
                if answer is not None:
                    rows_of(answer, answered)
            except Exception as error:
                del answered[before:]
                reject(row, described(error))
            starts.append(len(answered))
            row += 1
        sys.stdout.flush()
        try:
            batch = write_columns(Etl.output, answered)
        except Exception:
            answered, starts = self.fitting(answered, starts, reject)
            batch = write_columns(Etl.output, answered)
        if kinds is not None:
            batch.kinds = b"".join(bytes([kind]) * (end - start) for kind, start, end in zip(kinds, starts, starts[1:]))
        return batch

    @staticmethod
    def fitting(answered, starts, reject):
        """Leaves out the answers of rows that do not fit the output, one by one."""
        kept, ends = [], [0]
        for row, (start, end) in enumerate(zip(starts, starts[1:])):
            try:
                write_columns(Etl.output, answered[start:end])
                kept.extend(answered[start:end])
            except Exception as error:
                reject(row, described(error))
            ends.append(len(kept))
        return kept, ends


millrace_system.install()
