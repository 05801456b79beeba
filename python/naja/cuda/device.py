"""device.py - which devices there are and which one this thread uses."""
import collections

from .. import _naja
from ..errors import CudaSupportError

MemoryInfo = collections.namedtuple('MemoryInfo', ['free', 'total'])


class Device:
    """A device kernels run on.

    `kind` is 'cuda' or 'cpu' (the CPU device). CUDA's device attributes are attributes in upper case, such as
    MULTIPROCESSOR_COUNT or MAX_SHARED_MEMORY_PER_BLOCK.
    """

    def __init__(self, ordinal):
        info = _naja.device_info(ordinal)
        self.id, self.kind, self.name = ordinal, info['kind'], info['name']
        self.compute_capability = info['compute_capability']
        self.total_memory, self.pci_bus_id = info['total_memory'], info['pci_bus_id']
        h = info['uuid'].hex()
        self.uuid = f'GPU-{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}'
        self._info = info

    def __getattr__(self, name):
        if name.startswith('_') or not name.isupper():
            raise AttributeError(f"device has no attribute '{name}'")
        if name in self._info:
            return self._info[name]
        return _naja.device_attribute(self.id, name.lower())

    @property
    def attributes(self):
        """What the device says of itself, by CUDA's names in upper case."""
        return {name: value for name, value in self._info.items() if name.isupper()}

    supports_float16 = property(lambda self: self.kind == 'cpu' or self.compute_capability >= (5, 3))
    supports_bfloat16 = property(lambda self: self.kind == 'cpu' or self.compute_capability >= (8, 0))

    def get_device_identity(self):
        """{'pci_domain_id', 'pci_bus_id', 'pci_device_id'}, zeros where there is no bus."""
        domain, bus, rest = (self.pci_bus_id or '0:0:0').split(':')
        device = rest.split('.')[0]
        return {'pci_domain_id': int(domain, 16), 'pci_bus_id': int(bus, 16), 'pci_device_id': int(device, 16)}

    def get_primary_context(self):
        """The context of this device, which becomes this thread's."""
        return current_context(self.id)

    def release_primary_context(self):
        """Waits for the device; its context stays open for what still uses it."""
        self.reset()

    def __enter__(self):
        self._previous = _naja.device_current()
        _naja.device_select(self.id)
        return self

    def __exit__(self, *exc):
        _naja.device_select(self._previous)

    def __eq__(self, other):
        return isinstance(other, Device) and self.id == other.id

    def __hash__(self):
        return hash(self.id)

    def __repr__(self):
        return f'<naja device {self.id}: {self.name}>'

    def reset(self):
        """Waits for the device. Its memory is freed by its owners, not from under them."""
        synchronize()


class _Deallocations:
    """Memory that waits to be freed: none ever does, naja frees it with its last reference."""

    def clear(self):
        """Frees what waits."""

    def __len__(self):
        return 0


class Context:
    """The state of this thread's device, as far as users ask for it."""

    deallocations = _Deallocations()

    def push(self):
        """Nothing to do: this thread's device is current."""

    def pop(self):
        """Nothing to do: see push()."""

    @property
    def device(self):
        """The device of this thread."""
        return get_current_device()

    def get_memory_info(self):
        """MemoryInfo(free, total), in bytes."""
        return MemoryInfo(*_naja.device_meminfo())

    def synchronize(self):
        """Waits until everything queued on this thread's device is done."""
        synchronize()

    def reset(self):
        """The same as synchronize(): memory is freed by its owners."""
        synchronize()


class _Devices:
    """The devices in order of their ids: cuda.gpus[0], len(cuda.gpus), iteration, .lst, .current."""

    @property
    def lst(self):
        return list_devices()

    @property
    def current(self):
        return get_current_device()

    def __getitem__(self, i):
        return list_devices()[i]

    def __len__(self):
        return _naja.device_count()

    def __iter__(self):
        return iter(list_devices())


gpus = _Devices()


def list_devices():
    """All devices kernels can run on."""
    return [Device(i) for i in range(_naja.device_count())]


def get_current_device():
    """The device of this thread."""
    return Device(_naja.device_current())


def select_device(device_id):
    """Makes a device this thread's; returns it. IndexError when there is none of that id."""
    _naja.device_select(device_id)
    return get_current_device()


def current_context(devnum=None):
    """The context of this thread's device, or of device `devnum`, which becomes this thread's."""
    if devnum is not None:
        _naja.device_select(devnum)
    _naja.device_current()
    return Context()


def synchronize():
    """Waits until everything queued on this thread's device is done."""
    _naja.device_synchronize()


def close():
    """Waits for the device; what is still referenced stays usable."""
    if _naja.device_count():
        synchronize()


__all__ = ['CudaSupportError']
