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


def inspect_types(dispatcher, file=None, signature=None, pretty=False, style="default"):
    """Prints, for each compiled signature, the source with line numbers and under it the typed IR."""
    if pretty:
        raise NotImplementedError("inspect_types(pretty=True) is not supported")
    out = file if file is not None else sys.stdout
    func = dispatcher.py_func
    views = dispatcher.inspect_ir() if signature is None else {signature: dispatcher.inspect_ir(signature)}
    for args, text in views.items():
        shown = ", ".join(map(str, args)) if isinstance(args, tuple) else str(args)
        print(f"{func.__name__} ({shown})", file=out)
        print("-" * 80, file=out)
        for number, line in _source(func):
            print(f"{number:5d} | {line}", file=out)
        print("-" * 80, file=out)
        print(text, file=out)


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
