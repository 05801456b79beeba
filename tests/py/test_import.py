"""What `import naja` loads, judged by modules and mapped files rather than by a clock."""
import os
import subprocess
import sys

import pytest


def run(code):
    """The output of a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_import_leaves_numpy_alone():
    assert run("import sys, naja; print('numpy' in sys.modules)") == ["False"]


@pytest.mark.parametrize("library", ["libnaja_llvm", "libcuda", "libnvvm", "libLLVM"])
def test_import_maps_no_compiler_and_no_driver(library):
    assert run(f"import naja; print({library!r} in open('/proc/self/maps').read())") == ["False"]


def test_import_brings_few_modules():
    loaded = run("import sys; before = set(sys.modules); import naja; print(*sorted(set(sys.modules) - before))")
    assert set(loaded) <= {"naja", "naja._version", "naja._naja", "naja.errors", "naja._aliases", "naja.decorators", "naja.options"}


def test_types_and_decorators_need_no_numpy():
    code = "import sys, naja; naja.float64(naja.float64[:]); naja.njit(lambda x: x); print('numpy' in sys.modules)"
    assert run(code) == ["False"]


def test_lazy_attributes():
    assert run("import naja; print(naja.types.Array.__name__, naja.core.errors is naja.errors)") == ["Array", "True"]


def test_unknown_attribute():
    import naja
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        naja.nonsense


def test_star_import_gives_what_programs_use():
    scope = {}
    exec("from naja import *", scope)
    expected = """jit njit vectorize guvectorize prange typeof from_dtype int8 int16 int32 int64 uint8 uint16 uint32 uint64 intp uintp
    float32 float64 complex64 complex128 boolean bool_ b1 i1 i2 i4 i8 u1 u2 u4 u8 f4 f8 c8 c16 void none char uchar short ushort intc
    uintc int_ uint long_ ulong longlong ulonglong float_ double byte size_t ssize_t TypingError NumbaWarning"""
    assert [name for name in expected.split() if name not in scope] == []
    assert "numpy" not in scope and "os" not in scope


def test_every_exported_name_exists():
    import naja
    assert [name for name in naja.__all__ if not hasattr(naja, name)] == []


def test_command_line():
    done = subprocess.run([sys.executable, "-m", "naja", "info"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for heading in ("naja\n", "CPU\n", "LLVM\n", "CUDA\n"):
        assert heading in done.stdout
    assert subprocess.run([sys.executable, "-m", "naja", "--help"], capture_output=True).returncode == 0
    assert subprocess.run([sys.executable, "-m", "naja", "nonsense"], capture_output=True).returncode == 2


def test_ptx_needs_no_numpy():
    code = ('import sys; from naja import cuda\n'
            'def k(a):\n    a[0] = 1\n'
            'assert "entry" in cuda.compile_ptx(k, "void(float32[:])", cc=(8, 0))[0]\n'
            'assert "numpy" not in sys.modules and "inspect" not in sys.modules\n'
            'cuda.DeviceNDArray; assert "numpy" in sys.modules')
    subprocess.run([sys.executable, '-c', code], check=True)


# What each first step may load.
BASE = {"naja", "naja._version", "naja._naja", "naja.errors", "naja._aliases", "naja.decorators", "naja.options"}
CUDA = {"naja.cuda", "naja.cuda.stubs", "naja.cuda.dispatcher", "naja.cuda.device"}
COMMON = set("types collections functools itertools keyword operator reprlib _collections _functools _operator".split())
STEPS = {
    "import naja": BASE,
    "from naja import *": BASE,
    "from naja import njit; f = njit(lambda x: x)": BASE,
    "from naja import cuda": BASE | CUDA | COMMON,
    "from naja import cuda; k = cuda.jit(lambda a: None)": BASE | CUDA | COMMON,
}

WATCH = '''
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
maps = lambda: {line.split(None, 5)[5].strip() for line in open("/proc/self/maps") if line.count("/") and ".so" in line}
before, mapped = set(sys.modules), maps()
del opened[:]
%s
files = [name for name in opened if "/__pycache__/" not in name and not name.endswith(".py")]
print(*sorted(set(sys.modules) - before))
print(*sorted(name.split("/")[-1].split(".")[0] for name in maps() - mapped))
print(*files)
'''


@pytest.mark.parametrize("step", STEPS)
def test_steps_load_what_they_need(step):
    """No new modules but these, one shared library, no other file."""
    done = subprocess.run([sys.executable, "-c", WATCH % step], capture_output=True, text=True, timeout=60)
    modules, libraries, files = done.stdout.split("\n")[:3]
    assert set(modules.split()) <= STEPS[step], done.stderr
    assert libraries == "_naja"
    assert set(files.split()) <= {"/proc/self/maps"}


def test_a_cached_call_loads_no_compiler(tmp_path):
    code = ("import sys, naja; f = naja.njit(lambda x: x + 1.5); assert f(1) == 2.5\n"
            "print('libnaja_llvm' in open('/proc/self/maps').read(), 'numpy' in sys.modules)")
    env = dict(os.environ, NAJA_CACHE_DIR=str(tmp_path))
    for compiles in True, False:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=env)
        assert done.stdout == f"{compiles} False\n", done.stderr


@pytest.mark.parametrize("module, name", [("naja", "cfunc"), ("naja", "typed"), ("naja.cuda", "cg"), ("naja.cuda", "libdevice")])
def test_names_to_come_say_so(module, name):
    with pytest.raises(ImportError, match=f"^{module}.{name} is not supported yet$"):
        exec(f"from {module} import {name}", {})
    scope = {}
    exec(f"import {module} as m", scope)
    assert not hasattr(scope["m"], name)
    with pytest.raises(AttributeError, match=f"^{module}.{name} is not supported yet$"):
        getattr(scope["m"], name)
    with pytest.raises(ImportError, match="cannot import name 'nothing_at_all'"):
        exec(f"from {module} import nothing_at_all", {})
