"""Looking inside compiled functions: typed IR beside the source. LLVM text and assembly are the dispatcher's own."""
import sys


def _source(func):
    """[(line number, text)] of a function, or [] when nobody has its source."""
    import inspect
    try:
        lines, first = inspect.getsourcelines(func)
    except (OSError, TypeError):
        return []
    return [(first + i, line.rstrip()) for i, line in enumerate(lines)]


def _views(dispatcher, signature):
    """The text for one signature, or for all."""
    func, lines = dispatcher.py_func, []
    views = dispatcher.inspect_ir() if signature is None else {signature: dispatcher.inspect_ir(signature)}
    for args, text in views.items():
        shown = ", ".join(map(str, args)) if isinstance(args, tuple) else str(args)
        lines += [f"{func.__name__} ({shown})", "-" * 80]
        lines += [f"{number:5d} | {line}" for number, line in _source(func)]
        lines += ["-" * 80, text]
    return lines


class Annotate:
    """What inspect_types(pretty=True) gives: text on a terminal, HTML in a notebook."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text

    def _repr_html_(self):
        import html
        return f"<pre>{html.escape(self.text)}</pre>"


def inspect_types(dispatcher, file=None, signature=None, pretty=False, style="default"):
    """Prints, for each compiled signature, the source with line numbers and under it the typed IR; pretty=True gives an
    object that shows itself so."""
    if file is not None and (pretty or not hasattr(file, "write")):
        raise ValueError("file must be None with pretty=True" if pretty else
                         f"file is what to print to, not {file!r}; a signature is signature=...")
    lines = _views(dispatcher, signature)
    if pretty:
        return Annotate("\n".join(lines))
    for line in lines:
        print(line, file=sys.stdout if file is None else file)


def info_lines():
    """What `python -m naja info` prints: [(heading, [(name, value)])]."""
    from . import __version__, _naja
    cpu = _naja.cpu_info()
    yield "naja", [("version", __version__), ("extension", _naja.__file__), ("Python", sys.version.split()[0]),
                   ("NumPy", _numpy())]
    yield "CPU", [("name", cpu["cpu"]), ("triple", cpu["triple"]), ("features", _features(cpu["features"])),
                  ("cores", cpu["cores"]), ("threads", cpu["threads"])]
    yield "LLVM", [("version", cpu["llvm"]), ("error", cpu["error"])]
    yield "CUDA", list(_cuda())


def _features(text):
    """Those that are there, folded to the width of a terminal."""
    import textwrap
    there = " ".join(part[1:] for part in (text or "").split(",") if part[:1] == "+")
    return textwrap.fill(there, 100, subsequent_indent=" " * 15)


def _numpy():
    try:
        import numpy
        return numpy.__version__
    except ImportError as error:
        return f"not usable: {error}"


def _cuda():
    """Toolkit parts and where they were found, then the devices that kernels would run on."""
    from . import _naja, cuda          # the cuda module tells the C side where site-packages are
    for part, path, where, version in _naja.toolkit_found():
        yield part, f"{path} ({where}{', ' + version if version else ''})" if path else "not found"
    try:
        devices = [_naja.device_info(i) for i in range(_naja.device_count())]
    except Exception as error:
        yield "devices", f"none: {error}"
        return
    for i, device in enumerate(devices):
        yield f"device {i}", device["name"]
    yield "no GPU", _naja.device_why_cpu()
