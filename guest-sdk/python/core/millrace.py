"""The SDK that a plugin imports: parameters, log, counters, dimension tables, and what an administrator grants."""

import json as _json

from millrace_types import Row as _Row
from millrace_types import columns_of as _columns_of
from millrace_types import read_columns as _read_columns
from millrace_types import write_columns as _write_columns
from wit_world.imports import clock as _clock
from wit_world.imports import host as _host
from wit_world.imports import http as _http
from wit_world.imports import secrets as _secrets

__all__ = ["log", "params", "count", "kind", "dimension", "http", "secret", "now_ms", "packed_file"]


class _Log:
    """Lines in the job's log: `log.info("dropped", row)`."""

    @staticmethod
    def _write(level, values):
        text = " ".join(value if type(value) is str else str(value) for value in values)
        _host.log(level, text.encode("utf-8", "replace").decode())

    def trace(self, *values):
        self._write(_host.Level.TRACE, values)

    def debug(self, *values):
        self._write(_host.Level.DEBUG, values)

    def info(self, *values):
        self._write(_host.Level.INFO, values)

    def warn(self, *values):
        self._write(_host.Level.WARN, values)

    warning = warn

    def error(self, *values):
        self._write(_host.Level.ERROR, values)


log = _Log()
_REQUIRED = object()


class _Params:
    """Parameters of the node: without a default they are required."""

    @staticmethod
    def has(name):
        return _host.parameter(name) is not None

    @staticmethod
    def _read(name, default, expected, read):
        text = _host.parameter(name)
        if text is None:
            if default is _REQUIRED:
                raise KeyError(f"parameter `{name}` is missing")
            return default
        try:
            return read(text.strip())
        except (ValueError, KeyError, ArithmeticError):
            raise ValueError(f"parameter `{name}` is `{text}`, expected {expected}") from None

    def text(self, name, default=_REQUIRED):
        return self._read(name, default, "text", str)

    def int(self, name, default=_REQUIRED):
        return self._read(name, default, "an integer", int)

    def float(self, name, default=_REQUIRED):
        return self._read(name, default, "a number", float)

    def decimal(self, name, default=_REQUIRED):
        from decimal import Decimal

        return self._read(name, default, "a decimal number", Decimal)

    def boolean(self, name, default=_REQUIRED):
        return self._read(name, default, "true or false", lambda text: {"true": True, "false": False}[text.lower()])

    def words(self, name, default=_REQUIRED):
        return self._read(name, default, "words", lambda text: [word.strip() for word in text.split(",") if word.strip()])


params = _Params()
_kind = 0


def count(name, delta=1):
    """Adds to a counter that shows among the operator's metrics."""
    if delta > 0:
        _host.counter_add(name, delta)


def kind():
    """Change kind of the row that is being processed: "+I", "-U", "+U" or "-D"."""
    return ("+I", "-U", "+U", "-D")[_kind & 3]


def _answered(failure, function, *values):
    """What the host answers; its refusal is an exception of that class."""
    try:
        return function(*values)
    except Exception as error:
        raise failure(getattr(error, "value", str(error))) from None


class _Dimension:
    """A dimension table of the job: `dimension("users").get(7)`."""

    def __init__(self, name):
        columns = _answered(LookupError, _host.dimension_schema, name)
        self._name, self._keys, self._values = name, _columns_of(columns.key.fields), _columns_of(columns.value.fields)
        self._names = [column.name for column in self._values]

    def get(self, *key):
        """The row of a key, one value per key column; None if there is none."""
        return self.get_all([key])[0]

    def get_all(self, keys):
        """Rows of many keys with one call of the host, None where there is none; keys of several columns are tuples."""
        rows = []
        for key in keys:
            key = key if type(key) is tuple else (key,)
            if len(key) != len(self._keys):
                raise TypeError(f"dimension table `{self._name}` has {len(self._keys)} key columns, found {len(key)}")
            rows.append({column.name: value for column, value in zip(self._keys, key)})
        answer = _answered(LookupError, _host.dimension_lookup, self._name, _write_columns(self._keys, rows))
        columns, bad = _read_columns(self._values, answer)
        for reason in bad.values():
            raise OverflowError(reason)
        found = []
        for values in zip(*columns):
            found.append(_Row(zip(self._names, values)) if any(value is not None for value in values) else None)
        return found


_dimensions = {}


def dimension(name=""):
    """A dimension table of the job by its name; the job's only one without a name."""
    if name not in _dimensions:
        _dimensions[name] = _Dimension(name)
    return _dimensions[name]


class _Response:
    """An HTTP answer; headers by lower-case name."""

    def __init__(self, answer):
        self.status, self.body, self.headers = answer.status, answer.body, {}
        for header in answer.headers:
            self.headers.setdefault(header.name.lower(), []).append(header.value)

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return _json.loads(self.body)


def http(method, url, headers=None, body=None, timeout_ms=10_000):
    """Sends a request to a granted host, by the capability `http`. Redirects are answered, not followed."""
    body = body.encode() if isinstance(body, str) else body
    headers = [_http.Header(name, value) for name, value in (headers or {}).items()]
    return _Response(_answered(ConnectionError, _http.send, _http.Request(method, url, headers, body, timeout_ms)))


def secret(name):
    """A secret that is granted, by the capability `secrets`."""
    return _answered(PermissionError, _secrets.get, name)


def now_ms():
    """Milliseconds since 1970, by the capability `clock`."""
    return _answered(PermissionError, _clock.now_ms)


def packed_file(name):
    """A file that was packed with the plugin, as bytes; None when there is none."""
    return _host.packed_file(name)
