"""The object behind @jit: lazy and eager compilation, keywords, conversions, options, attributes, threads, pickling."""
import copy
import functools
import gc
import inspect
import io
import pickle
import subprocess
import sys
import threading
import weakref
from typing import NamedTuple

import numpy as np
import pytest

from naja import float32, float64, int32, int64, jit, njit, types, void


def add(a, b):
    "adds"
    return a + b


@njit
def importable(x):
    return x * 2


# -- ways to write it

@pytest.mark.parametrize("decorate", [jit, njit, lambda f: jit()(f), lambda f: njit()(f), lambda f: njit(nogil=True)(f),
                                      lambda f: jit(nopython=True)(f), lambda f: njit(cache=True)(f)])
def test_lazy_forms(decorate):
    f = decorate(add)
    assert f.signatures == []
    assert f(1, 2) == 3 and f(1.5, 2) == 3.5
    assert f.signatures == [(int64, int64), (float64, int64)]


@pytest.mark.parametrize("signature", [float64(float64, float64), "float64(float64, float64)", "f8(f8, f8)", (float64, float64),
                                       "(f8, f8)", [float64(float64, float64)], [(float64, float64)], ["f8(f8,f8)"]])
def test_eager_forms(signature):
    f = njit(signature)(add)
    assert f.signatures == [(float64, float64)] and f.nopython_signatures == [float64(float64, float64)]
    assert not f.can_compile
    result = f(1, 2)
    assert type(result) is float and result == 3.0


def test_result_of_signature_is_kept():
    f = njit(float32(float64, float64))(add)
    assert f(0.1, 0.2) == float(np.float32(0.1 + 0.2))
    assert f.nopython_signatures == [float32(float64, float64)]


def test_void_signature():
    @njit(void(float64[:], float64))
    def fill(a, x):
        for i in range(a.shape[0]):
            a[i] = x
    a = np.zeros(4)
    assert fill(a, 2) is None and a.tolist() == [2.0] * 4


def test_wrong_number_of_arguments_in_signature():
    with pytest.raises(TypeError, match="has 1 arguments.*2 parameters"):
        njit(float64(float64))(add)


# -- binding arguments as Python does

def test_keywords_and_defaults():
    @njit
    def f(a, b=10, *, c=100):
        return a * 10000 + b * 10 + c
    def p(a, b=10, *, c=100):
        return a * 10000 + b * 10 + c
    for args, kw in [((1,), {}), ((1, 2), {}), ((1,), {"b": 3}), ((), {"a": 1}), ((1,), {"c": 5}), ((), {"b": 2, "a": 1, "c": 3})]:
        assert f(*args, **kw) == p(*args, **kw)
    for args, kw in [((), {}), ((1, 2, 3), {}), ((1,), {"a": 2}), ((1,), {"nope": 2}), ((), {"b": 1})]:
        with pytest.raises(TypeError):
            p(*args, **kw)
        with pytest.raises(TypeError, match=r"f\(\)"):
            f(*args, **kw)


def test_positional_only():
    @njit
    def f(a, /, b):
        return a - b
    assert f(5, b=3) == 2
    with pytest.raises(TypeError, match="unexpected keyword argument 'a'"):
        f(a=5, b=3)


def test_defaults_are_read_at_each_call():
    def f(a, b=1):
        return a + b
    g = njit(f)
    assert g(1) == 2
    f.__defaults__ = (5,)
    assert g(1) == 6


# -- choosing among declared signatures

def test_choice_by_conversion():
    f = njit([int64(int64, int64), float64(float64, float64)])(add)
    assert f(1, 2) == 3 and type(f(1, 2)) is int
    assert f(1.0, 2) == 3.0 and type(f(1.0, 2)) is float
    assert type(f(np.int8(1), np.int8(2))) is int


def test_no_matching_definition():
    f = njit(int64(int64, int64))(add)
    with pytest.raises(TypeError, match="no matching definition.*array"):
        f(np.zeros(3), 1)


def test_ambiguous():
    f = njit([float64(float64, float32), float64(float32, float64)])(add)
    with pytest.raises(TypeError, match="ambiguous"):
        f(np.float32(1), np.float32(2))


