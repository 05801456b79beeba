"""A cache folder for this run alone: tests neither read what other runs compiled nor leave anything in the user's."""
import os
import shutil
import tempfile

_folder = tempfile.mkdtemp(prefix="naja-cache-")
os.environ["NAJA_CACHE_DIR"] = _folder


def pytest_unconfigure(config):
    shutil.rmtree(_folder, ignore_errors=True)
