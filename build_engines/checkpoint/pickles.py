"""A reader of the pickles that torch.save writes, which builds data and can't call anything.

It is no subclass of Python's unpickler but a small machine of its own: it knows the opcodes of pickle protocol 2 that
such files need and no others, four globals as mere names, and each of the few objects that may be made of them. There
is no extension registry, no import, no method to override. What is read is limited in size, so is what is built.
Source: the comments of CPython's pickletools; torch's serialization format.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from build_engines.checkpoint.errors import CheckpointError
from build_engines.checkpoint.objects import Global, HParams, Storage, called, find_global, make_tensor

__all__ = ["MAX_BYTES", "read_pickle"]

MAX_BYTES = 1 << 20  # the largest genuine one has 0.1 MB
_MAX_STEPS = 100_000  # and takes 27 000
_MAX_GLOBAL_BYTES = 200


def read_pickle(data: bytes) -> object:
    """What ``data`` describes: dicts, lists, tuples, text, numbers, StoredTensor, HParams. Raises CheckpointError."""
    if len(data) > MAX_BYTES:
        raise CheckpointError(f"data.pkl has {len(data)} bytes; a genuine one stays far below {MAX_BYTES}")
    return _Machine(data).run()


class _Machine:
    """The pickle machine: a stack with marks, a memo, and one method per opcode."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._stack: list[object] = []
        self._marks: list[int] = []
        self._memo: dict[int, object] = {}

    def run(self) -> object:
        if self._take(2) != b"\x80\x02":
            raise CheckpointError("data.pkl isn't a pickle of protocol 2, which torch.save writes")
        for _ in range(_MAX_STEPS):
            code = self._take(1)
            if code == b".":
                return self._finish()
            step = _STEPS.get(code)
            if step is None:
                raise CheckpointError(
                    f"data.pkl uses pickle opcode 0x{code.hex()} at byte {self._at - 1}, which no checkpoint needs"
                )
            step(self)
        raise CheckpointError(f"data.pkl takes more than {_MAX_STEPS} steps to read; a genuine one needs a quarter")

    def _finish(self) -> object:
        result = self._pop()
        if self._stack or self._marks or self._at != len(self._data):
            raise CheckpointError("data.pkl goes on where it should end")
        return result

    # Reading and the stack

    def _take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) != count:
            raise CheckpointError("data.pkl breaks off")
        self._at += count
        return piece

    def _number(self, layout: str) -> int:
        value: int = struct.unpack(layout, self._take(struct.calcsize(layout)))[0]
        return value

    def _line(self) -> str:
        end = self._data.find(b"\n", self._at, self._at + _MAX_GLOBAL_BYTES)
        if end < 0:
            raise CheckpointError("data.pkl names a global without an end")
        return self._take(end + 1 - self._at)[:-1].decode("utf-8", "replace")

    def _push(self, value: object) -> None:
        self._stack.append(value)

    def _pop(self) -> object:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise CheckpointError("data.pkl takes more from its stack than it put there")
        return self._stack.pop()

    def _peek(self) -> object:
        self._push(value := self._pop())
        return value

    def _since_mark(self) -> list[object]:
        if not self._marks:
            raise CheckpointError("data.pkl goes back to a mark that it never made")
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    # Opcodes

    def mark(self) -> None:
        self._marks.append(len(self._stack))

    def text(self) -> None:
        size = self._number("<I")
        try:
            self._push(self._take(size).decode("utf-8"))
        except UnicodeDecodeError:
            raise CheckpointError("data.pkl holds a text that isn't UTF-8") from None

    def long(self) -> None:
        self._push(int.from_bytes(self._take(self._number("<B")), "little", signed=True))

    def real(self) -> None:
        self._push(struct.unpack(">d", self._take(8))[0])

    def items_of_tuple(self, count: int) -> None:
        self._push(tuple([self._pop() for _ in range(count)][::-1]))

    def marked_tuple(self) -> None:
        self._push(tuple(self._since_mark()))

    def append(self) -> None:
        self._extend([self._pop()])

    def appends(self) -> None:
        self._extend(self._since_mark())

    def _extend(self, items: list[object]) -> None:
        target = self._peek()
        if type(target) is not list:
            raise CheckpointError(f"data.pkl appends to {called(target)}")
        target.extend(items)

    def set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._update([key, value])

    def set_items(self) -> None:
        self._update(self._since_mark())

    def _update(self, items: list[object]) -> None:
        target = self._peek()
        if type(target) is not dict:
            raise CheckpointError(f"data.pkl sets an item of {called(target)}")
        if len(items) % 2:
            raise CheckpointError("data.pkl sets a key without a value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) is not str:  # the hash of a tuple could run deep, those of integers could be made to collide
                raise CheckpointError(f"data.pkl uses {called(key)} as a key")
            target[key] = value

    def put(self, layout: str) -> None:
        self._memo[self._number(layout)] = self._peek()

    def get(self, layout: str) -> None:
        key = self._number(layout)
        if key not in self._memo:
            raise CheckpointError("data.pkl recalls something that it never stored")
        self._push(self._memo[key])

    def global_name(self) -> None:
        self._push(find_global(f"{self._line()}.{self._line()}"))

    def reduce(self) -> None:
        arguments, target = self._pop(), self._pop()
        if target is Global.ORDERED_DICT and arguments == ():
            self._push({})
        elif target is Global.REBUILD_TENSOR and type(arguments) is tuple:
            self._push(make_tensor(arguments))
        else:
            raise CheckpointError(f"data.pkl calls {called(target)} in a way that no checkpoint needs; it isn't called")

    def new_object(self) -> None:
        arguments, target = self._pop(), self._pop()
        if target is not Global.HPARAMS or arguments != ():
            raise CheckpointError(f"data.pkl makes an object of {called(target)}, which no checkpoint needs")
        self._push(HParams())

    def build(self) -> None:
        state, target = self._pop(), self._peek()
        if type(state) is not dict or type(target) not in (HParams, dict):
            raise CheckpointError(f"data.pkl sets the state of {called(target)}, which no checkpoint needs")
        if isinstance(target, HParams):  # an OrderedDict's attributes mean nothing here
            target.update(state)

    def persistent(self) -> None:
        match self._pop():
            case ("storage", Global.HALF_STORAGE, str(key), str(), int(count)):
                self._push(Storage(key, count))
            case _:
                raise CheckpointError("data.pkl refers to something else than a storage of float16 numbers")


_STEPS: dict[bytes, Callable[[_Machine], None]] = {
    b"(": _Machine.mark,
    b"X": _Machine.text,
    b"K": lambda m: m._push(m._number("<B")),
    b"M": lambda m: m._push(m._number("<H")),
    b"J": lambda m: m._push(m._number("<i")),
    b"\x8a": _Machine.long,
    b"G": _Machine.real,
    b"N": lambda m: m._push(None),
    b"\x88": lambda m: m._push(True),
    b"\x89": lambda m: m._push(False),
    b"]": lambda m: m._push([]),
    b"}": lambda m: m._push({}),
    b")": lambda m: m._push(()),
    b"\x85": lambda m: m.items_of_tuple(1),
    b"\x86": lambda m: m.items_of_tuple(2),
    b"\x87": lambda m: m.items_of_tuple(3),
    b"t": _Machine.marked_tuple,
    b"a": _Machine.append,
    b"e": _Machine.appends,
    b"s": _Machine.set_item,
    b"u": _Machine.set_items,
    b"q": lambda m: m.put("<B"),
    b"r": lambda m: m.put("<I"),
    b"h": lambda m: m.get("<B"),
    b"j": lambda m: m.get("<I"),
    b"c": _Machine.global_name,
    b"R": _Machine.reduce,
    b"\x81": _Machine.new_object,
    b"b": _Machine.build,
    b"Q": _Machine.persistent,
}
