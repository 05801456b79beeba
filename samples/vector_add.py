"""vector_add.py - the first kernel everyone writes.

    python samples/vector_add.py
"""
import numpy as np

from naja import cuda


@cuda.jit
def add(a, b, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = a[i] + b[i]


def main(n=1_000_003):
    a = np.arange(n, dtype=np.float32)
    b = 2 * a
    out = np.zeros_like(a)
    threads = 256
    add[(n + threads - 1) // threads, threads](a, b, out)       # host arrays are copied in and out
    assert np.array_equal(out, a + b)

    d_a, d_b = cuda.to_device(a), cuda.to_device(b)             # or keep them on the device
    d_out = cuda.device_array_like(a)
    add[(n + threads - 1) // threads, threads](d_a, d_b, d_out)
    assert np.array_equal(d_out.copy_to_host(), a + b)
    print(f'vector_add: {n} elements right')


if __name__ == '__main__':
    main()
