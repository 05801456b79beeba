"""What naja raises and warns with. The C side finds these classes by name; messages are made there."""


class NajaError(Exception):
    """Base of every error that naja itself raises."""


class TypingError(NajaError, TypeError):
    """The program cannot be compiled: types clash, a name is missing. The message shows where and why."""


class ArgumentError(TypingError, ValueError):
    """A value that compiled code cannot take. The message names the argument, what it is and what would do."""


class UnsupportedError(NajaError, NotImplementedError):
    """The program is right, but naja cannot compile this construct."""


class InternalError(NajaError, RuntimeError):
    """A defect of naja's own; the message names the file that holds what a report should contain."""


class ParseError(NajaError, ValueError):
    """Text that is no signature, type or IR."""


class LibraryError(NajaError, RuntimeError):
    """Something outside naja is missing or failed: a library, a device, a file."""


class CudaSupportError(LibraryError):
    """There is no GPU, or no CUDA library, for what was asked."""


class CudaDriverError(LibraryError):
    """The CUDA driver failed."""


class CudaAPIError(CudaDriverError):
    """A call of the CUDA driver failed; `code` is its CUresult."""

    def __init__(self, code, msg):
        super().__init__(code, msg)
        self.code, self.msg = code, msg

    def __str__(self):
        return self.msg


class CudaOutOfMemoryError(CudaAPIError, MemoryError):
    """There is no room for an allocation on the device."""


class NajaWarning(Warning):
    """Base of naja's warnings."""


class PerformanceWarning(NajaWarning):
    """The program is right but will not be as fast as it looks."""


class NajaDeprecationWarning(NajaWarning, DeprecationWarning):
    """An option that has no effect any more."""


def _missing(module, name, not_yet, caller):
    """The exception for a name that a module lacks; caller is the frame that asked.

    `from naja import x` turns an AttributeError into words of its own, so there it is an ImportError.
    """
    if name not in not_yet:
        return AttributeError(f"module {module!r} has no attribute {name!r}")
    kind = ImportError if caller.f_globals.get("__name__") == "importlib._bootstrap" else AttributeError
    return kind(f"{module}.{name} is not supported yet")


# The names that ported programs catch and filter by.
NumbaError = NajaError
NumbaTypeError = NumbaValueError = NumbaIndexError = NumbaAttributeError = TypingError
NumbaNotImplementedError = UnsupportedBytecodeError = UnsupportedError
LoweringError = CompilerError = InternalError
NumbaWarning = NajaWarning
NumbaPerformanceWarning = NumbaParallelSafetyWarning = NumbaExperimentalFeatureWarning = PerformanceWarning
NumbaDeprecationWarning = NumbaPendingDeprecationWarning = NajaDeprecationWarning

__all__ = [name for name in globals() if not name.startswith("_")]
