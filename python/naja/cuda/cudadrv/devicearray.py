"""Arrays on a device, by the module that ported programs import."""
from ..devicearray import (DeviceNDArray, device_array, device_array_like, is_cuda_array, is_cuda_ndarray,
                           to_device)

DeviceNDArrayBase = DeviceNDArray

__all__ = ['DeviceNDArray', 'DeviceNDArrayBase', 'device_array', 'device_array_like', 'is_cuda_array',
           'is_cuda_ndarray', 'to_device']
