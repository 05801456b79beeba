"""Errors, by the names that ported programs catch."""
from ...errors import CudaAPIError, CudaDriverError, CudaSupportError, LibraryError as NvvmError

NvvmSupportError = CudaSupportError

__all__ = ['CudaAPIError', 'CudaDriverError', 'CudaSupportError', 'NvvmError', 'NvvmSupportError']
