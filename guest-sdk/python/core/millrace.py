"""The SDK that a plugin imports: parameters, log, counters, the change kind of the row in hand."""

from wit_world.imports import clock as _clock
from wit_world.imports import host as _host

__all__ = ["log", "params", "count", "kind", "now_ms", "packed_file"]


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


def now_ms():
    """Milliseconds since 1970, by the capability `clock`."""
    try:
        return _clock.now_ms()
    except Exception as error:
        raise PermissionError(getattr(error, "value", str(error))) from None


def packed_file(name):
    """A file that was packed with the plugin, as bytes; None when there is none."""
    return _host.packed_file(name)
