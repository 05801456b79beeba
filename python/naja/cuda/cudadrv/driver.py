"""Driver errors and objects, by the names that ported programs import."""
from .. import Event, Stream
from ..device import Context, Device
from .error import CudaAPIError, CudaDriverError, CudaSupportError

__all__ = ['Context', 'CudaAPIError', 'CudaDriverError', 'CudaSupportError', 'Device', 'Event', 'Stream']
