"""The one place that holds the version; CMake and pyproject.toml read it from here."""
__version__ = "0.1.0"
