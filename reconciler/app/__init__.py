"""The composition root: the one package that knows kinds, engine and embedded server.

Its names stand in `__init__.pyi`. Each is loaded when it is first used: a command needs few of them, and
people wait for its start.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
