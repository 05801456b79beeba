"""counting.py - the instructions that naja's own extension executes in a process; needs valgrind.

Python, LLVM, the C library and the driver do not count. The figure is the same at each run on one machine.
"""
import os
import re
import subprocess
import tempfile


def instructions(*argv, stdin='', **env):
    with tempfile.NamedTemporaryFile() as f:
        done = subprocess.run(['valgrind', '--tool=callgrind', f'--callgrind-out-file={f.name}', *argv], input=stdin,
                              capture_output=True, text=True, env={**os.environ, 'PYTHONHASHSEED': '0', **env})
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        rows = subprocess.run(['callgrind_annotate', '--threshold=100', f.name], capture_output=True, text=True).stdout
    counts = re.finditer(r'^ *([\d,]+) .*\[[^]]*_naja[^]]*\.so\]', rows, re.M)
    return sum(int(m.group(1).replace(',', '')) for m in counts)