def test_unsafe_conversion_of_declared():
    f = njit(int32(int32, int32))(add)
    assert f(1.9, 2.9) == 3


@pytest.mark.parametrize("declared, value", [(types.uint8, -1), (types.uint64, -5), (types.uint32, np.int8(-3)), (types.uint64, -7.5), (int64, 2**63),
                                             (int32, 2**63 + 1), (types.uint64, 1e30), (int64, -1e30)])
def test_out_of_range(declared, value):
    f = njit([(int64, declared)])(lambda a, b: b)
    with pytest.raises(OverflowError, match="argument 'b' of <lambda>"):
        f(0, value)


def test_what_conversions_do():
    for declared, value, expected in [(types.int8, 300, 44), (int32, 2**40 + 5, 5), (int64, 2.9, 2), (types.uint8, 511, 255), (float32, 0.1, float(np.float32(0.1))),
                                      (types.uint64, 2**64 - 1, 2**64 - 1), (types.boolean, 7, True), (types.complex128, 2, 2 + 0j), (float64, True, 1.0)]:
        assert njit([(declared,)])(lambda b: b)(value) == expected


def test_disable_compile():
    f = njit(add)
    f(1, 2)
    f.disable_compile()
    assert f(1.0, 2.0) == 3 and len(f.signatures) == 1
    with pytest.raises(RuntimeError):
        f.compile((float64, float64))
    f.disable_compile(False)
    assert f(1.0, 2.5) == 3.5 and len(f.signatures) == 2


# -- options

def test_unknown_option():
    with pytest.raises(TypeError, match=r"no option 'fastmaths'.*fastmath"):
        njit(fastmaths=True)(add)


@pytest.mark.parametrize("options, error", [
    ({"error_model": "perl"}, ValueError), ({"fastmath": {"quick"}}, ValueError), ({"locals": {"x": float64}}, NotImplementedError),
    ({"pipeline_class": object}, NotImplementedError), ({"inline": "sometimes"}, ValueError), ({"fastmath": 3}, TypeError), ({"fastmath": {3}}, ValueError),
    ({"parallel": {"nope": True}}, ValueError), ({"_target": "cuda"}, NotImplementedError)])
def test_bad_option(options, error):
    with pytest.raises(error):
        njit(**options)(add)


@pytest.mark.parametrize("options", [{"inline": lambda *a: True}, {"_target": "cpu"}, {"writable_args": True}, {"_dbg_optnone": True}, {"no_cfunc_wrapper": True}])
def test_options_without_effect(options):
    assert njit(**options)(add)(1, 2) == 3


def test_object_mode_is_refused():
    with pytest.raises(NotImplementedError, match="object mode"):
        jit(forceobj=True)(add)


def test_error_model():
    def div(a, b):
        return a / b
    with pytest.raises(ZeroDivisionError):
        njit(div)(1.0, 0.0)
    assert njit(error_model="numpy")(div)(1.0, 0.0) == float("inf")


def test_parallel_says_that_it_is_serial():
    code = ("import warnings, naja; warnings.simplefilter('always')\n"
            "with warnings.catch_warnings(record=True) as w:\n"
            "    naja.njit(parallel=True)(lambda x: x); naja.njit(parallel=True)(lambda x: x)\n"
            "print(len(w), 'one thread' in str(w[0].message), w[0].filename)")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "1 True <string>\n"


def test_boundscheck():
    def get(a, i):
        return a[i]
    f = njit(boundscheck=True)(get)
    assert f(np.arange(3), 2) == 2 and f(np.arange(3), -1) == 2
    with pytest.raises(IndexError):
        f(np.arange(3), 3)


def test_fastmath_flags():
    f = njit(fastmath={"reassoc", "nsz"})(lambda a, b: a + b)
    f(1.0, 2.0)
    text = f.inspect_llvm_input((float64, float64))
    assert "fadd" in text and "reassoc" in text and "nsz" in text and "nnan" not in text
    assert "fadd fast" in _llvm(njit(fastmath=True)(lambda a, b: a + b))


def _llvm(f):
    f(1.0, 2.0)
    return f.inspect_llvm_input((float64, float64))


# -- misuse

