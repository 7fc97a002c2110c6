"""The table of options: each is declared once, with its kind, default, flags and meaning.

Knows: :mod:`.serving`, :mod:`.security`, :mod:`.http`, :mod:`.http2`, :mod:`.websocket` and
:mod:`.reporting` hold the table, by group; attributes, flags, environment variables, TOML keys
and documentation are read off it.
Must not know: what is done with a value.
"""

from __future__ import annotations

from .http import HTTPOptions, LimitOptions
from .http2 import HTTP2Options
from .option import Option, OptionGroup, declared_options, option
from .reporting import LoggingOptions, MetricsOptions
from .security import TLSOptions
from .serving import ApplicationOptions, BindOptions, ProcessOptions, ReloadOptions
from .websocket import WebSocketOptions

__all__ = [
    "ApplicationOptions",
    "BindOptions",
    "HTTP2Options",
    "HTTPOptions",
    "LimitOptions",
    "LoggingOptions",
    "MetricsOptions",
    "Option",
    "OptionGroup",
    "ProcessOptions",
    "ReloadOptions",
    "TLSOptions",
    "WebSocketOptions",
    "declared_options",
    "option",
]
