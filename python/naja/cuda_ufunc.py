"""cuda_ufunc.py - where vectorize finds its third target."""
from .cuda.ufunc import vectorize

__all__ = ['vectorize']