@pytest.mark.parametrize("what", [3.5, len, object, functools.partial(add, 1), np.sin])
def test_not_a_function(what):
    with pytest.raises(TypeError):
        njit(what)


@pytest.mark.parametrize("wrap", [staticmethod, classmethod, property])
def test_order_of_decorators(wrap):
    with pytest.raises(TypeError, match=f"write @{wrap.__name__} above @njit"):
        njit(wrap(add))


def test_star_arguments_are_named():
    def f(*args):
        return 1
    for use in (lambda: njit(f)(1), lambda: njit("i8(i8)")(f), lambda: njit(f).compile((int64,))):
        with pytest.raises(NotImplementedError, match=r"\*args"):
            use()


def test_messages_have_names_not_addresses():
    f = njit(int64(int64, int64))(add)
    for use in (lambda: f(1j, 1), lambda: f.compile((int64,)), lambda: f.compile((float32, float32)), lambda: f.inspect_llvm((int32, int32)),
                lambda: njit("i8(i8)")(add)):
        with pytest.raises((TypeError, KeyError, RuntimeError), match="add") as e:
            use()
        assert "0x" not in str(e.value)


def test_twice():
    with pytest.raises(TypeError, match="compiled already"):
        njit(njit(add))


# -- attributes

def test_names():
    f = njit(add)
    assert (f.__name__, f.__doc__, f.__module__, f.__qualname__) == ("add", "adds", __name__, "add")
    assert f.py_func is add is f.__wrapped__ and f.__code__ is add.__code__
    assert str(inspect.signature(f)) == "(a, b)"
    f.note = "kept"
    assert f.note == "kept"
    with pytest.raises(AttributeError):
        f.nonsense
    assert njit(nogil=True)(add).targetoptions == {"nogil": True}


def test_wraps():
    def original(a, b):
        "original"
    f = functools.wraps(original)(njit(add))
    assert (f.__name__, f.__doc__, f.__wrapped__) == ("original", "original", original) and f.py_func is add and f(1, 2) == 3
    del f.__doc__, f.__wrapped__
    assert f.__doc__ == "adds" and f.__wrapped__ is add
    with pytest.raises(AttributeError):
        del f.__doc__
    inner = functools.wraps(njit(add))(original)
    assert inner.__doc__ == "adds" and inner.__wrapped__(1, 2) == 3


def test_method():
    class C:
        scale = 3

        @staticmethod
        @njit
        def s(x):
            return x + 1

        @njit
        def m(self, x):
            return x

        @classmethod
        @njit
        def c(cls, x):
            return x
    assert C.s(1) == 2 and C().s(1) == 2
    with pytest.raises(TypeError, match="argument 'cls' of c: a value of type type"):
        C.c(1)
    assert isinstance(C.m, type(njit(add)))
    with pytest.raises(TypeError, match="type C"):
        C().m(1)


def test_method_of_a_tuple():
    class Point(NamedTuple):
        x: float
        y: float

        @njit
        def dot(self, other):
            return self.x * other.x + self.y * other.y
    assert Point(1.0, 2.0).dot(Point(3.0, 4.0)) == 11.0


def test_seldom_attributes(capsys):
    f = njit(add)
    f(1, 2)
    f(1.5, 2.5)
    assert (f.doc, f.func_code, f.locals) == ("adds", add.__code__, {})
    result = f.overloads[(int64, int64)]
    assert result.signature == int64(int64, int64) and result.entry_point(3, 4.9) == 7
    one = f.get_overload((float64, float64))
    assert one(1, 2) == 3.0 and type(one(1, 2)) is float and one.signatures == [(float64, float64)] and not one.can_compile
    with pytest.raises(KeyError):
        f.get_overload((int32,))
    assert f.get_compile_result((int32, int32)).signature.args == (int32, int32) and len(f.signatures) == 3
    g = njit(add)
    g.add_overload(result)
    assert g.signatures == [(int64, int64)]
    meta = f.get_metadata((int64, int64))
    assert set(meta) == {"cached", "timers"} and (meta["cached"] or set(meta["timers"]) == {"key", "front", "infer", "lower", "emit", "code", "load", "store"})
    assert set(f.get_metadata()) == set(f.signatures)
    assert "return a + b" in str(f.get_annotation_info((int64, int64))["python_lines"])
    assert f.fold_argument_types((int64,), {"b": float64})[1] == (int64, float64)
    template, pysig, types_, kws = njit(add).get_call_template((int64,), {"b": int64})
    assert template.cases == [int64(int64, int64)] and str(pysig) == "(a, b)" and types_ == (int64, int64) and kws == {}
    assert f.get_function_type() is None and njit(float64(float64, float64))(add).get_function_type() == float64(float64, float64)
    assert f.enable_caching() is None
    f.dump()
    assert "3 signatures" in capsys.readouterr().out
    with pytest.raises(ValueError, match="parallel"):
        f.parallel_diagnostics()
    with pytest.raises(NotImplementedError):
        f.inspect_disasm_cfg()


