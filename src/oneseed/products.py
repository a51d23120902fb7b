"""Products of small matrices whose sums stay in registers, for code that numba compiles."""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from oneseed.lanes import FREE, Lanes, everywhere, intrinsic, size_of


def product(rows: int, count: int, onto: bool) -> Any:
    """A function that multiplies two matrices, left and right, and puts what comes out into arrays; or adds it, if `onto`.

    out[first + p row + lane] = Σ_d left[left_first + p left_row + d left_step] right[right_first + steps[d] + lane]

    for p < `rows`, lane < `count` and d < len(steps); all arrays are contiguous, and counted through. Eight rows of 32 numbers
    of 32 bits are as many as AVX-512 has registers for.
    """

    @intrinsic
    def multiplied(typing, out, first, row, left, left_first, left_row, left_step, right, right_first, steps):
        lanes, number = Lanes(out.dtype, count), types.intp

        def generate(context, builder, signature, arguments):
            wide = context.get_value_type(lanes)
            given: dict[str, Any] = dict(zip(_NAMES, arguments, strict=True))
            arrays = {
                name: context.make_array(kind)(context, builder, given[name])
                for name, kind in zip(_NAMES, signature.args, strict=True)
                if isinstance(kind, types.Array)
            }

            def at(name: str, offset: Any) -> Any:
                return builder.gep(arrays[name].data, [offset])

            def whole(name: str, offset: Any) -> Any:
                return builder.bitcast(at(name, offset), wide.as_pointer())

            def begins(first: str, row: str) -> list[Any]:
                return [
                    builder.add(given[first], builder.mul(given[row], ir.Constant(given[row].type, p)))
                    for p in range(rows)
                ]

            size = size_of(context, lanes)
            places = [whole("out", begin) for begin in begins("first", "row")]
            lefts = begins("left_first", "left_row")
            sums = [
                cgutils.alloca_once_value(builder, builder.load(place, align=size) if onto else ir.Constant(wide, None))
                for place in places
            ]
            (depth,) = cgutils.unpack_tuple(builder, arrays["steps"].shape, 1)
            with cgutils.for_range(builder, depth) as loop:
                step = builder.load(at("steps", loop.index))
                beside = builder.load(whole("right", builder.add(given["right_first"], step)), align=size)
                along = builder.mul(loop.index, given["left_step"])
                for begin, total in zip(lefts, sums, strict=True):
                    one = everywhere(builder, builder.load(at("left", builder.add(begin, along))), wide)
                    more = builder.fmul(one, beside, flags=FREE)
                    builder.store(builder.fadd(builder.load(total), more, flags=FREE), total)
            for place, total in zip(places, sums, strict=True):
                builder.store(builder.load(total), place, align=size)
            return context.get_dummy_value()

        return types.void(out, number, number, left, number, number, number, right, number, steps), generate

    return multiplied


_NAMES = ("out", "first", "row", "left", "left_first", "left_row", "left_step", "right", "right_first", "steps")
