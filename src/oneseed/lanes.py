"""A few numbers side by side in one register, for code that numba compiles: its own loops are too short to be put there.

Known to compiled code alone. The compiler cuts a register that a processor does not have into those that it has. What was
compiled is kept until the file that uses a function of this one changes: after a change here, empty `__pycache__`.
"""

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import extending
from numba.core import types
from numba.extending import models, register_model

intrinsic: Any = extending.intrinsic
"""What it makes is called without the first argument, which only the compiler gives."""

FREE = ("contract",)
"""A product may be added without being rounded first."""


class Lanes(types.Type):
    """`count` numbers of type `dtype`."""

    def __init__(self, dtype: Any, count: int):
        self.dtype, self.count = dtype, count
        super().__init__(f"Lanes({dtype} x {count})")


@register_model(Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any):
        one = dmm.lookup(fe_type.dtype).get_value_type()
        super().__init__(dmm, fe_type, ir.VectorType(one, fe_type.count))


@intrinsic(prefer_literal=True)
def load(typing, array, first, count):
    """`count` numbers of a contiguous array, from number `first` on; or as many as other lanes have."""
    lanes = Lanes(array.dtype, count.count if isinstance(count, Lanes) else count.literal_value)

    def generate(context, builder, signature, arguments):
        place = _place(context, builder, signature.args[0], arguments, lanes)
        return builder.load(place, align=size_of(context, lanes))

    return lanes(array, types.intp, count), generate


@intrinsic
def store(typing, array, first, lanes):
    """Put them there."""

    def generate(context, builder, signature, arguments):
        place = _place(context, builder, signature.args[0], arguments, lanes)
        builder.store(arguments[2], place, align=size_of(context, lanes))
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), generate


@intrinsic
def times(typing, number, lanes):
    """number · lanes."""

    def generate(context, builder, signature, arguments):
        number, lanes = arguments
        return builder.fmul(everywhere(builder, number, lanes.type), lanes, flags=FREE)

    return lanes(lanes.dtype, lanes), generate


@intrinsic
def add_times(typing, number, lanes, onto):
    """onto + number · lanes."""

    def generate(context, builder, signature, arguments):
        number, lanes, onto = arguments
        product = builder.fmul(everywhere(builder, number, lanes.type), lanes, flags=FREE)
        return builder.fadd(onto, product, flags=FREE)

    return lanes(lanes.dtype, lanes, lanes), generate


@intrinsic
def add(typing, one, other):
    """one + other."""
    return one(one, one), lambda context, builder, signature, arguments: builder.fadd(*arguments, flags=FREE)


@intrinsic
def subtract(typing, one, other):
    """one − other."""
    return one(one, one), lambda context, builder, signature, arguments: builder.fsub(*arguments, flags=FREE)


@intrinsic
def multiply(typing, one, other):
    """one ⊙ other."""
    return one(one, one), lambda context, builder, signature, arguments: builder.fmul(*arguments, flags=FREE)


@intrinsic(prefer_literal=True)
def spread(typing, numbers, count):
    """Each of a tuple's numbers `count` times, one after the other."""
    lanes = Lanes(numbers.dtype, numbers.count * count.literal_value)

    def generate(context, builder, signature, arguments):
        wide = context.get_value_type(lanes)
        result = ir.Constant(wide, ir.Undefined)
        for k in range(numbers.count):
            one = everywhere(builder, builder.extract_value(arguments[0], k), wide)
            which = [lane + (lanes.count if lane // count.literal_value == k else 0) for lane in range(lanes.count)]
            result = builder.shuffle_vector(result, one, _numbers(which))
        return result

    return lanes(numbers, count), generate


@intrinsic
def repeat(typing, lanes, like):
    """The lanes again and again, until they are as many as another's."""

    def generate(context, builder, signature, arguments):
        which = [lane % lanes.count for lane in range(like.count)]
        return builder.shuffle_vector(arguments[0], _nothing(arguments[0].type), _numbers(which))

    return like(lanes, like), generate


@intrinsic(prefer_literal=True)
def fold(typing, lanes, count):
    """Lanes that are `count`, or twice or four times that many, added up to so many: the adjoint of `repeat`."""
    narrow = Lanes(lanes.dtype, count.literal_value)

    def generate(context, builder, signature, arguments):
        value, width = arguments[0], lanes.count
        while width > narrow.count:
            width //= 2
            halves = (
                builder.shuffle_vector(value, _nothing(value.type), _numbers(range(first, first + width)))
                for first in (0, width)
            )
            value = builder.fadd(*halves, flags=FREE)
        return value

    return narrow(lanes, count), generate


@intrinsic
def dot(typing, one, other):
    """⟨one, other⟩, a number."""

    def generate(context, builder, signature, arguments):
        product = builder.fmul(*arguments, flags=FREE)
        total, *rest = (builder.extract_element(product, ir.IntType(32)(lane)) for lane in range(one.count))
        for part in rest:
            total = builder.fadd(total, part, flags=FREE)
        return total

    return one.dtype(one, one), generate


@intrinsic
def beside(typing, one, other):
    """One, and behind it other."""

    def generate(context, builder, signature, arguments):
        return builder.shuffle_vector(*arguments, _numbers(range(2 * one.count)))

    return Lanes(one.dtype, 2 * one.count)(one, one), generate


def arrangement(order: Sequence[int | None]) -> Any:
    """A function of lanes that gives those of these numbers, in this order; 0 where there is none."""
    order = tuple(order)

    @intrinsic
    def arranged(typing, lanes):
        def generate(context, builder, signature, arguments):
            which = [lanes.count if lane is None else lane for lane in order]
            return builder.shuffle_vector(arguments[0], ir.Constant(arguments[0].type, None), _numbers(which))

        return Lanes(lanes.dtype, len(order))(lanes), generate

    return arranged


def size_of(context: Any, lanes: Lanes) -> int:
    """Bytes of a number."""
    return context.get_abi_sizeof(context.get_value_type(lanes.dtype))


def _place(context: Any, builder: Any, array: Any, arguments: Any, lanes: Lanes) -> Any:
    """Where they lie."""
    first = builder.gep(context.make_array(array)(context, builder, arguments[0]).data, [arguments[1]])
    return builder.bitcast(first, context.get_value_type(lanes).as_pointer())


def everywhere(builder: Any, number: Any, wide: Any) -> Any:
    """The number in every lane."""
    one = builder.insert_element(_nothing(wide), number, ir.IntType(32)(0))
    return builder.shuffle_vector(one, _nothing(wide), _numbers([0] * wide.count))


def _nothing(wide: Any) -> Any:
    return ir.Constant(wide, ir.Undefined)


def _numbers(which: Any) -> Any:
    which = list(which)
    return ir.Constant(ir.VectorType(ir.IntType(32), len(which)), which)