def test_control_flow_graph():
    @njit
    def f(x):
        s = 0.0
        while s < x:
            s = s * 1.5 + 1
        return s
    f(3.0)
    graph = str(f.inspect_cfg()[(float64,)])
    assert graph.startswith("digraph") and graph.count("->") >= 3 and "fmul" in graph and graph.count("{") == graph.count("}")
    assert f.inspect_cfg((float64,)).display().startswith("digraph")


def test_compile_gives_what_it_compiled():
    f = njit(add)
    one = f.compile(sig="int8, int8")
    assert f.signatures == [(types.int8, types.int8)] and one(1.9, 2) == 3 and len(f.signatures) == 1
    assert njit("f8, f8")(add)(1, 2) == 3.0
    f.disable_compile(val=True)
    with pytest.raises(RuntimeError, match="add is disabled"):
        f.compile((int64, int64))
    f.disable_compile(val=False)
    assert f(1.5, 2) == 3.5


def test_compile_and_recompile():
    scope = {"K": 1}
    exec("def f(x):\n    return x + K", scope)
    f = njit(scope["f"])
    f.compile((int64,))
    assert f.signatures == [(int64,)] and f(1) == 2
    scope["K"] = 10
    assert f(1) == 2
    f.recompile()
    assert f(1) == 11 and f.signatures == [(int64,)]


def test_failed_recompile_keeps_the_old_code():
    scope = {"K": 1}
    exec("def f(x):\n    return x + K", scope)
    f = njit(scope["f"])
    assert f(1) == 2
    scope["K"] = object()
    with pytest.raises(TypeError):
        f.recompile()
    assert f(1) == 2


def test_inspection(capsys):
    f = njit(add)
    f(1.0, 2.0)
    assert set(f.overloads) == {(float64, float64)}
    for texts, word in [(f.inspect_llvm(), "define"), (f.inspect_asm(), ".text"), (f.inspect_ir(), "f64")]:
        assert list(texts) == [(float64, float64)] and word in texts[(float64, float64)]
    assert f.inspect_asm((float64, float64)) == f.inspect_asm()[(float64, float64)]
    with pytest.raises(KeyError):
        f.inspect_asm((int64,))
    f.inspect_types()
    shown = capsys.readouterr().out
    assert "return a + b" in shown and "f64" in shown
    out = io.StringIO()
    f.inspect_types(file=out, signature=(float64, float64))
    assert out.getvalue() == shown == repr(f.inspect_types(pretty=True)) + "\n"
    assert f.inspect_types(pretty=True)._repr_html_().startswith("<pre>add (float64, float64)")
    for wrong in ({"file": out, "pretty": True}, {"file": (float64, float64)}):
        with pytest.raises(ValueError, match="file"):
            f.inspect_types(**wrong)


# -- life

def test_collected_functions_free_their_code():
    def make():
        k = 3
        return njit(lambda x: x + k)
    f = make()
    assert f(1) == 4
    gone = weakref.ref(f)
    del f
    gc.collect()
    assert gone() is None


