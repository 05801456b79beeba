"""stubs.py - the names that only mean something inside kernels: threadIdx, shared.array, atomic.add ...

Each is an object that the compiler knows by `__naja_name__` (a row of host/front/intrin.def). Namespaces are modules,
so that attribute chains resolve as they do for any module. Calling one outside a kernel says so.
"""
import types


class Stub:         # a function or value of device code; each has a docstring of its own, so the class has none
    __slots__ = ('__naja_name__', '__doc__')

    def __init__(self, name, doc):
        self.__naja_name__ = 'naja.cuda.' + name
        self.__doc__ = doc

    @property
    def __name__(self):
        return self.__naja_name__.rpartition('.')[2]

    def __repr__(self):
        return f'<{self.__naja_name__}: for use in kernels>'

    def __reduce__(self):
        return _find, (self.__naja_name__,)

    def __call__(self, *args, **kwargs):
        raise RuntimeError(f'{self.__naja_name__} can only be used inside a kernel or a device function')


def _find(name):
    """The stub of a __naja_name__: what pickles hold."""
    path = name.split('.')[2:]
    found = names[path[0]]
    for part in path[1:]:
        found = getattr(found, part)
    return found


# name: what it means in a kernel. A dot makes the part before it a namespace.
DOCS = {
    'grid': 'grid(ndim): index of this thread in the whole grid; an int64, or a tuple for 2 or 3 dimensions',
    'gridsize': 'gridsize(ndim): number of threads of the whole grid; an int64, or a tuple for 2 or 3 dimensions',
    'laneid': 'int32: lane of this thread in its warp, 0 to 31',
    'warpsize': 'int32: threads of a warp, 32',
    'syncthreads': 'syncthreads(): all threads of the block wait here for each other',
    'syncthreads_count': 'syncthreads_count(p): a barrier; number of threads for which p is not 0',
    'syncthreads_and': 'syncthreads_and(p): a barrier; 1 if p is not 0 for all threads',
    'syncthreads_or': 'syncthreads_or(p): a barrier; 1 if p is not 0 for any thread',
    'syncwarp': 'syncwarp(mask=0xffffffff): the lanes of a warp wait for each other',
    'threadfence': 'threadfence(): earlier writes are seen by the whole device before later ones',
    'threadfence_block': 'threadfence_block(): the same for the block',
    'threadfence_system': 'threadfence_system(): the same for the host and other devices',
    'shared.array': 'shared.array(shape, dtype): memory shared by the block; a constant shape, 0 for the dynamic part',
    'local.array': "local.array(shape, dtype): this thread's own memory; a constant shape",
    'const.array_like': 'const.array_like(a): a global NumPy array as constant memory',
    'atomic.add': 'atomic.add(array, index, value): array[index] += value at once; the old value',
    'atomic.sub': 'atomic.sub(array, index, value): array[index] -= value at once; the old value',
    'atomic.max': 'atomic.max(array, index, value): the larger stays; the old value',
    'atomic.min': 'atomic.min(array, index, value): the smaller stays; the old value',
    'atomic.and_': 'atomic.and_(array, index, value): array[index] &= value at once; the old value',
    'atomic.or_': 'atomic.or_(array, index, value): array[index] |= value at once; the old value',
    'atomic.xor': 'atomic.xor(array, index, value): array[index] ^= value at once; the old value',
    'atomic.exch': 'atomic.exch(array, index, value): stores value; the old value',
    'atomic.nanmax': 'atomic.nanmax(array, index, value): the larger stays, a NaN gives way; the old value',
    'atomic.nanmin': 'atomic.nanmin(array, index, value): the smaller stays, a NaN gives way; the old value',
    'atomic.inc': 'atomic.inc(array, index, value): one more, and 0 after value; unsigned; the old value',
    'atomic.dec': 'atomic.dec(array, index, value): one less, and value after 0; unsigned; the old value',
    'atomic.compare_and_swap': 'atomic.compare_and_swap(array, old, value): cas of the first element',
    'atomic.cas': 'atomic.cas(array, index, old, value): stores value if old is there; what was there',
    'popc': 'popc(x): number of bits of an integer that are set',
    'clz': 'clz(x): number of zero bits above the highest set one',
    'ffs': 'ffs(x): position of the lowest set bit, from 1; 0 if there is none',
    'brev': 'brev(x): the bits in reverse order',
    'selp': 'selp(c, a, b): a if c is not 0, else b',
    'cbrt': 'cbrt(x): the cube root',
    'fma': 'fma(a, b, c): a * b + c, rounded once',
    **{f'{group}.{axis}': f'int32: {what}, along {axis}'
       for group, what in (('threadIdx', 'index of this thread in its block'), ('blockIdx', 'index of the block in the grid'),
                           ('blockDim', 'threads of the block'), ('gridDim', 'blocks of the grid'))
       for axis in 'xyz'},
}


def _make():
    made = {}
    for name, doc in DOCS.items():
        group, _, leaf = name.rpartition('.')
        if not group:
            made[name] = Stub(name, doc)
            continue
        if group not in made:
            made[group] = types.ModuleType('naja.cuda.' + group)
        setattr(made[group], leaf, Stub(name, doc))
    return made


names = _make()
