"""edge_tts.engines.tensorrt.slots: two adapters are resident, padded, and leave nothing behind."""

import numpy as np
import pytest

from edge_tts.engines.api import TensorInfo
from edge_tts.engines.tensorrt.memory import Memory
from edge_tts.engines.tensorrt.slots import NO_ADAPTER, AdapterSlots
from edge_tts.errors import DeviceMemoryError, EngineError, EngineLimitError
from tests.fakes.cuda import FakeDevice

HALF = np.dtype(np.float16)
INPUTS = {"lora_A.x": TensorInfo(HALF, (6, 4)), "lora_B.x": TensorInfo(HALF, (4, 5))}


class Slots:
    def __init__(self, inputs=INPUTS):
        self.device = FakeDevice()
        self.slots = AdapterSlots("step", Memory(self.device), inputs)

    def lease(self, adapter):
        with self.device.active():
            return self.slots.lease(adapter)

    def read(self, lease, name):
        with self.device.active():
            self.device.synchronize()
        _, shape = INPUTS[name].dtype, INPUTS[name].shape
        return self.device.view(lease.addresses[name], 2 * int(np.prod(shape))).view(HALF).reshape(shape)


@pytest.fixture
def slots():
    return Slots()


def adapter(rank, fill):
    return {
        "lora_A.x": np.full((6, rank), fill, np.float32),
        "lora_B.x": np.full((rank, 5), fill + 0.5, np.float32),
    }


def test_an_adapter_is_padded_with_zeros(slots):
    lease = slots.lease(adapter(3, 2.0))
    a, b = slots.read(lease, "lora_A.x"), slots.read(lease, "lora_B.x")
    assert (a[:, :3] == 2.0).all() and not a[:, 3:].any()
    assert (b[:3] == 2.5).all() and not b[3:].any()


def test_without_an_adapter_all_inputs_read_the_same_zeros(slots):
    lease = slots.lease({})
    assert lease.number == NO_ADAPTER and len(set(lease.addresses.values())) == 1
    assert not slots.read(lease, "lora_A.x").any() and not slots.read(lease, "lora_B.x").any()
    assert slots.lease({}).addresses == lease.addresses
    assert slots.device.allocations == 1


def test_a_graph_without_adapters_takes_nothing():
    slots = Slots({})
    assert slots.lease({}).addresses == {} and slots.device.allocations == 0


def test_the_same_adapter_hits_its_slot(slots):
    first, second = adapter(2, 1.0), adapter(2, 9.0)
    numbers = []
    for given in (first, second, first, dict(second), first):
        lease = slots.lease(given)
        numbers.append(lease.number)
        lease.release()
    assert numbers == [0, 1, 0, 1, 0] and slots.device.uploads == 2


def test_equal_numbers_in_other_arrays_are_another_adapter(slots):
    """Arrays are known by what they are; a slot keeps its own alive, so a new one can't be taken for it."""
    numbers = set()
    for _ in range(4):
        lease = slots.lease(adapter(2, 1.0))
        numbers.add(lease.number)
        lease.release()
    assert numbers == {0, 1} and slots.device.uploads == 4


def test_the_oldest_idle_slot_is_taken_and_nothing_stays_of_it(slots):
    first, second, third = adapter(4, 1.0), adapter(4, 2.0), {"lora_A.x": np.full((6, 1), 3.0, np.float32)}
    addresses = [lease.addresses for lease in (slots.lease(first), slots.lease(second))]
    for given, number in ((first, 0), (second, 1), (first, 0)):
        lease = slots.lease(given)
        assert (lease.number, lease.addresses) == (number, addresses[number])
    slots = Slots()
    for given in (first, second, first):
        slots.lease(given).release()
    lease = slots.lease(third)
    assert lease.number == 1
    a = slots.read(lease, "lora_A.x")
    assert (a[:, 0] == 3.0).all() and not a[:, 1:].any() and not slots.read(lease, "lora_B.x").any()


def test_what_is_being_read_is_not_overwritten(slots):
    first, second = adapter(1, 1.0), adapter(1, 2.0)
    leases = [slots.lease(first), slots.lease(first), slots.lease(second)]
    with pytest.raises(EngineLimitError, match="both slots"):
        slots.lease(adapter(1, 3.0))
    leases[0].release()
    leases[0].release()  # twice is once
    with pytest.raises(EngineLimitError):
        slots.lease(adapter(1, 3.0))
    leases[1].release()
    assert slots.lease(adapter(1, 3.0)).number == 0
    assert (slots.read(leases[2], "lora_A.x")[:, 0] == 2.0).all()


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (adapter(5, 1.0), "'lora_A.x' has rank 5, the engine was built for at most 4"),
        ({"lora_B.x": np.zeros((5, 5), np.float32)}, "'lora_B.x' has rank 5"),
        ({"lora_A.x": np.zeros((7, 2), np.float32)}, r"shape \[7, 2\], not \[6, 4\]"),
        ({"lora_B.x": np.zeros((2, 6), np.float32)}, r"shape \[2, 6\], not \[4, 5\]"),
        ({"lora_A.x": np.zeros(6, np.float32)}, "shape"),
        ({"lora_A.y": np.zeros((6, 2), np.float32)}, "no input 'lora_A.y'"),
        ({"lora_A.x": np.full((6, 2), 1e6, np.float32)}, "float16 can't hold"),
        ({"lora_A.x": np.full((6, 2), np.nan, np.float32)}, "float16 can't hold"),
    ],
)
def test_an_adapter_that_does_not_fit(slots, wrong, word):
    good = slots.lease(adapter(2, 1.0))
    with pytest.raises(EngineError, match=word) as caught:
        slots.lease(wrong)
    assert "\n" not in str(caught.value)
    assert (slots.read(good, "lora_A.x")[:, :2] == 1.0).all() and slots.device.held == 1


def test_no_memory_for_a_slot(slots):
    slots.device.fail_allocation = 1
    with pytest.raises(DeviceMemoryError):
        slots.lease(adapter(2, 1.0))
    assert slots.lease(adapter(2, 1.0)).number == 0