def test_defaults_changed_while_running():
    code = """if True:
        import threading, numpy as np, naja
        def p(n, a=np.ones(1000000)):
            s = 0.0
            for j in range(n):
                for i in range(a.size):
                    s += a[i]
            return s
        f = naja.njit(nogil=True)(p)
        f(1)
        results = []
        t = threading.Thread(target=lambda: results.append(f(100)))
        t.start()
        while not results and t.is_alive():
            p.__defaults__ = (np.ones(1000000),)
        t.join()
        print(results)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "[100000000.0]\n", done.stderr


def test_recursive_closures_are_collected():
    def make():
        @njit
        def down(n):
            return 0 if n <= 0 else down(n - 1)
        return down
    f = make()
    assert f(5) == 0
    gone = weakref.ref(f)
    del f
    gc.collect()
    assert gone() is None


def test_threads_compile_once():
    f = njit(lambda x: x * 3)
    results, barrier = [], threading.Barrier(8)

    def work():
        barrier.wait()
        results.append(f(7))
    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [21] * 8 and len(f.signatures) == 1


def test_nogil_runs_beside_python():
    @njit(nogil=True)
    def spin(n):
        s = 0.0
        for i in range(n):
            s = s * 0.5 + i
        return s
    expected = spin(1000)
    results = []
    threads = [threading.Thread(target=lambda: results.append(spin(1000))) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == [expected] * 4


def test_pickle_by_reference():
    assert pickle.loads(pickle.dumps(importable)) is importable


def test_pickle_by_value():
    offset = 5

    @njit(float64(float64), error_model="numpy")
    def f(x):
        return x + offset
    assert pickle.loads(pickle.dumps(f)) is f           # alive here
    sent, name = pickle.dumps(f), f.__name__
    del f
    gc.collect()
    g = pickle.loads(sent)
    assert g(1.0) == 6.0 and g.signatures == [(float64,)] and g.targetoptions == {"error_model": "numpy"}
    assert g.__name__ == name == "f" and pickle.loads(sent) is g


def test_a_worker_compiles_what_tasks_bring_once():
    def f(x):
        return x * 91
    tasks = [pickle.dumps((njit(f), i)) for i in range(3)]
    same = pickle.dumps((njit(f), 0))
    loaded = [pickle.loads(same)[0] for _ in range(50)]
    assert all(g is loaded[0] for g in loaded) and loaded[0](2) == 182
    assert len({id(pickle.loads(t)[0]) for t in tasks}) == 3


@pytest.mark.parametrize("make", [lambda: threading.Lock(), lambda: open(__file__), lambda: (i for i in range(3))])
def test_unpicklable_closures(make):
    thing = make()

    @njit
    def f(x):
        return x if thing is None else x + 1
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(f)


def test_copies_are_the_function_itself():
    f = njit(add)
    f(1, 2)
    assert copy.copy(f) is f and copy.deepcopy([f])[0] is f and copy.deepcopy({"f": f})["f"](1, 2) == 3


def test_pickle_into_another_process():
    data = pickle.dumps(njit(lambda x, y: np.sqrt(x) + y))
    code = f"import pickle; print(pickle.loads({data!r})(4.0, 1))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "3.0\n"


@pytest.mark.parametrize("name", ["NAJA_DISABLE_JIT", "NUMBA_DISABLE_JIT"])
def test_disabled_jit(name):
    code = "import naja; f = naja.njit(lambda x: x); print(type(f).__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**__import__("os").environ, name: "1"})
    assert done.stdout == "function\n"


# -- calls between compiled functions

def test_calls():
    @njit
    def inner(x, k=2):
        return x * k

    @njit
    def outer(x):
        return inner(x) + inner(x, k=10) + inner(k=100, x=x)
    assert outer(3) == 6 + 30 + 300


def test_recursion():
    @njit
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)
    assert fib(20) == 6765


def test_eager_recursion():
    @njit(int64(int64))
    def fact(n):
        if n < 2:
            return 1
        return n * fact(n - 1)
    assert fact(10) == 3628800


def test_subinterpreter_is_refused():
    try:
        import _interpreters as sub
    except ImportError:
        sub = pytest.importorskip("_xxsubinterpreters")
    import naja._naja     # noqa: F401
    code = "import sys; sys.path[:] = %r\ntry:\n    import naja\nexcept ImportError:\n    pass\nelse:\n    raise SystemError('loaded')" % sys.path
    i = sub.create()
    try:
        assert sub.run_string(i, code) is None
    finally:
        sub.destroy(i)
