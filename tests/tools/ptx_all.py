"""ptx_all.py - every kernel of the samples as PTX by the real libNVVM, assembled by the real ptxas, for every architecture.

    python tests/tools/ptx_all.py

Exit status 1 when one is refused; when libNVVM or ptxas is missing it says so and passes nothing.
"""
import importlib.util
import os
import sys

os.environ.setdefault('NAJA_DEVICE', 'cpu')
from naja import _naja, cuda                    # noqa: E402

SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'samples')
ARCHITECTURES = [(7, 5), (8, 0), (8, 6), (9, 0), (10, 0), (12, 0)]
F1, F2, I1 = 'float32[::1]', 'float32[:,::1]', 'int32[::1]'
# sample: kernel -> signature, as the sample's launches give it
KERNELS = {
    'vector_add': {'add': f'void({F1}, {F1}, {F1})'},
    'saxpy': {'saxpy_kernel': f'void(float32, {F1}, {F1})'},
    'matmul': {'matmul_tiled': f'void({F2}, {F2}, {F2})'},
    'mandelbrot': {'by_kernel': 'void(float64, float64, float64, int32[:,::1])'},
    'photo': {
        'grey_kernel': f'void(uint8[:,:,::1], {F2})', 'blur_tiled': f'void({F2}, {F2})',
        'gradient': f'void({F2}, {F2}, {F2}, {F2})', 'suppress': f'void({F2}, {F2}, {F2}, float32, {F2})',
        'label_start': f'void({I1}, {I1})', 'label_join': f'void({F2}, {I1})',
        'mark_strong': f'void({F2}, float32, {I1}, {I1})', 'keep_connected': f'void({F2}, {I1}, {I1}, boolean[:,::1])',
        'blur_rows': f'void({F2}, {F2})', 'blur_columns': f'void({F2}, {F2})',
    },
}
DEVICE = {'black_scholes': {'call_price': 'float64(float64, float64, float64, float64, float64)'}}


def load(name):
    spec = importlib.util.spec_from_file_location(name, os.path.join(SAMPLES, name + '.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if hasattr(module, 'make_blur'):
        module.blur_rows, module.blur_columns, module.blur_tiled = module.make_blur(1.5)[:3]
    return module


def assemble(name, func, sig, cc, device):
    """None, or what is wrong."""
    try:
        ptx, _ = cuda.compile_ptx(func, sig, cc=cc, device=device)
        _naja.ptxas(ptx, 'sm_%d%d' % cc)
    except Exception as e:
        return f'{name} for sm_{cc[0]}{cc[1]}: {type(e).__name__}: {e}'


def main():
    found = {row[0]: row[1] for row in _naja.toolkit_found()}
    missing = [part for part in ('libnvvm', 'ptxas') if not found.get(part)]
    if missing:
        print(f'skipped: {" and ".join(missing)} not found (pip install nvidia-nvvm nvidia-cuda-nvcc, or a CUDA toolkit)')
        return 0
    passed, failed = 0, []
    for table, device in ((KERNELS, False), (DEVICE, True)):
        for sample, kernels in table.items():
            module = load(sample)
            for name, sig in kernels.items():
                func = getattr(module, name)
                wrong = [w for w in (assemble(f'{sample}.{name}', func, sig, cc, device) for cc in ARCHITECTURES) if w]
                failed += wrong
                passed += len(ARCHITECTURES) - len(wrong)
    print('\n'.join(failed))
    print(f'{passed} passed, {len(failed)} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
